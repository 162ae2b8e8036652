"""Human labels that the model contradicts, asked about again: what becomes of each."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import orjson

from labelloop.core.ledger import Ledger, State
from labelloop.core.manifest.lines import ID_KEY
from labelloop.core.records import ReviewCounts

# A label is corrected where a reviewer gave the object another one, and nobody was asked.
Outcome = Literal["confirmed", "changed", "undecided", "corrected"]
OUTCOMES: tuple[Outcome, ...] = ("confirmed", "changed", "undecided")


def review_outcome(label: int, model_label: int | None, answers: Collection[int]) -> Outcome:
    """What the new answers about an object make of its `label`; there is one at least.

    It is changed when all of them name the same other class, and somebody confirms it: a second person, or
    the model. A single person's word against another's, which the model does not share, changes nothing.
    """
    if set(answers) == {label}:
        return "confirmed"
    if len(set(answers)) == 1 and label not in answers and (len(answers) > 1 or model_label in answers):
        return "changed"
    return "undecided"


@dataclass(frozen=True)
class Review:
    """What people said of one label, asked again."""

    object_id: int
    label: int  # that they were asked about
    outcome: Outcome
    new_label: int | None  # where it changes
    fields: dict[str, Any]  # then, of the object's line


@dataclass(frozen=True)
class LabelReview:
    """The reviews of a round: how many of each outcome, and the fields of the labels that change."""

    counts: ReviewCounts
    changed: dict[int, dict[str, Any]]


def read_reviews(lines: Iterable[bytes], attribute: str) -> Iterator[Review]:
    """Reviews as the workbench writes them."""
    for line in lines:
        review = orjson.loads(line)
        fields = dict(review.get("fields") or {})
        yield Review(int(review[ID_KEY]), review["label"], review["outcome"], fields.get(attribute), fields)


def apply_reviews(ledger: Ledger, reviews: Iterable[Review]) -> LabelReview:
    """Change the ledger's labels as people's new answers say.

    A review is left out where the object has another label by now, or is no training object (any more).
    """
    outcomes: Counter[str] = Counter()
    changed: dict[int, Review] = {}
    for review in reviews:
        number = review.object_id
        if number in changed or ledger.state_of(number) != State.HUMAN:
            continue
        if int(ledger.labels[number]) != review.label:
            continue
        outcomes[review.outcome] += 1
        if review.outcome in ("changed", "corrected"):
            changed[number] = review
    ids = np.array(sorted(changed), np.int64)
    ledger.adjust(ids, [_new_label(changed[number]) for number in ids.tolist()])
    fields = {number: review.fields for number, review in changed.items()}
    return LabelReview(ReviewCounts(**outcomes), fields)


def _new_label(review: Review) -> int:
    assert review.new_label is not None, "a label that changes has another"
    return review.new_label
