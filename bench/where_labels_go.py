"""What people's labels were for, round by round, and what an oracle would have spared.

Whole runs are replayed from their records: the first labels, those that models learned from, the draws of
tests, what tests withdrew, and the rest that people labeled once a certificate stood. The oracle knows the
truth: it sets the best threshold in the best round and needs no test.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.datasets import TEXTS
from bench.labels import available, data_of, model_of
from bench.results import DOCUMENT, markdown_table, percent, quote_in_document
from bench.runs import cores, run_all
from labelloop.core.records import RoundRecord, Verdict
from labelloop.simulation import simulate

SEEDS, QUICK_SEEDS = 4, 1
PROMISES = ("all", "dataset")
MARKER = "where-labels-go"


@dataclass(frozen=True)
class Task:
    data: str
    certificate_for: str
    seed: int


@dataclass(frozen=True)
class Labels:
    """Labels by people, as shares of the data set."""

    first: float
    learned_from: float
    drawn: float
    withdrawn: float
    rest: float
    by_people: float
    oracle: float


def run_one(task: Task) -> Labels:
    inputs, truth = data_of(task.data)
    settings: dict[str, Any] = {"CertificateFor": task.certificate_for, "Seed": task.seed}
    ended = simulate(inputs, truth, model_of(task.data), settings)
    size = len(truth)
    first, learned_from, drawn, withdrawn, rest = (number / size for number in counts_of(ended.records))
    return Labels(first, learned_from, drawn, withdrawn, rest, ended.human_share, ended.oracle_human_share)


def counts_of(records: Sequence[RoundRecord]) -> tuple[int, int, int, int, int]:
    """First labels, learned from, drawn, withdrawn, rest; they sum up to the labels of all rounds."""
    first = learned_from = rest = 0
    drawn, withdrawn, certified = 0, 0, False
    for record in records:
        test = record.test
        if test is not None:
            # A test's numbers are running sums; what people label beside it is learned from.
            if test.verdict != Verdict.OPEN:
                drawn, withdrawn = drawn + test.drawn, withdrawn + test.withdrawn
            learned_from += record.labeled_by_people
        elif certified:
            rest += record.labeled_by_people
        elif record.trained:
            learned_from += record.labeled_by_people
        else:
            first += record.labeled_by_people
        certified = certified or record.certificate is not None
    return first, learned_from - drawn - withdrawn, drawn, withdrawn, rest


def table(rows: Sequence[tuple[Task, Labels]]) -> str:
    header = (
        "data, promise", "first", "learned from", "drawn", "withdrawn", "rest", "by people", "oracle", "times"
    )  # fmt: skip
    lines = []
    for data, promise in dict.fromkeys((task.data, task.certificate_for) for task, _ in rows):
        found = [labels for task, labels in rows if (task.data, task.certificate_for) == (data, promise)]
        means = {name: float(np.mean([getattr(one, name) for one in found])) for name in vars(found[0])}
        whose = "whole data set" if promise == "dataset" else "auto-labels"
        times = means["by_people"] / means["oracle"] if means["oracle"] else float("nan")
        lines.append((f"{data}, {whose}", *map(percent, means.values()), f"{times:.1f}"))
    return markdown_table(header, lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_SEEDS} seeds; the document stays")
    parser.add_argument("--jobs", type=int, default=cores(), help="processes at once")
    parser.add_argument("--data", nargs="+", choices=[*TEXTS, "digits"], help="these data sets only")
    given = parser.parse_args()
    tasks = [
        Task(name, promise, seed)
        for name in available()
        if not given.data or name in given.data
        for promise in PROMISES
        for seed in range(QUICK_SEEDS if given.quick else SEEDS)
    ]
    done = sorted(run_all("runs", run_one, tasks, given.jobs), key=lambda pair: tasks.index(pair[0]))
    if not given.quick and not given.data:
        quote_in_document({MARKER: table(done)}, DOCUMENT)
    print(table(done))


if __name__ == "__main__":
    main()
