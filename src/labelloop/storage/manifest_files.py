"""Lines of the working manifest."""

from collections.abc import Iterator
from itertools import compress, count

import numpy as np

from labelloop.core.errors import ManifestError
from labelloop.core.ledger import Ids
from labelloop.core.manifest.lines import object_id
from labelloop.storage import s3


def lines_of(manifest_uri: str, ids: Ids, size: int) -> Iterator[bytes]:
    """The lines of some objects, ascending by id, of a manifest of `size` lines: object 7 has the eighth.

    Raises ManifestError where an object's line is not in its place.
    """
    wanted = np.zeros(size, np.bool_)
    wanted[ids] = True
    flags = wanted.tobytes()
    # To read the id of each line takes several times as long as to pass over those that nobody wants.
    lines = compress(s3.read_lines(manifest_uri), flags)
    for number in compress(count(), flags):
        line = next(lines, None)
        if line is None or object_id(line) != number:
            raise ManifestError(
                f"{manifest_uri} was changed: the line of object {number} is not in its place"
            )
        yield line
