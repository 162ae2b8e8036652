"""Does the certificate keep its promise? Whole runs by the hundred, held against the truth.

The promise: with the chance `Confidence`, at most a share of `TargetError` of the auto-labels is wrong, or
of all labels where the promise is about the whole data set, however bad the model. Told beside it: what that
costs, against an oracle that sets the threshold by the truth, and what testing every round at the full level,
without sharing it out, would break.
"""

import argparse
import functools
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from bench.datasets import UCI, DatasetMissingError, Vectors, easy, hard, hopeless, uci_news
from bench.features import principal_components, text_features
from bench.models import KnowsNothing, Modest, Overconfident
from bench.plots import plot_certificate
from bench.results import QUOTED, RESULTS, machine, markdown_table, percent, quote_in_document, write_json
from bench.runs import console, cores, run_all
from labelloop.core.certificate.auto_labeling import AutoLabeling
from labelloop.core.certificate.tuning import DEFAULT
from labelloop.core.loop import AutoLabelRule, Loop, label_what_is_sure
from labelloop.core.model.predictions import Predictions
from labelloop.quick_model import Ridge
from labelloop.simulation import Model, simulate

TARGET_ERROR, CONFIDENCE = 0.05, 0.9
RUNS, QUICK_RUNS = 15, 2
SHARED_OUT, PEOPLE_ERR, WHOLE, EACH_LOOK = "shared out", "people err", "whole data set", "each look"
AHEAD = "labels ahead"
ERROR_RATE = 0.05  # of people, where they err
_COMPONENTS = 64
MODELS: dict[str, Model] = {
    "calibrated": Ridge(),
    "overconfident": Overconfident(),
    "modest": Modest(),
    "knows nothing": KnowsNothing(),
}


def each_look(loop: Loop, predictions: Predictions) -> AutoLabeling:
    """Each test gets the full level, as a naive user might do; labelloop never does this."""
    unspent = replace(loop.schedule, chance_left=1 / DEFAULT.timing.share_spent)
    return label_what_is_sure(replace(loop, schedule=unspent), predictions)


SYNTHETIC: dict[str, Callable[[int], Vectors]] = {"easy": easy, "hard": hard, "hopeless": hopeless}
TESTING: dict[str, AutoLabelRule] = {SHARED_OUT: label_what_is_sure, EACH_LOOK: each_look}


@dataclass(frozen=True)
class Task:
    data: str
    model: str
    testing: str
    seed: int


@dataclass(frozen=True)
class Ended:
    human_share: float
    oracle_human_share: float
    error: float
    auto_labels: int
    tests: int
    rounds: int
    certified: bool


def run_one(task: Task) -> Ended:
    data = _data(task.data, task.seed)
    settings: dict[str, Any] = {"TargetError": TARGET_ERROR, "Confidence": CONFIDENCE, "Seed": task.seed}
    if task.testing == PEOPLE_ERR:
        settings["SimulatedPeople"] = {"ErrorRate": ERROR_RATE}
    if task.testing == WHOLE:
        settings["CertificateFor"] = "dataset"
    if task.testing == AHEAD:
        settings["Workbench"] = {"LabelAheadShare": 1}
    rule = TESTING.get(task.testing, label_what_is_sure)
    ended = simulate(data.inputs, data.labels, MODELS[task.model], settings, rule=rule)
    return Ended(
        human_share=ended.human_share,
        oracle_human_share=ended.oracle_human_share,
        error=ended.dataset_error if task.testing == WHOLE else ended.auto_label_error,
        auto_labels=ended.auto_labels,
        tests=ended.tests,
        rounds=ended.rounds,
        certified=ended.certificate is not None,
    )


def _data(name: str, seed: int) -> Vectors:
    """Synthetic data differ for each seed. Real data have one set."""
    if name == "uci-news":
        return _uci()
    return SYNTHETIC[name](seed)


@functools.cache
def _uci() -> Vectors:
    texts = uci_news()
    return Vectors(texts.name, principal_components(text_features(texts).features, _COMPONENTS), texts.labels)


