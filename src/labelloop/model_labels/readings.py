"""What the model says of each object of the manifest, in a file: written once all is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import orjson

from labelloop.foundation_model.reading import Outcome, Reading
from labelloop.storage import s3
from labelloop.workflow.run_state import RunState


@dataclass(frozen=True, slots=True)
class ObjectReading:
    """`label`: its class, or None with a `fault`; a label without a confidence has a fault too.

    Without both, nothing was asked about the object.
    """

    label: str | None
    confidence: float | None
    fault: str

    @property
    def was_asked(self) -> bool:
        return self.label is not None or bool(self.fault)


def write_readings(state: RunState, readings: Sequence[Reading | None]) -> None:
    """`readings`: of all objects, in order; None for one that was not asked about."""
    s3.write_lines(state.model_label_files.readings, map(_line, readings))


def read_readings(state: RunState) -> Iterator[ObjectReading]:
    """In the order of the objects."""
    for line in s3.read_lines(state.model_label_files.readings):
        yield ObjectReading(**orjson.loads(line))


def _line(reading: Reading | None) -> bytes:
    if reading is None:
        return orjson.dumps(ObjectReading(None, None, ""))
    label = reading.label if reading.outcome is Outcome.LABELED else None
    fault = reading.fault or ("" if label is not None else reading.outcome.value)
    return orjson.dumps(ObjectReading(label, reading.confidence, fault))
