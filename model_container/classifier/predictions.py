"""Predictions for objects, and how they are written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

# Seven digits are as precise as a 32-bit softmax, in half the bytes.
_DECIMALS = 7
_DECIMALS_OF_EMBEDDING = 3
_DECIMALS_OF_DISAGREEMENT = 4


@dataclass(frozen=True)
class Predictions:
    """A model's predictions for some objects."""

    probabilities: NDArray[np.float32]
    """Shape (objects, classes): each row sums to 1."""
    embedding: NDArray[np.float32]
    """Shape (objects, numbers): similar objects are close to each other."""
    disagreement: NDArray[np.float32]
    """Shape (objects,): the mutual information between class and net, in nats."""

    problems: Mapping[int, str] = field(default_factory=dict)
    """Why objects cannot be read, by their position among all asked about. The arrays have no row of them."""

    def lines(self, ks: Sequence[int | None]) -> list[bytes]:
        """Return each object's answer in JSON, with its k best classes; None means all classes."""
        read = iter(self._lines([k for place, k in enumerate(ks) if place not in self.problems]))
        return [
            error_line(self.problems[place]) if place in self.problems else next(read)
            for place in range(len(ks))
        ]

    def _lines(self, ks: Sequence[int | None]) -> list[bytes]:
        written = orjson.dumps(list(self._answers(ks)), option=orjson.OPT_SERIALIZE_NUMPY)
        # Writing all answers at once takes a third of the time. No name or number in an answer contains a
        # brace.
        return written[1:-1].replace(b"},{", b"}\n{").splitlines()

    def _answers(self, ks: Sequence[int | None]) -> Iterator[dict[str, Any]]:
        # Stays in 32 bits, because there a rounded number is written with only the rounded digits.
        embedding = self.embedding.round(_DECIMALS_OF_EMBEDDING)
        disagreement = self.disagreement.astype(np.float64).round(_DECIMALS_OF_DISAGREEMENT).tolist()
        answers = best_first(self.probabilities, ks)
        has_place = embedding.shape[1] > 0
        for answer, place, information in zip(answers, embedding, disagreement, strict=True):
            if has_place:
                answer["embedding"] = place
            answer["disagreement"] = information
            yield answer


def best_first(probabilities: NDArray[np.float32], ks: Sequence[int | None]) -> Iterator[dict[str, Any]]:
    """Yield {"label": ["__label__2", ...], "prob": [0.91, ...]} for each row, with its k best classes."""
    # A stable sort: among equal values the lower index comes first, on every machine.
    orders = np.argsort(-probabilities, axis=1, kind="stable")
    ranked = np.take_along_axis(probabilities, orders, axis=1).astype(np.float64).round(_DECIMALS)
    names = np.array([f"__label__{index}" for index in range(probabilities.shape[1])], object)
    for k, labels, values in zip(ks, names[orders].tolist(), ranked.tolist(), strict=True):
        yield {"label": labels[:k], "prob": values[:k]}


def error_line(sentence: str) -> bytes:
    """Return the answer for an object that cannot be read."""
    return json.dumps({"error": sentence}).encode("ascii")
