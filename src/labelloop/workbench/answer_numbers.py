"""What people's answers come to: how often each class, which classes are confused, and how long one takes."""

import statistics
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from labelloop.workbench.people_report import newest_batches
from labelloop.workbench.store import TaskStore
from labelloop.workbench.tasks import Batch, Task


@dataclass(frozen=True)
class AnswerNumbers:
    """Counted over a run's newest batches. Classes are names. Discarded answers do not count."""

    answers: Mapping[str, int]  # by class, also those that nobody has chosen
    confused: Mapping[tuple[str, str], int]  # comparisons of two people, by the two classes in order
    same: Mapping[str, int]  # comparisons of two people who gave this class both
    seconds: Sequence[float]  # of all answers whose duration is known
    seconds_of_class: Mapping[str, float]  # the median
    batches: int
    is_whole: bool  # whether that is all of the run

    @property
    def compared(self) -> int:
        return sum(self.confused.values()) + sum(self.same.values())


def numbers_of_answers(store: TaskStore, newest: Batch) -> AnswerNumbers:
    """On the run of a batch, from this one back, up to a bounded number of objects."""
    batches, is_whole = newest_batches(store, newest)
    answers = Counter[str](dict.fromkeys(newest.classes, 0))
    confused, same = Counter[tuple[str, str]](), Counter[str]()
    seconds: dict[str, list[float]] = defaultdict(list)
    for batch in batches:
        for task in store.tasks(batch.id):
            given = [batch.classes[label] for _, label in sorted(task.answers.items())]
            answers.update(given)
            for one, other in combinations(given, 2):
                if one == other:
                    same[one] += 1
                else:
                    confused[min(one, other), max(one, other)] += 1
            for name, duration in _durations(batch, task):
                seconds[name].append(duration)
    return AnswerNumbers(
        answers=answers,
        confused=confused,
        same=same,
        seconds=[duration for durations in seconds.values() for duration in durations],
        seconds_of_class={name: statistics.median(durations) for name, durations in seconds.items()},
        batches=len(batches),
        is_whole=is_whole,
    )


def _durations(batch: Batch, task: Task) -> list[tuple[str, float]]:
    return [
        (batch.classes[entry.label], entry.seconds)
        for entry in task.entries.values()
        if entry.label is not None and entry.seconds is not None
    ]
