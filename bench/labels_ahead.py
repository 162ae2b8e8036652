"""What it costs in labels that people go on while the model learns: `python -m bench.labels_ahead`.

The same runs with and without objects ahead (`LabelAheadShare`), with the same seeds. People always answer
all that is ahead before the model has learned: where they come to less, it costs less.
"""

import argparse
import time
from dataclasses import dataclass

import numpy as np

from bench.labels import data_of, model_of
from bench.results import machine, markdown_table, percent
from bench.runs import console, cores, run_all
from labelloop.simulation import simulate

BATCH = 0.02  # the default, a share of the data
# By what the table calls them: the batch, and what is ahead as a share of it.
WAYS = {
    "none": (BATCH, 0.0),
    "half a batch": (BATCH, 0.5),
    "a whole batch": (BATCH, 1.0),
    "half a batch, both together as large as one": (BATCH / 1.5, 0.5),
}
DATA = ("uci-news", "snippet-sources", "digits")
SEEDS = 10
TARGET_ERROR = 0.05


@dataclass(frozen=True)
class Task:
    data: str
    way: str
    seed: int


@dataclass(frozen=True)
class Ended:
    human_share: float
    error: float
    trainings: int


def run_one(task: Task) -> Ended:
    inputs, labels = data_of(task.data)
    batch, share = WAYS[task.way]
    settings = {
        "TargetError": TARGET_ERROR,
        "Seed": task.seed,
        "BatchSize": batch,
        "Workbench": {"LabelAheadShare": share},
    }
    ended = simulate(inputs, labels, model_of(task.data), settings)
    trainings = sum(record.trained for record in ended.records)
    return Ended(ended.human_share, ended.auto_label_error, trainings)


def row(data: str, way: str, ended: dict[Task, Ended], seeds: int) -> tuple[str, ...]:
    """Labels, and how many more than without any ahead: the mean of the pairs, and its standard error."""
    runs = [ended[Task(data, way, seed)] for seed in range(seeds)]
    without = [ended[Task(data, "none", seed)] for seed in range(seeds)]
    more = 100 * np.array(
        [run.human_share - other.human_share for run, other in zip(runs, without, strict=True)]
    )
    error = more.std(ddof=1) / np.sqrt(seeds) if seeds > 1 else 0.0
    return (
        data,
        way,
        percent(float(np.mean([run.human_share for run in runs]))),
        f"{more.mean():+.2f} ± {error:.2f}" if way != "none" else "",
        f"{np.mean([run.trainings for run in runs]):.1f}",
        str(sum(run.error > TARGET_ERROR for run in runs)),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--data", nargs="+", choices=list(DATA), default=list(DATA))
    parser.add_argument("--jobs", type=int, default=cores(), help="processes at once")
    given = parser.parse_args()
    started = time.monotonic()
    tasks = [Task(data, way, seed) for seed in range(given.seeds) for data in given.data for way in WAYS]
    ended = dict(run_all("labels ahead", run_one, tasks, given.jobs))
    rows = [row(data, way, ended, given.seeds) for data in given.data for way in WAYS]
    columns = ("data", "ahead", "labels by people", "more, in points", "trainings", "broken")
    print(markdown_table(columns, rows))
    console.print(f"{given.seeds} seeds, {time.monotonic() - started:.0f} s, {machine()['processor']}")


if __name__ == "__main__":
    main()
