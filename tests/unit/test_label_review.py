"""What becomes of a label that people were asked about again."""

import itertools
import json

import numpy as np
import pytest

from labelloop.core.errors import LedgerError, ManifestError
from labelloop.core.ledger import Ledger, State
from labelloop.core.manifest.lines import append_fields, replace_fields
from labelloop.core.manifest.merging import replace_labels
from labelloop.core.people.label_review import Review, apply_reviews, read_reviews, review_outcome
from labelloop.core.records import ReviewCounts


@pytest.mark.parametrize(
    ("model_label", "answers", "outcome"),
    [
        (1, [0], "confirmed"),
        (1, [0, 0], "confirmed"),
        (1, [1], "changed"),
        (1, [2], "undecided"),
        (None, [2], "undecided"),
        (1, [2, 2], "changed"),
        (1, [1, 2], "undecided"),
        (1, [0, 1], "undecided"),
    ],
)
def test_a_label_changes_only_when_all_new_answers_agree_and_somebody_bears_them_out(
    model_label: int | None, answers: list[int], outcome: str
) -> None:
    assert review_outcome(0, model_label, answers) == outcome


def test_whatever_is_answered_one_outcome_holds_and_the_order_of_answers_is_nothing() -> None:
    for answers in itertools.product(range(3), repeat=3):
        outcomes = {review_outcome(0, 1, list(order)) for order in itertools.permutations(answers)}
        assert len(outcomes) == 1


def ledger_of_labels(labels: list[int]) -> Ledger:
    ledger = Ledger.of_size(len(labels))
    ledger.label(np.arange(len(labels)), labels, State.HUMAN, 1)
    return ledger


def review(number: int, label: int, outcome: str, new_label: int = 0) -> Review:
    """As it is read of a line that the workbench writes."""
    fields = {"category": new_label, "category-metadata": {"class-name": "x"}}
    changed = {"fields": fields} if outcome == "changed" else {}
    line = {"labelloop-id": number, "label": label, "outcome": outcome, **changed}
    (read,) = read_reviews([json.dumps(line).encode()], "category")
    return read


def test_changed_labels_are_the_ledgers_and_each_outcome_is_counted() -> None:
    ledger = ledger_of_labels([0, 1, 2, 0])
    before = ledger.counts()
    reviews = [review(0, 0, "changed", 2), review(1, 1, "confirmed"), review(2, 2, "undecided")]
    done = apply_reviews(ledger, reviews)
    assert ledger.labels.tolist() == [2, 1, 2, 0]
    assert done.counts == ReviewCounts(confirmed=1, changed=1, undecided=1)
    assert done.changed == {0: reviews[0].fields}
    assert ledger.counts() == before, "every object is where it was"


def test_a_review_of_what_has_changed_since_is_left_out() -> None:
    ledger = ledger_of_labels([0, 0, 0])
    ledger.keep_for_validation(np.array([1]))
    reviews = [review(0, 2, "changed", 1), review(1, 0, "changed", 1), *[review(2, 0, "changed", 1)] * 2]
    done = apply_reviews(ledger, reviews)
    assert ledger.labels.tolist() == [0, 0, 1]
    assert done.counts == ReviewCounts(changed=1)


def test_only_training_objects_get_another_label() -> None:
    ledger = ledger_of_labels([0, 0])
    ledger.keep_for_validation(np.array([1]))
    with pytest.raises(LedgerError, match="VALIDATION"):
        ledger.adjust(np.array([1]), [1])


def test_a_changed_label_takes_the_place_of_the_first_and_nothing_else_moves() -> None:
    users = b'{"labelloop-id":7,"source":"say ,\\"category\\":1", "price":1e400, "category-2":3}'
    fields = {
        "category": 1,
        "category-metadata": {"class-name": ',"category":1', "more": {"category": 5}},
    }
    new = {"category": 2, "category-metadata": {"class-name": "z", "adjustment-status": "adjusted"}}
    line = append_fields(users, fields)
    assert replace_fields(line, new) == append_fields(users, new)
    other = append_fields(b'{"labelloop-id":8,"source":"x"}', fields)
    assert list(replace_labels([line, other], {7: new})) == [append_fields(users, new), other]
    assert list(replace_labels([line, other], {})) == [line, other]
    assert json.loads(replace_fields(other, new))["category"] == 2


def test_a_label_that_is_not_the_last_of_its_line_is_never_replaced() -> None:
    users_own = b'{"labelloop-id":7,"source":"x","category":1,"category-metadata":{},"more":2}'
    with pytest.raises(ManifestError, match="object 7"):
        replace_fields(users_own, {"category": 2, "category-metadata": {}})
