"""How good the container's model is after so many labels, with and without the sentence encoder, with and
without what lies near a text, and beside the other benchmarks' logistic regression.

Each model learns from texts drawn at random, and is asked about 3,000 others; all texts stand in its pool.
`python -m bench.accuracy`, on UCI News Aggregator where it is there.
"""

import argparse
import itertools
import time
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from classifier.encoded import EncodedObjects

from bench.container_model import ContainerModel
from bench.datasets import TEXTS
from bench.features import Views, sentence_encoder, text_features
from bench.models import Smoothed
from bench.neighborhoods import InPlace
from bench.results import RESULTS, machine, markdown_table, percent, write_json
from bench.runs import console, one_thread
from labelloop.simulation import Labels, Model, Probabilities

_ASKED = 3_000
_LABELS = (300, 500, 1_000, 2_000)
_WRONG = 0.02
_BINS = 15
_MEASURES = ("accuracy", "labelable", "calibration_error", "training_seconds")


def main() -> None:
    """Train and ask some tens of models, and print the means over samples."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="uci-news", choices=TEXTS)
    parser.add_argument("--labels", type=int, nargs="+", default=_LABELS)
    parser.add_argument("--samples", type=int, default=3)
    given = parser.parse_args()
    one_thread()
    data = TEXTS[given.data]()
    views, encoder = text_features(data), sentence_encoder()
    kinds = {"without the encoder": _without_first(views, encoder.size if encoder else 0)}
    if encoder:
        kinds["with the encoder"] = views
    rows = []
    for kind, views in kinds.items():
        models = _models(views)
        for number, (name, (model, texts)) in itertools.product(given.labels, models.items()):
            found = [measure(model, texts, data.labels, number, sample) for sample in range(given.samples)]
            means = {measured: float(np.mean([one[measured] for one in found])) for measured in _MEASURES}
            rows.append({"encoder": kind, "labels": number, "model": name, **means})
            console.print(rows[-1])
    print(table(rows))
    write_json("accuracy", {"machine": machine(), "data": given.data, "rows": rows}, RESULTS)


def _models(views: Views) -> dict[str, tuple[Model, InPlace]]:
    """The models by name, each with its input."""
    beside_others = InPlace.of(views.features, views.likeness)
    alone, beside = (
        replace(beside_others, seen=EncodedObjects(features, views.encoded.second))
        for features in (views.features, beside_others.seen)
    )
    return {
        "nets alone": (ContainerModel(alone, smooth=False), alone),
        "nets beside others": (ContainerModel(beside), beside),
        "logistic regression beside others": (Smoothed(beside_others), beside_others),
    }


def measure(model: Model, texts: InPlace, labels: Labels, number: int, sample: int) -> dict[str, float]:
    """Train on a sample of this number of texts, and measure the model on others."""
    order = np.random.default_rng(sample).permutation(len(texts))
    learned, asked = np.sort(order[:number]), order[number : number + _ASKED]
    started = time.perf_counter()
    predict = model.fit(texts[learned], labels[learned], int(labels.max()) + 1, sample)
    seconds = time.perf_counter() - started
    probabilities = predict(texts[asked]).probabilities
    right = probabilities.argmax(axis=1) == labels[asked]
    return {
        "accuracy": float(right.mean()),
        "labelable": labelable(probabilities, right),
        "calibration_error": calibration_error(probabilities, right),
        "training_seconds": seconds,
    }


def labelable(probabilities: Probabilities, right: npt.NDArray[np.bool_]) -> float:
    """The largest share that can be labeled, the surest first, with 2 in 100 wrong."""
    order = np.argsort(-probabilities.max(axis=1), kind="stable")
    wrong = np.cumsum(~right[order]) / np.arange(1, len(order) + 1)
    good = np.flatnonzero(wrong <= _WRONG)
    return float((good[-1] + 1) / len(order)) if len(good) else 0.0


def calibration_error(probabilities: Probabilities, right: npt.NDArray[np.bool_]) -> float:
    """How far sureness and accuracy are apart, in the mean over bins of equal width (Naeini et al., 2015)."""
    sureness = probabilities.max(axis=1)
    bins = np.minimum((sureness * _BINS).astype(int), _BINS - 1)
    gaps = np.bincount(bins, sureness - right, _BINS)
    return float(np.abs(gaps).sum() / len(right))


def table(rows: list[dict[str, Any]]) -> str:
    head = ("model", "labels", "accuracy", "labelable", "calibration error", "training, s")
    return markdown_table(
        head,
        [
            (
                f"{row['model']}, {row['encoder']}",
                f"{row['labels']:,}",
                *(percent(row[name]) for name in _MEASURES[:3]),
                f"{row['training_seconds']:.1f}",
            )
            for row in rows
        ],
    )


def _without_first(views: Views, number: int) -> Views:
    return Views(EncodedObjects(views.features[:, number:], views.encoded.second), views.likeness[number:])


if __name__ == "__main__":
    main()
