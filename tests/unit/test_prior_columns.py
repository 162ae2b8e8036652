"""Columns of prior labels: what is read, what is told, and what is refused with the row and the mend."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelloop.core.errors import RequestError
from labelloop.core.model.prior_labels import NONE_GIVEN
from labelloop.preparation.prior_columns import PriorColumn, ReadPriors, read_prior_columns

CLASSES = ("business", "health", "science")


def read_labels(*labels: str, lines: list[int] | None = None) -> ReadPriors:
    return read_prior_columns([PriorColumn("gpt", labels)], CLASSES, lines=lines)


def read_confidences(*confidences: str) -> ReadPriors:
    labels = [CLASSES[number % 3] for number in range(len(confidences))]
    return read_prior_columns([PriorColumn("gpt", labels, "sure", confidences)], CLASSES)


def confidences_of(read: ReadPriors) -> list[float | None]:
    return [None if np.isnan(one) else round(float(one), 4) for one in read.priors.confidence[:, 0]]


def test_labels_become_indices_and_an_empty_field_no_label() -> None:
    read = read_labels("health", "", "business", "science")
    assert read.priors.labels[:, 0].tolist() == [1, NONE_GIVEN, 0, 2]
    assert np.isnan(read.priors.confidence).all()
    assert read.notes == ("Column 'gpt' gives 1 row of 4 no label.",)


def test_several_columns_are_several_sources() -> None:
    columns = [
        PriorColumn("gpt", ("health", "business"), "sure", ("0.9", "0.8")),
        PriorColumn("rule", ("", "science")),
    ]
    priors = read_prior_columns(columns, CLASSES).priors
    assert priors.labels.tolist() == [[1, NONE_GIVEN], [0, 2]]
    assert priors.confidence[:, 0].tolist() == pytest.approx([0.9, 0.8])
    assert np.isnan(priors.confidence[:, 1]).all()


def test_case_and_space_are_told_and_change_nothing() -> None:
    read = read_labels("Health", " business ", "science")
    assert read.priors.labels[:, 0].tolist() == [1, 0, 2]
    assert "in 2 rows the class is written with another case" in read.notes[0]


def test_classes_that_only_case_tells_apart_are_not_mixed_up() -> None:
    read = read_prior_columns([PriorColumn("gpt", ("a", "A"))], ("A", "a"))
    assert read.priors.labels[:, 0].tolist() == [1, 0]
    with pytest.raises(RequestError, match="row 1: 'a ' is not one of the classes"):
        read_prior_columns([PriorColumn("gpt", ("a ",))], ("A", "a"))


def test_what_programs_write_for_nothing_is_told() -> None:
    read = read_labels("health", "NaN", "None", "business")
    assert read.priors.labels[:, 0].tolist() == [1, NONE_GIVEN, NONE_GIVEN, 0]
    assert "Column 'gpt': 'NaN', 'None' was read as no label." in read.notes
    assert read_prior_columns([PriorColumn("x", ("none", "b"))], ("none", "b")).priors.labels.tolist() == [
        [0],
        [1],
    ]


def test_a_label_outside_the_classes_names_row_and_near_classes() -> None:
    with pytest.raises(RequestError) as refused:
        read_labels("health", "buisness", lines=[2, 5])
    message = str(refused.value)
    assert message.startswith("Column 'gpt', line 5: 'buisness' is not one of the classes.")
    assert "Did you mean 'business'?" in message
    assert "The classes are: 'business', 'health', 'science'." in message
    with pytest.raises(RequestError, match="row 1: '2' is not one of the classes"):
        read_labels("2")


def test_a_column_without_labels_is_refused_and_one_of_a_single_label_told() -> None:
    with pytest.raises(RequestError, match="Column 'gpt' has no label in any of its 2 rows"):
        read_labels("", " ")
    assert read_labels("health", "health").notes == (
        "Column 'gpt' gives the same label everywhere: 'health'.",
    )


@pytest.mark.parametrize(
    ("fields", "expected", "note"),
    [
        (("0.87", "1", "0"), [0.87, 1.0, 0.0], ""),
        (("87 %", "87%", "100%"), [0.87, 0.87, 1.0], ""),
        (("87", "99.5", "0.5"), [0.87, 0.995, 0.005], "read as percent: its numbers are 0.5 to 99.5"),
        (("87 %", "87"), [0.87, 0.87], "read as percent: its numbers are 87 to 87"),
        (("87 %", "0.9"), [0.87, 0.9], "numbers without a percent sign, in 1 row, were read as shares of 1"),
        (("0,87", "0,5"), [0.87, 0.5], "a comma was read as a decimal point"),
        (("1e-1", ".5", "+0.25"), [0.1, 0.5, 0.25], ""),
        (("0.9", "", "0.5"), [0.9, None, 0.5], "no confidence for the label in 1 row"),
        (("0.9", "NaN", "0.5"), [0.9, None, 0.5], "'NaN' was read as no confidence"),
        (("0.9", "0.9"), [0.9, 0.9], "'sure' is 0.9 everywhere"),
    ],
)
def test_confidences_are_read(fields: tuple[str, ...], expected: list[float | None], note: str) -> None:
    read = read_confidences(*fields)
    assert confidences_of(read) == expected
    assert any(note in one for one in read.notes) if note else not read.notes


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (("0.9", "high", "low", "high"), "row 2: 'high' is not a number.*this column has 'high', 'low'"),
        (("0.9", "1.5", "0.8", "0.7"), "row 2: '1.5' is above 1, where most numbers"),
        (("90", "101", "80"), "row 2: '101' is not a confidence"),
        (("90 %", "120 %"), "row 2: '120 %' is not a confidence"),
        (("-0.13", "-2.1"), "row 1: '-0.13' is not a confidence.*take their exponential"),
        (("0.9", "inf"), "row 2: 'inf' is not a number"),
        (("0.9", "1e999"), "row 2: '1e999' is not a confidence"),
        (("0.9", "1.000,5"), "row 2: '1.000,5' is not a number"),
    ],
)
def test_confidences_that_cannot_be_are_refused(fields: tuple[str, ...], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        read_confidences(*fields)


def test_a_confidence_without_a_label_is_left_out_and_told() -> None:
    read = read_prior_columns([PriorColumn("gpt", ("health", ""), "sure", ("0.9", "0.8"))], CLASSES)
    assert confidences_of(read) == [0.9, None]
    assert "Column 'sure': a confidence without a label, in 1 row, was left out." in read.notes


@given(
    st.lists(
        st.tuples(st.sampled_from((*CLASSES, "")), st.none() | st.integers(0, 100)), min_size=1, max_size=30
    ).filter(lambda rows: any(label for label, _ in rows)),
    st.booleans(),
)
def test_nothing_is_lost_and_rows_keep_their_order(rows: list[tuple[str, int | None]], percent: bool) -> None:
    labels = [label for label, _ in rows]
    fields = ["" if one is None else f"{one} %" if percent else str(one / 100) for _, one in rows]
    priors = read_prior_columns([PriorColumn("gpt", labels, "sure", fields)], CLASSES).priors
    assert ["" if one == NONE_GIVEN else CLASSES[one] for one in priors.labels[:, 0].tolist()] == labels
    stated = [None if np.isnan(one) else round(100 * float(one)) for one in priors.confidence[:, 0]]
    assert stated == [one if label else None for label, one in rows]
