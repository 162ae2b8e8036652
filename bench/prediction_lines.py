"""Microseconds an object to read predictions, to keep them as arrays, and to check an input line.

`.venv/bin/python -m bench.prediction_lines [objects]`. Lines are as the transform job and users write
them. Processor time of one core, the least of several repeats: other work does not count.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from itertools import cycle, islice
from typing import Any

import numpy as np

from labelloop.core.manifest.input_manifest import InputManifest
from labelloop.core.manifest.label_categories import LabelCategories
from labelloop.core.manifest.lines import LabelAttribute, label_metadata
from labelloop.core.model.predictions import Predictions, read_predictions
from labelloop.preparation.demo_headlines import demo_headlines

_REPEATS = 5


def class_names(classes: int) -> LabelCategories:
    return LabelCategories(tuple(f"class {index}" for index in range(classes)))


def prediction_lines(count: int, classes: int, *, numbers: int = 0, ensemble: bool = False) -> list[bytes]:
    """The transform job's output for objects 0 to `count` - 1, with the decimals the shipped container gives.

    numbers: of each embedding, 0 for none. ensemble: with the disagreement of its members.
    """
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.full(classes, 0.3), count)
    orders = np.argsort(-probabilities, axis=1, kind="stable")
    embeddings = rng.normal(size=(count, numbers)).round(3).tolist()
    lines = []
    for object_id, (order, row, embedding) in enumerate(
        zip(orders, probabilities.round(7), embeddings, strict=True)
    ):
        answer: dict[str, Any] = {"label": [f"__label__{i}" for i in order], "prob": row[order].tolist()}
        if numbers:
            answer["embedding"] = embedding
        if ensemble:
            answer["disagreement"] = round(float(rng.exponential(0.05)), 4)
        lines.append(_written({"labelloop-id": object_id, "SageMakerOutput": answer}))
    return lines


def headline_lines(count: int, *, labeled: bool) -> list[bytes]:
    """Input lines with a headline, as Ground Truth left them where they are `labeled`."""
    lines = []
    for number, headline in enumerate(islice(cycle(demo_headlines(min(count, 5_000))), count)):
        record: dict[str, Any] = {"source": headline.text}
        if labeled:
            label = number % 4
            record["category"] = label
            record["category-metadata"] = label_metadata(
                class_name=f"class {label}",
                confidence=0.95,
                human=True,
                time="2026-10-01T12:00:00.000000",
                job_name="headlines",
            )
        lines.append(_written(record))
    return lines


def fastest(measured: Callable[[], object]) -> float:
    """Processor time of the fastest of several calls, in seconds."""
    seconds = []
    for _ in range(_REPEATS):
        start = time.process_time()
        measured()
        seconds.append(time.process_time() - start)
    return min(seconds)


def main(arguments: Sequence[str]) -> None:
    count = int(arguments[0]) if arguments else 40_000
    print("| what | µs an object |")
    print("|---|---|")
    shapes = (
        ("predictions: 4 classes", 4, 0, False),
        ("predictions: 4 classes, 32 numbers, disagreement", 4, 32, True),
        ("predictions: 4 classes, 384 numbers, disagreement", 4, 384, True),
        ("predictions: 100 classes", 100, 0, False),
    )
    for name, classes, numbers, ensemble in shapes:
        _measure_predictions(name, count, classes, numbers, ensemble)
    for labeled in (False, True):
        lines = headline_lines(count, labeled=labeled)
        seconds = fastest(lambda lines=lines: _checked(lines))  # type: ignore[misc]
        _print(f"input lines, {'labeled' if labeled else 'unlabeled'}", seconds, count)


def _measure_predictions(name: str, count: int, classes: int, numbers: int, ensemble: bool) -> None:
    lines = prediction_lines(count, classes, numbers=numbers, ensemble=ensemble)
    categories, ids = class_names(classes), np.arange(count)

    def read() -> Predictions:
        return read_predictions(lines, ids, count, categories)

    assert read().errors == 0
    _print(name, fastest(read), count)
    predictions = read()
    content = predictions.to_bytes()
    _print(f"{name}: to {len(content) / count:.0f} bytes", fastest(predictions.to_bytes), count)
    _print(f"{name}: back from them", fastest(lambda: Predictions.from_bytes(content)), count)


def _checked(lines: Sequence[bytes]) -> None:
    manifest = InputManifest(LabelAttribute("category"), class_names(4))
    for _ in manifest.working_lines(lines):
        pass


def _print(name: str, seconds: float, count: int) -> None:
    print(f"| {name} | {1e6 * seconds / count:.2f} |")


def _written(record: dict[str, Any]) -> bytes:
    return json.dumps(record, separators=(",", ":")).encode()


if __name__ == "__main__":
    main(sys.argv[1:])
