"""How right the labels are, where the truth is known."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from labelloop.core.ledger import NO_LABEL
from labelloop.core.manifest.label_categories import LabelCategories
from labelloop.core.manifest.lines import LabelAttribute
from labelloop.core.people.simulated_people import Truth
from labelloop.core.records import Score


@dataclass
class ErrorCount:
    """Labels compared with the truth."""

    labels: int = 0
    wrong: int = 0

    @property
    def error(self) -> float | None:
        """Share of wrong labels; None when there are none."""
        return self.wrong / self.labels if self.labels else None

    def note(self, *, wrong: bool) -> None:
        self.labels += 1
        self.wrong += wrong


@dataclass(frozen=True)
class ErrorCounts:
    """Labels of people, of the model, and all of them."""

    human: ErrorCount
    auto: ErrorCount
    final: ErrorCount

    def record(self) -> Score:
        return Score(
            auto_label_error=self.auto.error,
            human_label_error=self.human.error,
            final_error=self.final.error,
        )


def score_manifest(
    lines: Iterable[bytes], truth: Truth, attribute: LabelAttribute, categories: LabelCategories
) -> ErrorCounts:
    """Compare an output manifest, whose lines are in the order of the input, with the truth."""
    score = ErrorCounts(ErrorCount(), ErrorCount(), ErrorCount())
    for number, line in enumerate(lines):
        record = json.loads(line)
        true_label = truth[number] if number < len(truth) else NO_LABEL
        if attribute.name not in record or true_label == NO_LABEL:
            continue
        wrong = categories.index_of(record[attribute.name]) != true_label
        people = record[attribute.metadata]["human-annotated"] == "yes"
        (score.human if people else score.auto).note(wrong=wrong)
        score.final.note(wrong=wrong)
    return score
