"""A foundation model's labels in the manifest, as those of any other source of prior labels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from labelloop.core.manifest.lines import LabelAttribute, append_fields, failure_metadata, label_metadata
from labelloop.core.model.prior_labels import NONE_GIVEN, PriorLabels
from labelloop.core.records import FoundationModelRecord
from labelloop.model_labels.readings import ObjectReading, read_readings
from labelloop.storage import s3
from labelloop.storage.prior_label_files import load_prior_labels, save_prior_labels
from labelloop.workflow.run_state import RunState


def merge_labels(state: RunState, record: FoundationModelRecord, time: str) -> RunState:
    """Write manifest and prior labels with the model's; returns the state that names them.

    `time`: when the labels were given.
    """
    files, readings = state.model_label_files, list(read_readings(state))
    s3.write_lines(files.manifest, _labeled_lines(state, record, readings, time))
    save_prior_labels(_prior_labels(state, readings), files.prior_labels)
    return state.model_copy(
        update={"manifest_s3_uri": files.manifest, "prior_labels_s3_uri": files.prior_labels}
    )


def _labeled_lines(
    state: RunState, record: FoundationModelRecord, readings: list[ObjectReading], time: str
) -> Iterator[bytes]:
    attribute, indices = LabelAttribute(record.attribute), _indices(state)
    source = {"model": record.model, "prompt-digest": record.prompt_digest}
    for line, reading in zip(s3.read_lines(state.manifest_s3_uri), readings, strict=True):
        if not reading.was_asked:
            yield line
        elif reading.label is None:
            failure = failure_metadata(reason=reading.fault, time=time, job_name=state.job_prefix)
            yield append_fields(line, {attribute.metadata: {**failure, **source}})
        else:
            fields = {attribute.name: indices[reading.label]}
            yield append_fields(
                line, {**fields, attribute.metadata: {**_metadata(state, reading, time), **source}}
            )


def _metadata(state: RunState, reading: ObjectReading, time: str) -> dict[str, Any]:
    metadata = label_metadata(
        class_name=reading.label or "",
        confidence=reading.confidence or 0.0,
        human=False,
        time=time,
        job_name=state.job_prefix,
    )
    if reading.confidence is None:
        del metadata["confidence"]
    return metadata


def _prior_labels(state: RunState, readings: list[ObjectReading]) -> PriorLabels:
    """Those that there are, and the model's behind them."""
    indices, nan = _indices(state), float("nan")
    labels = [NONE_GIVEN if one.label is None else indices[one.label] for one in readings]
    sure = [nan if one.label is None or one.confidence is None else one.confidence for one in readings]
    column = np.array(labels, np.int16)[:, np.newaxis], np.array(sure, np.float32)[:, np.newaxis]
    if state.prior_labels_s3_uri is None:
        return PriorLabels(*column)
    given = load_prior_labels(state, state.prior_attributes[:-1])
    return PriorLabels(np.hstack([given.labels, column[0]]), np.hstack([given.confidence, column[1]]))


def _indices(state: RunState) -> dict[str, int]:
    return {name: index for index, name in enumerate(state.class_names)}
