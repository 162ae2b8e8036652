"""How right the labels are, where the truth is known."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from labelloop.core.ledger import NO_LABEL, Ledger, State
from labelloop.core.manifest.label_categories import LabelCategories
from labelloop.core.manifest.lines import LabelAttribute
from labelloop.core.people.simulated_people import Truth
from labelloop.core.records import Example, Report, Score


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
    """Labels of people, of the model, by machine in the input, and all of them."""

    human: ErrorCount
    auto: ErrorCount
    final: ErrorCount
    machine_input: ErrorCount

    def record(self) -> Score:
        return Score(
            auto_label_error=self.auto.error,
            human_label_error=self.human.error,
            final_error=self.final.error,
            machine_input_label_error=self.machine_input.error,
        )


def labeled_by_machine(lines: Iterable[bytes], attribute: LabelAttribute) -> frozenset[int]:
    """The lines of a manifest, from 0, whose label is not by people."""
    mark = attribute.name.encode()
    return frozenset(
        number
        for number, line in enumerate(lines)
        if mark in line and _is_by_machine(json.loads(line), attribute)
    )


def _is_by_machine(record: Mapping[str, Any], attribute: LabelAttribute) -> bool:
    return attribute.name in record and record[attribute.metadata]["human-annotated"] == "no"


def score_manifest(
    lines: Iterable[bytes],
    truth: Truth,
    attribute: LabelAttribute,
    categories: LabelCategories,
    machine_input: frozenset[int] = frozenset(),
) -> ErrorCounts:
    """Compare an output manifest, whose lines are in the order of the input, with the truth.

    `machine_input`: the lines that had a label by machine in the input.
    """
    score = ErrorCounts(ErrorCount(), ErrorCount(), ErrorCount(), ErrorCount())
    for number, line in enumerate(lines):
        record = json.loads(line)
        true_label = truth[number] if number < len(truth) else NO_LABEL
        if attribute.name not in record or true_label == NO_LABEL:
            continue
        wrong = categories.index_of(record[attribute.name]) != true_label
        by_model = score.machine_input if number in machine_input else score.auto
        (by_model if _is_by_machine(record, attribute) else score.human).note(wrong=wrong)
        score.final.note(wrong=wrong)
    return score


def score_ledger(ledger: Ledger, truth: npt.NDArray[np.integer]) -> Score:
    """Compare a run's labels with the truth: class indices, shape (objects,)."""
    wrong = ledger.labels != truth

    def error(*states: State) -> float | None:
        labels = wrong[ledger.mask(*states)]
        return float(labels.mean()) if len(labels) else None

    people = (State.HUMAN, State.VALIDATION)
    return Score(
        auto_label_error=error(State.AUTO),
        human_label_error=error(*people),
        final_error=error(*people, State.AUTO),
    )


def compared_with_truth(report: Report, score: Score, truth: Sequence[int]) -> Report:
    """The report with its score, and with the true label beside each example's where it is known."""

    def compared(example: Example) -> Example:
        number = example.line - 1
        known = number < len(truth) and truth[number] != NO_LABEL
        return example.model_copy(update={"truth": truth[number]}) if known else example

    quality = report.evidence
    if quality is not None:
        quality = quality.model_copy(update={"examples": quality.examples.each(compared)})
    return report.model_copy(update={"score": score, "evidence": quality})
