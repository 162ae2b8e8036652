"""What preparation writes: manifest, class list, truth and the account of every row."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from labelloop.preparation import (
    LabeledText,
    Preparation,
    PreparationError,
    PreparationOptions,
    TableFormat,
    prepare_dataset,
    prepare_files,
    propose_label_attribute,
)
from labelloop.preparation.errors import (
    BadRowsError,
    ClassListError,
    InputFileError,
    LabelAttributeError,
    OptionError,
    OutputFolderError,
)

ROWS = [LabeledText(f"text {number}", ("b", "e", "t")[number % 3]) for number in range(30)]
FORMAT = TableFormat(text_column="title", label_column="category")


def options(**changed: Any) -> PreparationOptions:
    return PreparationOptions(**{"label_attribute": "category", **changed})


def manifest(preparation: Preparation) -> list[dict[str, Any]]:
    lines = preparation.folder.manifest.read_bytes().split(b"\n")
    assert lines.pop() == b""
    return [json.loads(line) for line in lines]


def truth(preparation: Preparation) -> list[list[str]]:
    with preparation.folder.truth.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def report(preparation: Preparation) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(preparation.folder.report.read_bytes())
    return content


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def labels_of(preparation: Preparation) -> list[str]:
    return [row[2] for row in truth(preparation)[1:]]


def prepare(folder: Path, rows: Sequence[LabeledText] = ROWS, **changed: Any) -> Preparation:
    return prepare_dataset(rows, folder / "out", options(**changed))


def test_exactly_the_documented_files_are_written(tmp_path: Path) -> None:
    prepare(tmp_path, bucket="my-bucket")
    assert sorted(files(tmp_path / "out")) == [
        "prepare_report.json",
        "request.json",
        "rows.csv",
        "s3/my-bucket/input/class_labels.json",
        "s3/my-bucket/input/input.manifest",
        "s3/my-bucket/input/text_classification.liquid.html",
        "truth.csv",
    ]


def test_a_labeled_line_follows_ground_truths_format_to_the_letter(tmp_path: Path) -> None:
    rows = [LabeledText("one", "b"), LabeledText("two", "t"), LabeledText("three", "e")]
    preparation = prepare(tmp_path, rows, labeled_share=1, class_names={"t": "technology"})
    assert preparation.folder.manifest.read_bytes().split(b"\n")[1] == (
        b'{"source":"two","category":2,"category-metadata":{"class-name":"technology",'
        b'"job-name":"labeling-job/labelloop","confidence":1.0,"human-annotated":"yes",'
        b'"creation-date":"2000-01-01T00:00:00.000000","type":"groundtruth/text-classification"}}'
    )


def test_an_unlabeled_line_holds_the_text_and_nothing_else(tmp_path: Path) -> None:
    preparation = prepare(tmp_path, labeled_share=0)
    assert manifest(preparation) == [{"source": row.text} for row in ROWS]
    assert labels_of(preparation) == [row.label for row in ROWS]


def test_the_class_list_defines_the_index(tmp_path: Path) -> None:
    preparation = prepare(tmp_path, labeled_share=1, classes=("t", "b", "e"))
    document = json.loads(preparation.folder.class_labels.read_bytes())
    assert document == {
        "document-version": "2018-11-28",
        "labels": [{"label": "t"}, {"label": "b"}, {"label": "e"}],
    }
    assert [line["category"] for line in manifest(preparation)[:3]] == [1, 2, 0]


def test_classes_are_sorted_by_name_unless_given(tmp_path: Path) -> None:
    rows = [LabeledText("one", "z"), LabeledText("two", "B"), LabeledText("three", "a")]
    assert list(prepare(tmp_path, rows).rows_by_class) == ["B", "a", "z"]


def test_the_class_list_is_that_of_all_rows_whatever_the_sample(tmp_path: Path) -> None:
    assert list(prepare(tmp_path, sample=1).rows_by_class) == ["b", "e", "t"]


@pytest.mark.parametrize(
    ("share", "rows", "labeled"),
    [(0, 30, 0), (1, 30, 30), (0.2, 30, 6), (0.07, 100, 7), (0.1, 29, 3), (0.3, 10, 3)],
)
def test_the_labeled_share_is_exact_and_rounded_up(
    tmp_path: Path, share: float, rows: int, labeled: int
) -> None:
    preparation = prepare(tmp_path, [ROWS[number % 30] for number in range(rows)], labeled_share=share)
    assert preparation.labeled == labeled
    assert sum("category" in line for line in manifest(preparation)) == labeled


def test_the_labeled_rows_are_spread_over_the_file_and_change_with_the_seed(tmp_path: Path) -> None:
    rows = [LabeledText(f"text {number}", "be"[number % 2]) for number in range(2000)]
    places = []
    for seed in (1, 2):
        preparation = prepare_dataset(rows, tmp_path / str(seed), options(seed=seed, labeled_share=0.2))
        places.append({place for place, line in enumerate(manifest(preparation)) if "category" in line})
    # 400 of 2,000: 100 +- 9 in each quarter, 80 +- 8 in both draws; five sigmas are allowed.
    for drawn in places:
        assert all(55 < len(drawn & set(range(start, start + 500))) < 145 for start in range(0, 2000, 500))
    assert 40 < len(places[0] & places[1]) < 120


def test_a_greater_share_keeps_the_labels_of_a_smaller_one(tmp_path: Path) -> None:
    small, great = (
        {
            line["source"]
            for line in manifest(prepare_dataset(ROWS, tmp_path / str(share), options(labeled_share=share)))
            if "category" in line
        }
        for share in (0.2, 0.5)
    )
    assert small < great


def test_a_sample_keeps_the_order_of_the_file(tmp_path: Path) -> None:
    preparation = prepare(tmp_path, sample=10, labeled_share=0.2)
    sources = [line["source"] for line in manifest(preparation)]
    assert len(sources) == 10
    assert sources == [row.text for row in ROWS if row.text in set(sources)]
    assert preparation.labeled == 2
    assert report(preparation)["not_sampled"] == 20


def test_a_sample_larger_than_the_file_takes_all_and_says_so(tmp_path: Path) -> None:
    preparation = prepare(tmp_path, sample=31)
    assert preparation.rows == 30
    assert preparation.notes == ("A sample of 31 was asked for; all 30 usable rows were taken.",)


def test_rows_without_a_label_stay_and_are_never_among_the_labeled(tmp_path: Path) -> None:
    rows = [LabeledText(f"text {number}", ("b", "e", "", "")[number % 4]) for number in range(40)]
    preparation = prepare(tmp_path, rows, labeled_share=0.5)
    assert [line["source"] for line in manifest(preparation) if "category" in line] == [
        row.text for row in rows if row.label
    ]
    assert labels_of(preparation) == [row.label for row in rows]
    assert "Rows without a true label: 20." in preparation.notes


def test_fewer_labels_than_the_share_asks_for_is_said(tmp_path: Path) -> None:
    rows = [*ROWS[:3], *(LabeledText(f"unlabeled {number}") for number in range(7))]
    preparation = prepare(tmp_path, rows, labeled_share=0.5)
    assert preparation.labeled == 3
    assert "Labels for 5 rows were asked for; only 3 rows have one." in preparation.notes


def test_the_truth_has_one_row_a_manifest_line_numbered_from_zero(tmp_path: Path) -> None:
    preparation = prepare(tmp_path, sample=7)
    header, *rows = truth(preparation)
    assert header == ["labelloop-id", "source", "label"]
    assert [row[0] for row in rows] == [str(number) for number in range(7)]
    assert [row[1] for row in rows] == [line["source"] for line in manifest(preparation)]


def test_bad_rows_stop_everything_with_their_lines_and_their_number(tmp_path: Path) -> None:
    rows = [*ROWS, *(LabeledText("", "b") for _ in range(12))]
    with pytest.raises(BadRowsError) as caught:
        prepare(tmp_path, rows)
    message = str(caught.value)
    assert message.startswith("12 of 42 rows cannot be used; nothing was written.\n  line 31: empty text\n")
    assert "line 40" in message
    assert "line 41" not in message
    assert "and 2 more" in message
    assert "--skip-bad-rows" in message
    assert len(caught.value.bad_rows) == 12
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (LabeledText("", "b"), "empty text"),
        (LabeledText(" \n\u00a0", "b"), "empty text: it is only white space"),
        (LabeledText("lone \ud800", "b"), "not valid Unicode: lone surrogate U+D800"),
        (LabeledText("text", "\udcff"), "not valid Unicode: byte 0xFF"),
        (LabeledText("text", "x"), "label outside the class list: 'x'"),
        (LabeledText("x" * 100_000, "b"), "text too long: its manifest line would have 100,2"),
    ],
)
def test_a_bad_row_is_left_out_on_demand_and_listed(tmp_path: Path, row: LabeledText, reason: str) -> None:
    rows = [*ROWS[:5], row, *ROWS[5:]]
    preparation = prepare(tmp_path, rows, classes=("b", "e", "t"), skip_bad_rows=True)
    assert [line["source"] for line in manifest(preparation)] == [kept.text for kept in ROWS]
    account = report(preparation)
    assert account["bad_rows"]["count"] == 1
    assert account["bad_rows"]["rows"][0]["line"] == 6
    assert account["bad_rows"]["rows"][0]["reason"].startswith(reason)
    assert preparation.notes == ("Left out: 1 bad row, each listed in prepare_report.json.",)


def test_no_line_is_longer_than_ground_truth_allows(tmp_path: Path) -> None:
    overhead = len('{"source":""}')
    longest = [
        LabeledText("\u2028\U0001f600" * ((100_000 - overhead) // 2)),
        LabeledText("y" * (100_000 - overhead)),
    ]
    too_long = [
        LabeledText("z" * (100_001 - overhead)),
        LabeledText('"' * 50_000),
        LabeledText("y" * 99_900, "b"),
    ]
    preparation = prepare(tmp_path, [*longest, *too_long, *ROWS], labeled_share=1, skip_bad_rows=True)
    lines = preparation.folder.manifest.read_text(encoding="utf-8").split("\n")
    assert max(len(line) for line in lines) == 100_000
    assert len(lines[0]) == 99_999
    assert [row["line"] for row in report(preparation)["bad_rows"]["rows"]] == [3, 4, 5]


def test_the_report_accounts_for_every_row(tmp_path: Path) -> None:
    path = tmp_path / "mixed.csv"
    path.write_bytes(
        b"\xef\xbb\xbftitle,category\r\n"
        b"one,b\r\n\r\none,e\r\none,b\r\n,b\r\ntwo\r\nthree,e\r\ncaf\xe9,b\r\nfour,\r\nfive,E\r\n"
    )
    preparation = prepare_files([path], FORMAT, tmp_path / "out", options(skip_bad_rows=True, sample=5))
    account = report(preparation)
    assert account["rows_read"] == 9
    assert account["bad_rows"]["count"] + account["not_sampled"] + account["rows_written"] == 9
    assert [(row["line"], row["reason"]) for row in account["bad_rows"]["rows"]] == [
        (6, "empty text"),
        (7, "wrong number of fields: 1, where the file has 2 columns"),
        (9, "not UTF-8: byte 0xE9"),
    ]
    assert account["blank_lines"] == {"count": 1, "lines": [3]}
    assert account["origin"] == "mixed.csv"
    assert account["notes"] == list(preparation.notes)
    assert preparation.notes[0] == "The file began with a byte-order mark; it was removed."
    twins = [note for note in preparation.notes if "The classes 'E', 'e' differ only in how" in note]
    assert len(twins) == 1
    assert "--merge-case" in twins[0]


def test_repeated_and_contradicted_texts_are_kept_and_counted(tmp_path: Path) -> None:
    contradicted = [("a", "b"), ("a", "b"), ("a", "e"), ("c", ""), ("c", "e"), ("c", "b")]
    agreeing = [("d", "b"), ("d", "b"), ("d", "")]
    preparation = prepare(tmp_path, [LabeledText(*pair) for pair in contradicted + agreeing])
    assert preparation.rows == 9
    assert report(preparation)["repeated_texts"] == {"rows": 6, "texts_with_different_labels": 2}
    assert "Rows that repeat an earlier text: 6. They were kept." in preparation.notes
    assert "Texts that come with different labels: 2. They were kept." in preparation.notes


def test_a_class_without_rows_is_said(tmp_path: Path) -> None:
    assert "No row has the class 'x'." in prepare(tmp_path, classes=("b", "e", "t", "x")).notes


def test_classes_can_be_shown_under_other_names_and_the_report_says_which(tmp_path: Path) -> None:
    preparation = prepare(tmp_path, class_names={"b": "Business", "e": 'a, "b"'}, labeled_share=1)
    assert set(labels_of(preparation)) == {"Business", 'a, "b"', "t"}
    assert {line["category-metadata"]["class-name"] for line in manifest(preparation)} == set(
        labels_of(preparation)
    )
    assert report(preparation)["labels"]["renamed"] == {"b": "Business", "e": 'a, "b"'}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"classes": ("b",)}, "at least two classes; there is only 'b'"),
        ({"classes": ("b", "b", "e")}, "contains 'b' 2 times"),
        ({"classes": ("b", "", "e")}, "empty name"),
        ({"class_names": {"x": "y"}}, "names 'x', which is not a class. The classes are: 'b', 'e', 't'"),
        ({"class_names": {"b": "e"}}, "contains 'e' 2 times"),
    ],
)
def test_a_faulty_class_list_is_refused(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ClassListError, match=message):
        prepare(tmp_path, skip_bad_rows=True, **changed)
    assert not (tmp_path / "out").exists()


def test_fewer_than_two_classes_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ClassListError, match="at least two classes; there is only 'b'"):
        prepare(tmp_path, [LabeledText("a", "b"), LabeledText("c", "b")])
    with pytest.raises(ClassListError, match="No row has a label, so say which classes there are: --classes"):
        prepare(tmp_path, [LabeledText("a")])


def test_texts_without_any_label_can_be_prepared_with_a_given_class_list(tmp_path: Path) -> None:
    preparation = prepare(tmp_path, [LabeledText("a")], classes=("b", "e"))
    assert manifest(preparation) == [{"source": "a"}]


def test_no_rows_and_no_usable_rows_are_errors(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="no rows"):
        prepare(tmp_path, [])
    with pytest.raises(InputFileError, match="None of the 1 rows can be used"):
        prepare(tmp_path, [LabeledText("")], skip_bad_rows=True)


def test_the_same_seed_gives_the_same_bytes_from_a_list_and_from_an_iterator(tmp_path: Path) -> None:
    for name, rows in (("list", ROWS), ("iterator", iter(ROWS))):
        prepare_dataset(rows, tmp_path / name, options(seed=7, sample=20))
    assert files(tmp_path / "list") == files(tmp_path / "iterator")


def test_a_folder_in_use_is_refused_and_left_alone(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("kept")
    with pytest.raises(OutputFolderError, match=r"already holds mine.txt.*--overwrite"):
        prepare(tmp_path)
    assert files(out) == {"mine.txt": b"kept"}


def test_overwriting_replaces_its_own_files_and_deletes_nothing(tmp_path: Path) -> None:
    prepare(tmp_path, bucket="one-bucket")
    before = files(tmp_path / "out")
    (tmp_path / "out" / "run").mkdir()
    (tmp_path / "out" / "run" / "output.manifest").write_text("kept")
    prepare(tmp_path, bucket="two-bucket", seed=9, overwrite=True)
    after = files(tmp_path / "out")
    assert after["run/output.manifest"] == b"kept"
    assert set(before) < set(after)
    assert b"two-bucket" in after["request.json"]
    assert not [name for name in after if name.endswith(".partial")]


def test_an_output_folder_that_is_a_file_or_below_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(OutputFolderError, match="is not a folder"):
        prepare(tmp_path)
    with pytest.raises(OutputFolderError, match="is not a folder"):
        prepare_dataset(ROWS, tmp_path / "out" / "below", options())


def test_a_file_that_cannot_be_written_is_one_error_and_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "truth.csv.partial").mkdir()
    with pytest.raises(OutputFolderError, match=r"truth\.csv cannot be written: Is a directory"):
        prepare(tmp_path, overwrite=True)
    assert files(tmp_path / "out") == {}


def test_the_input_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_text("title,category\none,b\ntwo,e\n")
    with pytest.raises(OutputFolderError, match="would be overwritten"):
        prepare_files([path], FORMAT, tmp_path, options(overwrite=True))
    assert path.read_text() == "title,category\none,b\ntwo,e\n"


@pytest.mark.parametrize(
    ("name", "proposal"),
    [
        ("my label", "my-label"),
        ("a.b", "a-b"),
        ("it's", "it-s"),
        ("über_class", "ber-class"),
        ("category-metadata", "category"),
        ("category-ref", "category"),
        ("x-ref-metadata", "x"),
        ("source", "label"),
        ("source-ref", "label"),
        ("labelloop-id", "id"),
        ("-", "label"),
        ("", "label"),
        ("ends-", "ends"),
        ("a" * 128, "a" * 127),
        ("a\n", "a"),
    ],
)
def test_a_label_attribute_ground_truth_refuses_is_refused_with_one_that_would_do(
    name: str, proposal: str
) -> None:
    with pytest.raises(LabelAttributeError, match=f"Try --label-attribute {proposal}$"):
        options(label_attribute=name)
    assert propose_label_attribute(name) == proposal
    assert options(label_attribute=proposal).label_attribute == proposal


@pytest.mark.parametrize(
    "changed",
    [
        {"labeled_share": -0.1},
        {"labeled_share": 1.1},
        {"labeled_share": float("nan")},
        {"sample": 0},
        {"seed": -1},
        {"bucket": "Upper"},
        {"bucket": "../up"},
        {"bucket": "a..b"},
        {"bucket": "ab"},
        {"job_name_prefix": "under_score"},
        {"job_name_prefix": "x" * 32},
        {"role_arn": "me"},
        {"workteam_arn": "arn:aws:sagemaker:us-east-1:1:workteam/x"},
    ],
)
def test_an_option_outside_its_range_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(OptionError):
        options(**changed)


def test_a_region_without_ground_truth_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    arn = "arn:aws:sagemaker:eu-north-1:111122223333:workteam/private-crowd/x"
    with pytest.raises(PreparationError, match="eu-north-1"):
        prepare(tmp_path, workteam_arn=arn)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_hundred_thousand_rows_take_a_few_seconds(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("title", "category"))
        writer.writerows(
            (f"headline number {number} of many, with words", "bet"[number % 3]) for number in range(10**5)
        )
    preparation = prepare_files([path], FORMAT, tmp_path / "out", options(labeled_share=0.2))
    assert preparation.rows == 10**5
    assert preparation.labeled == 20_000
