"""What a certificate is worth where people repeat the model's errors: promised and true error in whole runs.

A person who sees the model's wrong label, or errs for the same reason, confirms it with some chance. Nobody
is asked again about an answer that agrees with the model, so such an error stays unnoticed. Compared: people
who repeat errors everywhere; only where the model's label is shown (not on drawn objects); and three people
an object, who repeat errors independently, and whose majority counts. Beside a model that learns, one that is
wrong too often to be certified, and does not know it.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bench.datasets import hard
from bench.results import RESULTS as FOLDER
from bench.results import machine, markdown_table, percent, write_json
from bench.runs import cores, run_all
from labelloop.core.ledger import Ids
from labelloop.core.loop import Loop, Selection
from labelloop.core.manifest.labeling_output import Answer
from labelloop.quick_model import Ridge
from labelloop.simulation import Batch, Labels, Model, ModelAnswers, Predict, simulate

TARGET_ERROR, CONFIDENCE = 0.05, 0.9
EVERYWHERE, NOT_ON_DRAWN, OF_THREE = (
    "everywhere",
    "not on drawn objects",
    "everywhere, majority of three people",
)
CHANCES = (0.0, 0.1, 0.3, 0.5, 0.8)
RUNS, QUICK_RUNS = 40, 2
LEARNS, TOO_WRONG = "learns", "8 % wrong"
_WRONG, _SURE, _CLASSES, _OBJECTS = 0.08, 0.98, 4, 3_000


class OftenWrong:
    """A model that is wrong about 8 % of all objects, always the same, and as sure of them as of others."""

    def __init__(self, truth: Labels) -> None:
        rng = np.random.default_rng(len(truth))
        wrong = rng.random(len(truth)) < _WRONG
        self._said = np.where(wrong, (truth + 1) % _CLASSES, truth)

    def fit(self, inputs: Labels, labels: Labels, classes: int, seed: int) -> Predict:  # noqa: ARG002
        """Inputs are objects' numbers."""

        def predict(of: Labels) -> ModelAnswers:
            probabilities = np.full((len(of), _CLASSES), (1 - _SURE) / (_CLASSES - 1))
            probabilities[np.arange(len(of)), self._said[of]] = _SURE
            return ModelAnswers(probabilities)

        return predict


@dataclass(frozen=True)
class Swayed:
    """People who know the truth, and repeat the model's error with a chance."""

    truth: Labels
    chance: float
    where: str
    seed: int

    def label(self, loop: Loop, selection: Selection) -> Batch:
        """One answer about each object."""
        return Batch(self._answers(loop, selection))

    def _answers(self, loop: Loop, selection: Selection) -> Iterator[Answer]:
        said = _model_labels(loop, selection)
        hidden = set(_drawn(loop, selection).tolist()) if self.where == NOT_ON_DRAWN else set[int]()
        rng = np.random.default_rng([self.seed, loop.round])
        for number in selection.asked.tolist():
            people = 3 if self.where == OF_THREE else 1
            # Always drawn, so that what one object is answered does not depend on another.
            repeats = rng.random(people) < self.chance
            repeated = number in said and number not in hidden and repeats.sum() * 2 > people
            yield Answer(number, said[number] if repeated else int(self.truth[number]), {})


def _model_labels(loop: Loop, selection: Selection) -> dict[int, int]:
    labels = dict[int, int]()
    if selection.recorded is not None:
        labels |= dict(
            zip(selection.recorded["id"].tolist(), selection.recorded["label"].tolist(), strict=True)
        )
    if loop.test is not None:
        candidates = loop.test.audit.candidates
        labels |= dict(zip(candidates["id"].tolist(), candidates["label"].tolist(), strict=True))
    return labels


def _drawn(loop: Loop, selection: Selection) -> Ids:
    """Objects on which the model's label is never shown."""
    if loop.test is not None:
        return selection.asked
    return np.union1d(selection.spot_checks, loop.disputed["id"])


@dataclass(frozen=True)
class Task:
    """A run to be made."""

    model: str
    where: str
    chance: float
    seed: int


@dataclass(frozen=True)
class Ended:
    """How a run ended."""

    certified: bool
    bound: float | None
    error: float
    human_share: float


def run_one(task: Task) -> Ended:
    inputs, truth, model = _data(task)
    people = Swayed(truth, task.chance, task.where, task.seed)
    settings = {"TargetError": TARGET_ERROR, "Confidence": CONFIDENCE, "Seed": task.seed}
    ended = simulate(inputs, truth, model, settings, people=people)
    certificate = ended.certificate
    bound = None if certificate is None else certificate.error_bound
    return Ended(certificate is not None, bound, ended.auto_label_error, ended.human_share)


def _data(task: Task) -> tuple[Any, Labels, Model]:
    if task.model == LEARNS:
        data = hard(task.seed)
        return data.inputs, data.labels, Ridge()
    truth = np.random.default_rng(task.seed).integers(0, _CLASSES, _OBJECTS).astype(np.int16)
    return np.arange(_OBJECTS), truth, OftenWrong(truth)


def tasks(runs: int) -> list[Task]:
    """The chance of zero is the same for all."""
    kinds = [(EVERYWHERE, 0.0)]
    kinds += [
        (where, chance) for where in (EVERYWHERE, NOT_ON_DRAWN, OF_THREE) for chance in CHANCES if chance
    ]
    return [
        Task(model, where, chance, seed)
        for model in (LEARNS, TOO_WRONG)
        for where, chance in kinds
        for seed in range(runs)
    ]


def rows_of(done: list[tuple[Task, Ended]]) -> list[dict[str, Any]]:
    rows = []
    for kind in tasks(1):
        runs = [ended for task, ended in done if replace(task, seed=0) == kind]
        certified = [ended for ended in runs if ended.certified]
        errors = np.array([ended.error for ended in certified] or [0.0])
        rows.append(
            {
                "model": kind.model,
                "where": kind.where,
                "chance": kind.chance,
                "runs": len(runs),
                "certified": len(certified),
                "bound": float(np.mean([ended.bound or 0.0 for ended in certified] or [0.0])),
                "error": float(errors.mean()),
                "most": float(errors.max()),
                "broken": int((errors > TARGET_ERROR).sum()),
                "human_share": float(np.mean([ended.human_share for ended in runs])),
            }
        )
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    header = (
        "model", "people repeat its errors", "chance", "runs", "certified", "mean bound", "mean true error",
        "largest", "above 5 %", "people label",
    )  # fmt: skip
    return markdown_table(
        header,
        [
            (
                row["model"],
                row["where"] if row["chance"] else "never",
                percent(row["chance"], 0),
                f"{row['runs']}",
                f"{row['certified']}",
                percent(row["bound"], 1),
                percent(row["error"], 1),
                percent(row["most"], 1),
                f"{row['broken']}",
                percent(row["human_share"], 0),
            )
            for row in rows
        ],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_RUNS} runs of each kind, not {RUNS}")
    parser.add_argument("--jobs", type=int, default=cores(), help="processes at once")
    given = parser.parse_args()
    runs = QUICK_RUNS if given.quick else RUNS
    done = list(run_all("repeated errors", run_one, tasks(runs), given.jobs))
    rows = rows_of(done)
    write_json("repeated-errors", {"machine": machine(), "rows": rows}, FOLDER)
    print(table(rows))


if __name__ == "__main__":
    main()