def summarize(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """The figures of one row, shape-free: of the runs of one kind of data, model and way of testing."""
    error = np.array([run["error"] for run in runs])
    human = np.array([run["human_share"] for run in runs])
    return {
        "runs": len(runs),
        "above_target": float(np.mean(error > TARGET_ERROR)),
        "mean_error": float(error.mean()),
        "error_95th_percentile": float(np.quantile(error, 0.95)),
        "certified": float(np.mean([run["certified"] for run in runs])),
        "human_share": float(human.mean()),
        "human_share_median": float(np.median(human)),
        "human_share_90th_percentile": float(np.quantile(human, 0.9)),
        "oracle_human_share": float(np.mean([run["oracle_human_share"] for run in runs])),
        "tests": float(np.mean([run["tests"] for run in runs])),
    }


def table(document: dict[str, Any]) -> str:
    header = (
        "data, model, testing", "runs", "above target", "mean error", "95th percentile",
        "certified", "human share (median; 90th percentile)", "oracle",
    )  # fmt: skip
    rows = [
        (
            f"{row['data']}, {row['model']}, {row['testing']}",
            f"{row['runs']}",
            percent(row["above_target"]),
            percent(row["mean_error"], 2),
            percent(row["error_95th_percentile"], 2),
            percent(row["certified"], 0),
            f"{percent(row['human_share'])} ({percent(row['human_share_median'], 0)}; "
            f"{percent(row['human_share_90th_percentile'], 0)})",
            percent(row["oracle_human_share"]),
        )
        for row in document["rows"]
    ]
    return markdown_table(header, rows)


def document_of(done: list[tuple[Task, Ended]], seconds: float, command: str) -> dict[str, Any]:
    order = [SHARED_OUT, WHOLE, PEOPLE_ERR, AHEAD, EACH_LOOK]
    kinds = sorted({(order.index(task.testing), task.data, task.model) for task, _ in done})
    rows = []
    for number, data, model in kinds:
        testing = order[number]
        runs = [
            asdict(ended)
            for task, ended in done
            if (task.testing, task.data, task.model) == (testing, data, model)
        ]
        rows.append({"data": data, "model": model, "testing": testing, **summarize(runs)})
    return {
        "what": f"target error {TARGET_ERROR}, confidence {CONFIDENCE}",
        "command": command,
        "machine": machine(),
        "seconds": round(seconds),
        "seeds": sorted({task.seed for task, _ in done})[-1] + 1,
        "rows": rows,
        "runs": [{**asdict(task), **asdict(ended)} for task, ended in done],
    }


def tasks(runs: int, kinds: list[str]) -> list[Task]:
    """Seed by seed, so that what is there when it is stopped is a fair part of the whole."""
    found = []
    for seed in range(runs):
        for data in kinds:
            found += [Task(data, model, testing, seed) for testing in (SHARED_OUT, WHOLE) for model in MODELS]
            found += [Task(data, "calibrated", testing, seed) for testing in (PEOPLE_ERR, AHEAD, EACH_LOOK)]
            found.append(Task(data, "overconfident", AHEAD, seed))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_RUNS} runs of each kind, not {RUNS}")
    parser.add_argument("--jobs", type=int, default=cores(), help="processes at once")
    parser.add_argument("--runs", type=int, help="how many runs of each kind")
    given = parser.parse_args()
    runs = given.runs or (QUICK_RUNS if given.quick else RUNS)
    kinds = list(SYNTHETIC)
    try:
        _uci()
        kinds.append("uci-news")
    except DatasetMissingError as missing:
        console.print(f"uci-news is left out: {missing}")
    command = "make bench-certificate" + (" ARGS=--quick" if given.quick else "")
    command = f"{UCI}=... {command}" if os.environ.get(UCI) else command
    started, done = time.monotonic(), []
    for number, ended in enumerate(run_all("certificate", run_one, tasks(runs, kinds), given.jobs), 1):
        done.append(ended)
        if number % 50 == 0:
            write_json("certificate", document_of(done, time.monotonic() - started, command), RESULTS)
    document = document_of(done, time.monotonic() - started, command)
    write_json("certificate", document, RESULTS)
    plot_certificate(document, RESULTS / "certificate.svg")
    (RESULTS / "certificate.md").write_text(table(document) + "\n")
    if runs >= RUNS and "uci-news" in kinds:
        kept = {key: value for key, value in document.items() if key != "runs"}
        write_json("certificate", kept, QUOTED)
        plot_certificate(document, QUOTED / "certificate.svg")
        quote_in_document({"certificate": table(document)})
    print(table(document))


if __name__ == "__main__":
    main()
