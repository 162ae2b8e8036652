"""Pictures in guidelines, kept with them.

An address elsewhere would tell its server who labels here, and when. A picture's name is made of its content.
Markdown names it as `picture:NAME`.
"""

import base64
import hashlib
import re

from labelloop.core.image_types import media_type_by_content
from labelloop.workbench.errors import NotFoundError, RefusedError
from labelloop.workbench.store import TaskStore

# The page makes pictures as small as this. In base64 it fits into the longest request.
MOST_BYTES = 45_000
SCHEME = "picture:"
ADDRESS = "/guidelines/pictures/"
_NAME = re.compile(r"[0-9a-f]{32}")
_TAKEN = ("image/png", "image/jpeg")


class Pictures:
    """The rules of pictures in guidelines."""

    def __init__(self, store: TaskStore) -> None:
        self._store = store

    def add(self, encoded: str) -> str:
        """Store a picture, given in base64. Returns its name. Raises RefusedError for anything else."""
        try:
            content = base64.b64decode(encoded, validate=True)
        except ValueError as error:
            raise RefusedError("the picture is not in base64") from error
        if len(content) > MOST_BYTES:
            raise RefusedError(f"the picture is too large: at most {MOST_BYTES // 1000} KB")
        if media_type_by_content(content) not in _TAKEN:
            raise RefusedError("this is neither a PNG nor a JPEG")
        name = hashlib.sha256(content).hexdigest()[:32]
        self._store.add_picture(name, content)
        return name

    def of(self, name: str) -> tuple[bytes, str]:
        """A picture and its media type. Raises NotFoundError."""
        content = self._store.picture(name) if _NAME.fullmatch(name) else None
        media_type = None if content is None else media_type_by_content(content)
        if content is None or media_type is None:
            raise NotFoundError("there is no such picture")
        return content, media_type


def address_of(source: str) -> str | None:
    """Where the pages load a picture, by how Markdown names it; None for anything else."""
    name = source.removeprefix(SCHEME)
    return ADDRESS + name if name != source and _NAME.fullmatch(name) else None
