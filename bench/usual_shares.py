"""How many labels people give in data sets of several sizes: what `label-file` and `prepare` say beforehand.

Each size is a random part of an easy data set (headlines, four classes) and of a hard one (whether a sentence
of a film review is positive), run in memory from the first label to the last, in batches as in `label-file`.
"""

import argparse
import functools
import json
from dataclasses import dataclass

import numpy as np

from bench.datasets import TEXTS
from bench.features import Views, text_features
from bench.models import Smoothed
from bench.neighborhoods import InPlace
from bench.results import DOCUMENT, ROOT, machine, markdown_table, quote_in_document
from bench.runs import cores, run_all
from labelloop.core.settings import LoopSettings
from labelloop.simulation import Labels, simulate

EASY, HARD = "uci-news", "movie-sentiment"
SIZES = {EASY: (300, 1_000, 3_000, 10_000), HARD: (300, 1_000, 2_500)}
TARGETS = (0.02, 0.05, 0.1, 0.2)
OF = ("all", "dataset")
SEEDS, QUICK_SEEDS = 3, 1
FILE = ROOT / "src" / "labelloop" / "reporting" / "usual_shares.json"
MARKER = "usual-shares"


@dataclass(frozen=True)
class Task:
    data: str
    size: int
    certificate_for: str
    target: float
    seed: int


@functools.cache
def views_of(name: str) -> tuple[Views, Labels]:
    texts = TEXTS[name]()
    return text_features(texts), texts.labels


def run_one(task: Task) -> float:
    """The share of labels that people gave."""
    views, labels = views_of(task.data)
    part = np.sort(np.random.default_rng(task.seed).permutation(len(labels))[: task.size])
    objects = InPlace.of(views.features[part], views.likeness)
    settings = {
        "CertificateFor": task.certificate_for,
        "TargetError": task.target,
        "Seed": task.seed,
    }
    return simulate(objects, labels[part], Smoothed(objects), settings).human_share


def tasks(seeds: int) -> list[Task]:
    return [
        Task(data, size, of, target, seed)
        for seed in range(seeds)
        for data, sizes in SIZES.items()
        for size in sizes
        for of in OF
        for target in TARGETS
    ]


def document(done: list[tuple[Task, float]]) -> dict[str, object]:
    shares: dict[Task, list[float]] = {}
    for task, share in done:
        shares.setdefault(Task(task.data, task.size, task.certificate_for, task.target, 0), []).append(share)
    rows = [
        {
            "difficulty": "easy" if task.data == EASY else "hard",
            "rows": task.size,
            "certificate_for": task.certificate_for,
            "target_error": task.target,
            "share": round(float(np.mean(found)), 3),
        }
        for task, found in sorted(shares.items(), key=lambda pair: tasks(1).index(pair[0]))
    ]
    return {"confidence": LoopSettings().confidence, "measured": rows, "machine": machine()}


def table(done: list[tuple[Task, float]]) -> str:
    header = ["promise", *(f"{data}, {size:,}" for data, sizes in SIZES.items() for size in sizes)]
    rows = []
    for of in OF:
        for target in TARGETS:
            whose = "the whole data set" if of == "dataset" else "the auto-labels"
            cells = [f"{target:.0%} of {whose}"]
            for data, sizes in SIZES.items():
                for size in sizes:
                    same = [
                        share
                        for task, share in done
                        if (task.data, task.size, task.certificate_for, task.target)
                        == (data, size, of, target)
                    ]
                    cells.append(f"{100 * np.mean(same):.0f} %" if same else "")
            rows.append(cells)
    return markdown_table(header, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_SEEDS} seed; no file is written")
    parser.add_argument("--jobs", type=int, default=cores(), help="processes at once")
    given = parser.parse_args()
    planned = tasks(QUICK_SEEDS if given.quick else SEEDS)
    done = list(run_all("runs", run_one, planned, given.jobs))
    if not given.quick:
        FILE.write_text(json.dumps(document(done), indent=1) + "\n")
        quote_in_document({MARKER: table(done)}, DOCUMENT)
    print(table(done))


if __name__ == "__main__":
    main()
