"""Answers `POST /invocations`: one line for each record, in order, even for unreadable records.

An answer has BlazingText's form: {"label": ["__label__2", ...], "prob": [0.91, ...]}, the best class first,
and two more keys, "embedding" and "disagreement" (see `predictions`). For a record or an image that cannot be
read, it is {"error": "..."}.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from classifier.contract import Contract
from classifier.predictions import Predictions, error_line
from classifier.prior_labels import PriorLabels
from classifier.records import (
    BYTE_ORDER_MARK,
    LabelError,
    Record,
    RecordError,
    content_of,
    lines_of,
    parse_record,
    prior_labels_of,
)

JSON_LINES = "application/jsonlines"
JSON = "application/json"

# Limits how many records' probabilities are in memory at a time, even with very many classes.
_RECORDS_AT_ONCE = 1_000


class Classifier(Protocol):
    """A model that predicts: see `classifier.model`."""

    @property
    def contract(self) -> Contract: ...

    def predict(self, contents: Sequence[str], priors: PriorLabels | None = None) -> Predictions: ...


class RequestRefusedError(Exception):
    """Raised when a whole request cannot be answered. The message says why; `status` is the HTTP status."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def media_type_of(content_type: str) -> str:
    """Return JSON_LINES or JSON. Raises RequestRefusedError (415) for any other type or encoding."""
    name, *parameters = (part.strip().lower() for part in content_type.split(";"))
    charsets = [
        value.removeprefix("charset=").strip('"') for value in parameters if value.startswith("charset=")
    ]
    if name not in (JSON_LINES, JSON) or not set(charsets) <= {"utf-8", "utf8"}:
        raise RequestRefusedError(
            415,
            f"Content-Type must be {JSON_LINES} in UTF-8 ({JSON} for one record), not '{content_type:.80}'.",
        )
    return name


def answer_type_of(accept: str, request_type: str) -> str:
    """Return the media type to answer with. Raises RequestRefusedError (406) when none is acceptable."""
    accepted = [part.split(";")[0].strip().lower() for part in accept.split(",")]
    if not {"", "*/*", "application/*", JSON_LINES}.isdisjoint(accepted):
        return JSON_LINES
    if request_type == JSON and JSON in accepted:
        return JSON
    raise RequestRefusedError(
        406, f"The answer is {JSON_LINES} ({JSON} only to a request of that type), not '{accept:.80}'."
    )


def answer(body: bytes, request_type: str, classifier: Classifier, default_k: int | None) -> bytes:
    """Answer each record of a body, with its `k` best classes, or `default_k`, or all of them.

    Raises RequestRefusedError (400) when the body is empty.
    """
    content = body.removeprefix(BYTE_ORDER_MARK)
    if not content.strip():
        raise RequestRefusedError(400, "The body is empty: send at least one record.")
    lines = iter([content]) if request_type == JSON else lines_of(io.BytesIO(content))
    answered: list[bytes] = []
    while chunk := list(islice(lines, _RECORDS_AT_ONCE)):
        questions = [_read(line, classifier.contract) for line in chunk]
        answers = _answers([q for q in questions if isinstance(q, _Question)], classifier, default_k)
        for question in questions:
            if isinstance(question, _Question):
                answered.append(next(answers))
            else:
                answered.append(error_line(str(question)))
    return b"\n".join([*answered, b""])


@dataclass(frozen=True)
class _Question:
    content: str
    k: int | None
    priors: list[tuple[int, float]]


def _read(line: bytes, contract: Contract) -> _Question | RecordError:
    """Return the record's question, or (without raising it) the error."""
    try:
        record = parse_record(line)
        content = content_of(record, contract.content_attribute, contract.kind)
        priors = prior_labels_of(record, contract.prior_labels, contract.num_classes)
        return _Question(content, _wanted_classes(record), priors)
    except RecordError as error:
        return error
    except LabelError as error:
        return RecordError(f"The record cannot be read: {error}.")


def _wanted_classes(record: Record) -> int | None:
    # `k` is BlazingText's key. A user's record may have something else under it, which is ignored.
    k = record.get("k")
    return k if type(k) is int and k > 0 else None


def _answers(
    questions: Sequence[_Question], classifier: Classifier, default_k: int | None
) -> Iterator[bytes]:
    sources = len(classifier.contract.prior_labels)
    priors = PriorLabels.of([question.priors for question in questions], sources) if sources else None
    predictions = classifier.predict([question.content for question in questions], priors)
    return iter(predictions.lines([question.k or default_k for question in questions]))
