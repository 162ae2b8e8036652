"""How much people agree, how accurate each person is, and their consensus."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from labelloop.core.people.consensus import AnswerTable, dawid_skene, krippendorff_alpha
from labelloop.workbench.tasks import Batch, Task


@dataclass(frozen=True)
class Agreement:
    """`alpha` is Krippendorff's; accuracies are shares by person, estimated where several people answer.

    `disputed` counts the tasks with all their answers that people disagree about and no owner has decided.
    `being_settled` counts the tasks that people disagree about and that wait for more answers.
    """

    alpha: float | None
    accuracy: dict[str, float]
    gold_accuracy: dict[str, float]
    disputed: int
    being_settled: int


def agreement_of(batch: Batch, tasks: Sequence[Task]) -> Agreement:
    names, answered, answers = _answers(batch, tasks)
    estimated: dict[str, float] = {}
    if any(len(task.answers) > 1 for task in answered):
        consensus = dawid_skene(answers, _known(answered))
        estimated = dict(zip(names, consensus.accuracy.tolist(), strict=True))
    return Agreement(
        alpha=krippendorff_alpha(answers),
        accuracy=estimated,
        gold_accuracy=_gold_accuracy(tasks),
        disputed=sum(task.undecided for task in tasks),
        being_settled=sum(task.disputed and not task.complete for task in tasks),
    )


def consensus_of(batch: Batch, tasks: Sequence[Task]) -> dict[str, tuple[int, float]]:
    """Label and confidence by task id; empty if no task was answered by more than one person."""
    _, answered, answers = _answers(batch, tasks)
    if not any(len(task.answers) > 1 for task in answered):
        return {}
    consensus = dawid_skene(answers, _known(answered))
    return {
        task.id: (int(label), float(confidence))
        for task, label, confidence in zip(answered, consensus.labels, consensus.confidence, strict=True)
    }


def _answers(batch: Batch, tasks: Sequence[Task]) -> tuple[list[str], list[Task], AnswerTable]:
    answered = [task for task in tasks if task.answers]
    names = sorted({name for task in answered for name in task.answers})
    number_of = {name: number for number, name in enumerate(names)}
    given = [
        (number, number_of[name], label)
        for number, task in enumerate(answered)
        for name, label in task.answers.items()
    ]
    columns = np.array(given, np.int64).reshape(-1, 3)
    return names, answered, AnswerTable(columns[:, 0], columns[:, 1], columns[:, 2], len(batch.classes))


def _known(answered: Sequence[Task]) -> dict[int, int]:
    return {
        number: task.known_label
        for number, task in enumerate(answered)
        if task.purpose == "gold" and task.known_label is not None
    }


def _gold_accuracy(tasks: Sequence[Task]) -> dict[str, float]:
    right: dict[str, list[bool]] = {}
    for task in tasks:
        if task.purpose == "gold":
            for name, label in task.answers.items():
                right.setdefault(name, []).append(label == task.known_label)
    return {name: sum(marks) / len(marks) for name, marks in right.items()}
