"""The labels that the round's model gives, as AutoLabel wrote them."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from labelloop.core.ledger import Ids
from labelloop.core.manifest import ID_KEY
from labelloop.core.merging import Addition
from labelloop.core.run_state import RunState
from labelloop.storage import s3


def auto_labels(state: RunState) -> npt.NDArray[Any]:
    """`id` and class index `label` of each object; empty when there was no model."""
    attribute = state.request.label_attribute_name
    return np.fromiter(
        ((object_id, fields[attribute]) for object_id, fields in auto_label_fields(state)),
        [("id", np.int64), ("label", np.int16)],
    )


def auto_labeled_ids(state: RunState) -> Ids:
    ids: Ids = auto_labels(state)["id"]
    return ids


def auto_label_fields(state: RunState) -> Iterator[Addition]:
    """Each object's id with the fields its line gets."""
    if state.model is None:
        return
    for line in s3.read_lines(state.model.auto_labels_s3_uri):
        fields = orjson.loads(line)
        yield fields.pop(ID_KEY), fields
