"""The model's labels as AutoLabel writes them: one line per object, with the fields that the object gets."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import orjson

from labelloop.core.ledger import Ids
from labelloop.core.manifest.lines import ID_KEY, LabelAttribute, label_metadata
from labelloop.core.manifest.merging import Addition
from labelloop.core.model.predictions import Predictions
from labelloop.storage import s3
from labelloop.storage.prior_label_files import load_prior_labels
from labelloop.workflow.run_state import RunState

# Beside Ground Truth's own fields: the attributes that had the label.
GIVEN_BY = "given-by"


def write_auto_labels(state: RunState, predictions: Predictions, ids: Ids, time: str) -> str:
    """Returns where they are."""
    s3.write_lines(state.round_files.auto_labels, _lines(state, predictions, ids, time))
    return state.round_files.auto_labels


def read_auto_labels(uri: str, attribute: LabelAttribute) -> tuple[Ids, npt.NDArray[np.int16]]:
    """The objects, ascending, and their labels; shapes (objects,)."""
    read = [(number, fields[attribute.name]) for number, fields in auto_label_fields(uri)]
    ids, labels = np.array(read, np.int64).reshape(-1, 2).T
    return ids, labels.astype(np.int16)


def auto_label_fields(uri: str, kept: set[int] | None = None) -> Iterator[Addition]:
    """Each object's id with the fields its line gets, ascending; for all objects, or only those to keep."""
    for line in s3.read_lines(uri):
        fields = orjson.loads(line)
        object_id = fields.pop(ID_KEY)
        if kept is None or object_id in kept:
            yield object_id, fields


def _lines(state: RunState, predictions: Predictions, ids: Ids, time: str) -> Iterator[bytes]:
    attribute = state.label_attribute
    priors = load_prior_labels(state) if state.labels_are_given else None
    sources = state.request.prior_attributes
    for object_id in ids.tolist():
        label = int(predictions.label[object_id])
        metadata = label_metadata(
            class_name=state.class_names[label],
            confidence=float(predictions.confidence[object_id]),
            human=False,
            time=time,
            job_name=state.round_name,
        )
        if priors is not None:
            said = priors.labels[object_id].tolist()
            metadata[GIVEN_BY] = [source for source, it in zip(sources, said, strict=True) if it == label]
        yield orjson.dumps({ID_KEY: object_id, attribute.name: label, attribute.metadata: metadata})
