"""Prior columns of a table: what reaches manifest and request, and what is refused beforehand."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from labelloop.cli.prepare import prepare

app = typer.Typer()
app.command()(prepare)

HEADER = "title,category,llm label,sure\n"
ROWS = ["a,b,b,90 %\n", "c,e,e,80 %\n", "d,b,e,55 %\n", "f,,b,\n", "g,e,,\n"]


def table(tmp_path: Path, rows: list[str] = ROWS, header: str = HEADER) -> Path:
    path = tmp_path / "news.csv"
    path.write_text(header + "".join(rows))
    return path


def run(path: Path, *options: str) -> Result:
    return CliRunner().invoke(
        app,
        [str(path), "--text-column", "title", "--out", str(path.parent / "out"), *options],
        env={"COLUMNS": "200"},
    )


def lines(path: Path) -> list[dict[str, Any]]:
    manifest = path.parent / "out/s3/labelloop-local/input/input.manifest"
    return [json.loads(line) for line in manifest.read_bytes().splitlines()]


PRIOR = ("--prior-column", "llm label", "--prior-confidence-column", "sure")


def test_they_are_in_the_manifest_and_named_in_the_request(tmp_path: Path) -> None:
    path = table(tmp_path)
    result = run(path, "--label-column", "category", "--labeled-share", "0.4", *PRIOR)
    assert result.exit_code == 0, result.output
    request = json.loads((tmp_path / "out/request.json").read_bytes())
    assert request["PriorLabels"] == [{"Attribute": "llm-label"}]
    written = lines(path)
    assert [line.get("llm-label") for line in written] == [0, 1, 1, 0, None]
    metadata = [line.get("llm-label-metadata", {}) for line in written]
    assert [each.get("confidence") for each in metadata] == [0.9, 0.8, 0.55, None, None]
    assert metadata[0] == {
        "class-name": "b",
        "job-name": "labeling-job/llm-label",
        "confidence": 0.9,
        "human-annotated": "no",
        "creation-date": "2000-01-01T00:00:00.000000",
        "type": "groundtruth/text-classification",
    }
    assert sum("category" in line for line in written) == 2
    assert "Note: Column 'llm label' gives 1 row of 5 no label." in result.stdout
    assert "Note: Column 'sure': there is no confidence for the label in 1 row." in result.stdout
    assert "--model given" in result.stdout


def test_a_file_without_labels_has_the_classes_of_its_prior_columns(tmp_path: Path) -> None:
    path = table(tmp_path)
    result = run(path, *PRIOR)
    assert result.exit_code == 0, result.output
    classes = json.loads((tmp_path / "out/s3/labelloop-local/input/class_labels.json").read_bytes())
    assert [entry["label"] for entry in classes["labels"]] == ["b", "e"]
    assert json.loads((tmp_path / "out/request.json").read_bytes())["LabelAttributeName"] == "label"
    assert "--people workbench" in result.stdout


def test_a_sample_takes_each_rows_own_prior_label(tmp_path: Path) -> None:
    path = table(tmp_path, [f"text {n},{'be'[n % 2]},{'be'[n % 3 % 2]},{n}\n" for n in range(100)])
    assert run(path, "--label-column", "category", "--sample", "30", *PRIOR).exit_code == 0
    for line in lines(path):
        number = int(line["source"].removeprefix("text "))
        assert line["llm-label"] == number % 3 % 2
        assert line["llm-label-metadata"]["confidence"] == pytest.approx(number / 100)


def test_all_the_nines_of_a_confidence_stay(tmp_path: Path) -> None:
    path = table(tmp_path, ["a,b,b,0.999987\n", "c,e,e,0.999991\n"])
    assert run(path, "--label-column", "category", *PRIOR).exit_code == 0
    assert [line["llm-label-metadata"]["confidence"] for line in lines(path)] == [0.999987, 0.999991]


def test_a_copy_of_the_truth_is_told(tmp_path: Path) -> None:
    path = table(tmp_path, [f"text {n},{'be'[n % 2]},{'be'[n % 2]},0.9\n" for n in range(30)])
    result = run(path, "--label-column", "category", *PRIOR)
    assert "agrees with the label column in all 30 rows that have both" in result.stdout


LABELED = ("--label-column", "category")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "Name the column with the labels: --label-column, --prior-column, or both."),
        (
            (*LABELED, "--prior-column", "category"),
            "'category' cannot be a prior column: it is the label column",
        ),
        ((*LABELED, "--prior-column", "title"), "'title' cannot be a prior column: it is the text column"),
        ((*LABELED, *PRIOR, *PRIOR), "'llm label' cannot be a prior column: it is a prior column already"),
        ((*LABELED, "--prior-column", "llm"), "has no column 'llm'."),
        (
            (*LABELED, "--prior-column", "llm label", "--prior-confidence-column", "llm label"),
            "'llm label' cannot be a prior confidence column: it is a prior column",
        ),
        (
            (*LABELED, *PRIOR, "--prior-confidence-column", ""),
            "There are 1 --prior-column and 2 --prior-confidence-column",
        ),
        ((*LABELED, "--prior-column", "x-metadata"), "Column 'x-metadata' cannot be a prior column"),
        (
            (*LABELED, *PRIOR, "--label-attribute", "llm-label"),
            "'llm-label' is the label attribute, where people's labels go",
        ),
        (
            (*LABELED, "--prior-column", "llm label", "--prior-column", "llm-label"),
            "under the key 'llm-label'",
        ),
        ((*LABELED, "--prior-column", "sure"), "line 2: '90 %' is not one of the classes"),
        (
            (*LABELED, "--prior-column", "llm label", "--prior-confidence-column", "words"),
            "Column 'words', line 2: 'high' is not a number",
        ),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(
    tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    header = HEADER.replace("\n", ",x-metadata,llm-label,words\n")
    path = table(tmp_path, [row.replace("\n", ",b,b,high\n") for row in ROWS], header)
    result = run(path, *options)
    assert result.exit_code in (1, 2)
    assert message in " ".join(result.output.split())
    assert not (tmp_path / "out").exists()
