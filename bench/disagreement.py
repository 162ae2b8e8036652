"""Asking first where the trained model and the given labels disagree: `python -m bench.disagreement`.

Labels saved by the loop as it is, and by two strategies that put such objects before others, side by side.
They are not part of the product: see docs/foundation-model.md.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.audit import measure
from bench.given_labels import SETS, GivenLabels
from bench.loop_with_given_labels import model_and_given_labels
from bench.results import markdown_table, percent
from bench.runs import cores, run_all
from labelloop.core.ledger import Ids
from labelloop.core.model.predictions import Predictions
from labelloop.core.query_strategies.uncertainty import ascending

DATA = ("stance", "misinfo", "uci-news, labeler of 90 %")
SEEDS = 10
Margins = npt.NDArray[np.float32]
# What becomes of an object's margin where model and given label differ; None: the default strategy.
STRATEGIES: dict[str, Callable[[Margins], Margins] | None] = {
    "the default": None,
    "margin": lambda margin: margin,
    "margin, halved where they disagree": lambda margin: margin / 2,
    "all where they disagree, then margin": lambda margin: margin - 2,  # below all others
}


@dataclass(frozen=True)
class Disagreement:
    """Smallest margin first, weighted where the model's label is not the given one."""

    given: GivenLabels
    weighed: Callable[[Margins], Margins]

    def rank(
        self,
        candidates: Ids,
        predictions: Predictions,
        rng: np.random.Generator,
        batch_size: int = 1,  # noqa: ARG002
    ) -> Ids:
        margin = predictions.margin[candidates]
        differ = predictions.label[candidates] != self.given.labels[candidates]
        return ascending(candidates, np.where(differ, self.weighed(margin), margin), rng)


@dataclass(frozen=True)
class Task:
    data: str
    strategy: str
    seed: int


def run_one(task: Task) -> tuple[float, bool]:
    """The share of labels saved, and whether the promise was broken."""
    given, weighed = SETS[task.data](task.seed), STRATEGIES[task.strategy]
    strategy = None if weighed is None else Disagreement(given, weighed)
    outcome = model_and_given_labels(given, task.seed, strategy=strategy)
    ended = measure(given, outcome, seconds=0.0, promises_kept=False)
    return ended.saved, ended.broken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--data", nargs="+", choices=list(SETS), default=list(DATA))
    parser.add_argument("--jobs", type=int, default=cores(), help="processes at once")
    given = parser.parse_args()
    tasks = [
        Task(data, name, seed) for seed in range(given.seeds) for data in given.data for name in STRATEGIES
    ]
    ended = dict(run_all("disagreement", run_one, tasks, given.jobs))
    rows = [
        (
            name,
            *(_cell([ended[Task(data, name, seed)] for seed in range(given.seeds)]) for data in given.data),
        )
        for name in STRATEGIES
    ]
    print(markdown_table(("labels saved, promises broken", *given.data), rows))


def _cell(runs: list[tuple[float, bool]]) -> str:
    saved = np.array([share for share, _ in runs])
    error = saved.std(ddof=1) / np.sqrt(len(saved)) if len(saved) > 1 else 0.0
    return f"{percent(saved.mean())} ± {100 * error:.1f}, {sum(broken for _, broken in runs)} of {len(runs)}"


if __name__ == "__main__":
    main()
