"""Labels as people have them: words for none, one class in several spellings, columns without classes."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from labelloop.core.label_words import DEFAULT_MISSING
from labelloop.preparation import LabeledText, Preparation, PreparationOptions, prepare_dataset
from labelloop.preparation.errors import BadRowsError, ClassListError


def prepare(folder: Path, labels: Sequence[str], **changed: Any) -> Preparation:
    rows = [LabeledText(f"text {number}", label) for number, label in enumerate(labels)]
    return prepare_dataset(rows, folder / "out", PreparationOptions(label_attribute="label", **changed))


def told(preparation: Preparation, *words: str) -> bool:
    return any(all(word in note for word in words) for note in preparation.notes)


def test_words_for_no_value_are_no_classes(tmp_path: Path) -> None:
    labels = ["b", "e", "NaN", "None", "NULL", "N/A", "-", "", " ", *DEFAULT_MISSING]
    prepared = prepare(tmp_path, labels)
    assert prepared.rows_by_class == {"b": 1, "e": 1}
    assert prepared.unknown == len(labels) - 2
    assert told(prepared, "'NaN', 'None'", "read as no label", "--classes", "--missing")


def test_a_word_is_a_class_where_it_is_named_as_one(tmp_path: Path) -> None:
    assert prepare(tmp_path, ["toxic", "None"], classes=("toxic", "None")).rows_by_class["None"] == 1


def test_which_words_mean_no_label_is_the_users_to_say(tmp_path: Path) -> None:
    prepared = prepare(tmp_path, ["b", "e", "unsure", "NaN"], missing=("unsure",))
    assert prepared.rows_by_class == {"NaN": 1, "b": 1, "e": 1}
    assert told(prepared, "'NaN' is read as a class", "--missing 'NaN'")


def test_a_word_that_may_mean_none_is_told(tmp_path: Path) -> None:
    prepared = prepare(tmp_path, ["toxic", "none"])
    assert set(prepared.rows_by_class) == {"none", "toxic"}
    assert told(prepared, "'none' is read as a class", "--missing 'none'")


def test_numbers_with_and_without_a_decimal_zero_are_one_class(tmp_path: Path) -> None:
    prepared = prepare(tmp_path, ["0", "0.0", "1", "1.0", "1.00", "1.5"])
    assert prepared.rows_by_class == {"0": 2, "1": 3, "1.5": 1}
    assert told(prepared, "another spelling", "--exact-labels")


def test_numbers_that_all_have_a_decimal_zero_keep_it(tmp_path: Path) -> None:
    assert set(prepare(tmp_path, ["0.0", "1.0"]).rows_by_class) == {"0.0", "1.0"}


def test_unicode_twins_and_space_make_no_other_class(tmp_path: Path) -> None:
    forms = [unicodedata.normalize(form, "café") for form in ("NFC", "NFD")]
    prepared = prepare(tmp_path, [*forms, " café ", "tea", "tea\t"])
    assert prepared.rows_by_class == {"café": 3, "tea": 2}
    assert told(prepared, "In 3 rows", "another spelling")


def test_case_counts_unless_the_user_says_otherwise(tmp_path: Path) -> None:
    labels = ["Sports", "sports", "sports", "us", "US"]
    apart = prepare(tmp_path / "apart", labels)
    assert len(apart.rows_by_class) == 4
    assert told(apart, "'Sports', 'sports'", "--merge-case")
    together = prepare(tmp_path / "together", labels, merge_case=True)
    assert together.rows_by_class == {"US": 2, "sports": 3}


def test_given_classes_are_found_however_they_are_written(tmp_path: Path) -> None:
    prepared = prepare(tmp_path, ["Business ", "health", "HEALTH"], classes=("business", "health"))
    assert prepared.rows_by_class == {"business": 1, "health": 2}
    assert told(prepared, "In 2 rows", "another spelling")


def test_labels_can_be_taken_exactly_as_they_are(tmp_path: Path) -> None:
    labels = ["0", "0.0", "b", "b "]
    assert set(prepare(tmp_path, labels, exact_labels=True).rows_by_class) == set(labels)
    with pytest.raises(BadRowsError):
        prepare(tmp_path / "given", labels, exact_labels=True, classes=("0", "b"))


def test_a_column_of_ids_is_no_label_column(tmp_path: Path) -> None:
    with pytest.raises(ClassListError, match=r"Each of the 800 labels is different .* --label-column"):
        prepare(tmp_path, [f"id {number}" for number in range(800)])
    assert not (tmp_path / "out").exists()


def test_classes_of_few_rows_are_told_and_whether_most_are_like_that(tmp_path: Path) -> None:
    prepared = prepare(tmp_path, ["b"] * 20 + [f"rare {number // 2}" for number in range(30)])
    assert told(prepared, "Classes of fewer than 5 rows", "and 7 more", "--classes", "right --label-column?")
    few = prepare(tmp_path / "few", ["a"] * 20 + ["b"] * 20 + ["rare"] * 4)
    assert told(few, "Classes of fewer than 5 rows: 'rare'. A model can hardly learn")
    assert not told(few, "right --label-column?")
    assert not told(prepare(tmp_path / "none", ["a"] * 20 + ["b"] * 5), "fewer than 5 rows")


@pytest.mark.slow
def test_more_classes_than_labels_can_count_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ClassListError, match="There are 33,000 classes, and at most 32,767"):
        prepare(tmp_path, [f"{number}" for number in range(33_000)] * 2)
    assert not (tmp_path / "out").exists()


def test_names_too_long_for_the_state_of_a_run_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ClassListError, match=r"take 3.* bytes, and at most 100,000"):
        prepare(tmp_path, [f"{number:060}" for number in range(5_500)] * 2)
    assert not (tmp_path / "out").exists()


def test_too_few_classes_says_what_was_read_as_none(tmp_path: Path) -> None:
    with pytest.raises(ClassListError, match=r"there is only 'toxic'.*'None': read as no label"):
        prepare(tmp_path, ["toxic", "None"])
