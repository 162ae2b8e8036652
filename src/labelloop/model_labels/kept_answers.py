"""The answers that were paid for, in S3: each in an object of its own, so that none is lost with another."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath

from labelloop.foundation_model.replies import Reply
from labelloop.storage import s3
from labelloop.workflow.run_files import FoundationModelFiles

# As many as the client has connections.
_READ_AT_ONCE = 10
_MARK = "Mark"


class S3Answers:
    """Keeps answers for many threads; all that are there already are read at once."""

    def __init__(self, files: FoundationModelFiles) -> None:
        self._files = files
        self._kept: dict[bytes, Reply] = {}
        uris = s3.list_uris(files.answers)
        with ThreadPoolExecutor(_READ_AT_ONCE) as readers:
            for uri, document in zip(uris, readers.map(s3.read_bytes, uris), strict=True):
                self._kept[bytes.fromhex(PurePosixPath(uri).stem)] = Reply.of_document(document)

    def get(self, digest: bytes) -> Reply | None:
        return self._kept.get(digest)

    def put(self, digest: bytes, reply: Reply) -> None:
        s3.write_bytes(self._files.answer(digest), reply.as_document())
        self._kept[digest] = reply

    def take(self, answers: Mapping[bytes, Reply]) -> None:
        """Answers that are kept elsewhere."""
        self._kept.update(answers)

    def form(self, server: str, model: str) -> str | None:
        uri = self._files.form(_digest(server, model))
        return s3.read_bytes(uri).decode() if s3.exists(uri) else None

    def keep_form(self, server: str, model: str, form: str) -> None:
        s3.write_bytes(self._files.form(_digest(server, model)), form.encode())


def mark_of(files: FoundationModelFiles) -> str:
    """What stands around texts in the prompts of a lineage: drawn once, and known to nobody who wrote one."""
    s3.write_new_json(files.mark, {_MARK: secrets.token_hex(8)})
    mark: str = s3.read_json(files.mark)[_MARK]
    return mark


def _digest(server: str, model: str) -> bytes:
    return hashlib.sha256(f"{server}\n{model}".encode()).digest()
