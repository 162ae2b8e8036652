"""Nothing is lost, nothing is relabeled, the ledger always sums to the input."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelloop.core.errors import LedgerError, ManifestError
from labelloop.core.ledger import Ledger, State
from labelloop.core.manifest.labeling_output import Answer
from labelloop.core.manifest.lines import add_id, remove_id
from labelloop.core.manifest.merging import first_of_each, merge_fields
from labelloop.core.people.human_labels import HumanLabels, unanswerable

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
records = st.dictionaries(
    st.text().filter(lambda key: key not in ("source", "category", "labelloop-id")), json_values, max_size=4
).flatmap(lambda extra: st.text(min_size=1).map(lambda source: {**extra, "source": source}))


def working(record: dict[str, Any], object_id: int, *, ascii_only: bool) -> bytes:
    return add_id(json.dumps(record, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass"), object_id)


@pytest.mark.slow
@given(st.lists(records, max_size=12), st.data(), st.booleans())
def test_a_merge_is_what_a_naive_merge_gives(
    all_records: list[dict[str, Any]], data: st.DataObject, ascii_only: bool
) -> None:
    lines = [working(record, number, ascii_only=ascii_only) for number, record in enumerate(all_records)]
    labels = (
        data.draw(st.dictionaries(st.integers(0, max(0, len(lines) - 1)), st.integers(0, 5))) if lines else {}
    )
    additions = [(object_id, b'{"category":%d}' % label) for object_id, label in sorted(labels.items())]

    merged = list(merge_fields(lines, additions))

    naive = [
        {**record, **({"category": labels[n]} if n in labels else {})} for n, record in enumerate(all_records)
    ]
    read_back = [json.loads(remove_id(line).decode("utf-8", "surrogatepass")) for line in merged]
    assert read_back == naive
    assert [list(record) for record in read_back] == [list(record) for record in naive]
    assert [line for n, line in enumerate(merged) if n not in labels] == [
        line for n, line in enumerate(lines) if n not in labels
    ]


@given(st.lists(st.dictionaries(st.integers(0, 9), st.integers(0, 3)), max_size=3))
def test_of_several_streams_the_first_addition_for_each_object_counts(found: list[dict[int, int]]) -> None:
    first: dict[int, int] = {}
    for labels in found:
        first = labels | first
    streams = [[(number, b"%d" % labels[number]) for number in sorted(labels)] for labels in found]
    assert list(first_of_each(*streams)) == [(number, b"%d" % first[number]) for number in sorted(first)]


def test_a_label_without_a_line_is_an_error_not_a_loss() -> None:
    lines = [add_id(b'{"source":"x"}', 0)]
    with pytest.raises(ManifestError, match="no line for object 3"):
        list(merge_fields(lines, [(3, b'{"category":1}')]))


answers = st.builds(
    lambda object_id, label: Answer(object_id, label, {} if label is None else {"category": label}),
    st.integers(-2, 14),
    st.none() | st.integers(0, 3),
)


@given(st.integers(1, 12), st.lists(st.tuples(st.sets(st.integers(0, 11)), st.lists(answers, max_size=30))))
def test_whatever_people_answer_the_ledger_sums_and_no_label_changes(
    size: int, rounds: list[tuple[set[int], list[Answer]]]
) -> None:
    ledger = Ledger.of_size(size)
    labels_before = ledger.labels.copy()
    for number, (asked, replies) in enumerate(rounds, 1):
        chosen = np.array(sorted(i for i in asked if i < size and ledger.state_of(i) == State.POOL), np.int64)
        ledger.ask(chosen)
        people = HumanLabels(ledger)
        people.read(replies)
        people.record(number)
        ledger.fail(unanswerable(ledger), number)

        counts = ledger.counts()
        assert (
            counts.pool + counts.validation + counts.human + counts.auto + counts.failed
            == counts.input
            == size
        )
        had_label = labels_before >= 0
        assert (ledger.labels[had_label] == labels_before[had_label]).all()
        labeled = people.labeled.tolist()
        assert len(set(labeled)) == len(labeled)
        assert set(labeled) == set(np.flatnonzero(ledger.labels != labels_before).tolist())
        for object_id in labeled:
            first = next(a for a in replies if a.object_id == object_id and a.label is not None)
            assert ledger.labels[object_id] == first.label
        labels_before = ledger.labels.copy()


@given(st.binary(max_size=200))
def test_bytes_that_are_no_ledger_are_refused(content: bytes) -> None:
    with pytest.raises(LedgerError):
        Ledger.from_bytes(content)


@given(st.lists(st.sampled_from(list(State)), min_size=1, max_size=40))
def test_a_ledger_comes_back_from_its_bytes(states: list[State]) -> None:
    ledger = Ledger.of_size(len(states))
    for object_id, state in enumerate(states):
        one = np.array([object_id])
        if state == State.FAILED:
            ledger.fail(one, 1)
        elif state == State.AHEAD:
            ledger.ask_ahead(one, 1)
        elif state != State.POOL:
            ledger.label(one, [1], state, 1)
    again = Ledger.from_bytes(ledger.to_bytes())
    assert [again.state_of(i) for i in range(len(again))] == states
    assert again.to_bytes() == ledger.to_bytes()


def test_a_labeled_object_can_not_be_labeled_again() -> None:
    ledger = Ledger.of_size(3)
    ledger.label(np.array([1]), [2], State.HUMAN, 1)
    with pytest.raises(LedgerError, match="object 1 is HUMAN"):
        ledger.label(np.array([0, 1]), [0, 0], State.AUTO, 2)
    with pytest.raises(LedgerError, match="object 1 is HUMAN"):
        ledger.fail(np.array([1]), 2)
    with pytest.raises(LedgerError, match="object 1 is HUMAN"):
        ledger.ask(np.array([1]))
    assert ledger.labels.tolist() == [-1, 2, -1]
