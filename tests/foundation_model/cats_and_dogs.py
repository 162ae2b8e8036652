"""Texts of two classes, and what labels them, whichever server answers."""

from __future__ import annotations

from collections.abc import Mapping

from labelloop.foundation_model.answer_cache import AnswerCache
from labelloop.foundation_model.examples import Examples
from labelloop.foundation_model.model_client import Patience
from labelloop.foundation_model.prompt import DescribedClass, Prompt
from labelloop.foundation_model.reading import AnswerReader, Reading
from labelloop.foundation_model.request_form import RequestSettings
from labelloop.foundation_model.row_labeler import ConfidenceFrom, RowLabeler
from labelloop.foundation_model.spending import Prices

CLASSES = ("cat", "dog")
TRUTH = {f"text {number}": CLASSES[number % 2] for number in range(24)}
TEXTS = list(TRUTH)
IMPATIENT = Patience(timeout_seconds=5, attempts=3, first_wait_seconds=0.001)
PRICES = Prices(10, 30)


def row_labeler(cache: AnswerCache, model: str, confidence_from: ConfidenceFrom) -> RowLabeler:
    stated = confidence_from is ConfidenceFrom.STATED
    logprobs = confidence_from is ConfidenceFrom.LOGPROBS
    return RowLabeler(
        Prompt([DescribedClass(name) for name in CLASSES], mark=cache.mark(), asks_confidence=stated),
        Examples([], CLASSES, 1, 0),
        RequestSettings(model, CLASSES, stated, logprobs, 0.0, most_tokens=50),
        confidence_from,
        3,
        AnswerReader(CLASSES),
    )


def labels(readings: Mapping[str, Reading]) -> dict[str, str]:
    return {text: reading.label for text, reading in readings.items()}
