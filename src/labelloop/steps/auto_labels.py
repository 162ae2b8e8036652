"""The labels that a model gives, as AutoLabel wrote them."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import orjson

from labelloop.core.ledger import Ids
from labelloop.core.manifest.lines import ID_KEY
from labelloop.core.manifest.merging import Addition
from labelloop.storage import s3


def auto_label_ids(uri: str) -> Ids:
    """Of all objects in the file."""
    return np.fromiter((object_id for object_id, _ in auto_label_fields(uri)), np.int64)


def class_indices(uri: str, ids: Ids, attribute: str) -> npt.NDArray[np.int16]:
    """The labels of some of them, which ascend; shape (ids,)."""
    kept = auto_label_fields(uri, set(ids.tolist()))
    return np.fromiter((fields[attribute] for _, fields in kept), np.int16)


def auto_label_fields(uri: str, kept: set[int] | None = None) -> Iterator[Addition]:
    """Each object's id with the fields its line gets, ascending; of those kept, if not of all."""
    for line in s3.read_lines(uri):
        fields = orjson.loads(line)
        object_id = fields.pop(ID_KEY)
        if kept is None or object_id in kept:
            yield object_id, fields
