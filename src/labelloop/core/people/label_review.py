"""Human labels that the model contradicts, asked about again: what becomes of each."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from labelloop.core.ledger import Ledger, State
from labelloop.core.manifest.lines import ID_KEY

Outcome = Literal["confirmed", "changed", "undecided"]
OUTCOMES: tuple[Outcome, ...] = ("confirmed", "changed", "undecided")


def reviews_beside(output_uri: str) -> str:
    """Where the reviews of a labeling job lie, whose output manifest is at `output_uri`."""
    return f"{output_uri.removesuffix('output.manifest')}relabeled.jsonl"


def review_outcome(label: int, model_label: int | None, answers: Collection[int]) -> Outcome:
    """What the new answers about an object make of its `label`; there is one at least.

    It is changed when all of them name the same other class, and somebody bears them out: a second person, or
    the model. A single person's word against another's, which the model does not share, changes nothing.
    """
    if set(answers) == {label}:
        return "confirmed"
    if len(set(answers)) == 1 and label not in answers and (len(answers) > 1 or model_label in answers):
        return "changed"
    return "undecided"


@dataclass(frozen=True)
class LabelReview:
    """The reviews of a round: how many of each outcome, and the fields of the labels that change."""

    counts: dict[str, int]
    changed: dict[int, dict[str, Any]]

    @property
    def answered(self) -> int:
        """How many objects people answered about once more: they cost what a label does."""
        return sum(self.counts.values())


def apply_reviews(ledger: Ledger, reviews: Iterable[Mapping[str, Any]], attribute: str) -> LabelReview:
    """Change the ledger's labels as people's new answers say.

    `reviews` are as the workbench writes them. One that is not about the label the object has now, or about
    an object that is no training object (any more), is left out.
    """
    counts: dict[str, int] = dict.fromkeys(OUTCOMES, 0)
    changed: dict[int, dict[str, Any]] = {}
    for review in reviews:
        number = int(review[ID_KEY])
        if number in changed or ledger.state_of(number) != State.HUMAN:
            continue
        if int(ledger.labels[number]) != review["label"]:
            continue
        counts[review["outcome"]] += 1
        if review["outcome"] == "changed":
            changed[number] = dict(review["fields"])
    ids = np.array(sorted(changed), np.int64)
    ledger.adjust(ids, [changed[number][attribute] for number in ids.tolist()])
    return LabelReview(counts, changed)
