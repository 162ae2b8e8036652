"""The model's labels as AutoLabel writes them: one line per object, with the fields that the object gets."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import orjson

from labelloop.core.ledger import Ids
from labelloop.core.manifest.lines import ID_KEY, LabelAttribute, label_metadata, object_id, remove_id
from labelloop.core.manifest.merging import Addition
from labelloop.core.model.predictions import Predictions
from labelloop.storage import s3
from labelloop.storage.prior_label_files import load_prior_labels
from labelloop.workflow.run_state import RunState

_AUTO_LABEL = np.dtype([("id", np.int64), ("label", np.int16)])
_OBJECTS_AT_ONCE = 10_000
# Beside Ground Truth's own fields: the attributes that had the label.
GIVEN_BY = "given-by"


def write_auto_labels(state: RunState, predictions: Predictions, ids: Ids, time: str) -> str:
    """Returns where they are."""
    s3.write_lines(state.round_files.auto_labels, _lines(state, predictions, ids, time))
    return state.round_files.auto_labels


def read_auto_labels(uri: str, attribute: LabelAttribute) -> tuple[Ids, npt.NDArray[np.int16]]:
    """The objects, ascending, and their labels; shapes (objects,)."""
    key = attribute.name
    records = (orjson.loads(line) for line in s3.read_lines(uri))
    read = np.fromiter(((record[ID_KEY], record[key]) for record in records), _AUTO_LABEL)
    return read["id"].copy(), read["label"].copy()


def auto_label_fields(uri: str, kept: Ids, size: int) -> Iterator[Addition]:
    """The fields that lines get, ascending by id; of the objects to keep, among `size` in all."""
    wanted = np.zeros(size, np.bool_)
    wanted[kept] = True
    flags = wanted.tobytes()
    for line in s3.read_lines(uri):
        if flags[number := object_id(line)]:
            yield number, remove_id(line)


def _lines(state: RunState, predictions: Predictions, ids: Ids, time: str) -> Iterator[bytes]:
    attribute, class_names, job_name = state.label_attribute, state.class_names, state.round_name
    priors = load_prior_labels(state) if state.labels_are_given else None
    sources = state.prior_attributes
    for number, label, confidence in _one_by_one(predictions, ids):
        metadata = label_metadata(
            class_name=class_names[label], confidence=confidence, human=False, time=time, job_name=job_name
        )
        if priors is not None:
            said = priors.labels[number].tolist()
            metadata[GIVEN_BY] = [source for source, it in zip(sources, said, strict=True) if it == label]
        yield orjson.dumps({ID_KEY: number, attribute.name: label, attribute.metadata: metadata})


def _one_by_one(predictions: Predictions, ids: Ids) -> Iterator[tuple[int, int, float]]:
    """Each object with its label and confidence. As lists, the columns of ten million would take 1 GB."""
    for some in np.split(ids, range(_OBJECTS_AT_ONCE, len(ids), _OBJECTS_AT_ONCE)):
        columns = some, predictions.label[some], predictions.confidence[some]
        yield from zip(*(column.tolist() for column in columns), strict=True)
