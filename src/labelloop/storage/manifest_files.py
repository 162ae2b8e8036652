"""Lines of the working manifest."""

from collections.abc import Iterator

import numpy as np

from labelloop.core.ledger import Ids
from labelloop.core.manifest.lines import object_id
from labelloop.storage import s3


def lines_of(manifest_uri: str, ids: Ids, size: int) -> Iterator[bytes]:
    """The lines of some objects, ascending by id, of a manifest of `size` lines."""
    wanted = np.zeros(size, np.bool_)
    wanted[ids] = True
    return (line for line in s3.read_lines(manifest_uri) if wanted[object_id(line)])
