"""A file of text: its lines, decoded, and how far they have been read."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TextIO

from labelloop.preparation.errors import InputFileError
from labelloop.preparation.source import undecodable
from labelloop.preparation.tables.compression import Content
from labelloop.preparation.tables.encoding import Encoding

_NOTE_ON_MARK = "The file began with a byte-order mark; it was removed."
_COMPRESSIONS = {"": "", "zip": ", in a zip file"}


@dataclass(slots=True)
class TextFile:
    """The text of a file. A byte that its encoding does not have is read as a lone surrogate."""

    content: Content
    encoding: Encoding
    _raw: BinaryIO | None = field(default=None, repr=False)

    @property
    def path(self) -> Path:
        return self.content.path

    @property
    def words(self) -> str:
        """`UTF-8, compressed by gzip`."""
        compression = self.content.compression
        guessed = " (guessed: --encoding names another)" if self.encoding.guessed else ""
        return (
            self.encoding.words + guessed + _COMPRESSIONS.get(compression, f", compressed by {compression}")
        )

    @property
    def notes(self) -> tuple[str, ...]:
        return (_NOTE_ON_MARK,) if self.encoding.with_mark else ()

    @contextmanager
    def open(self) -> Iterator[TextIO]:
        """Raises InputFileError, also while it is read."""
        try:
            # newline="" keeps the line ends inside quoted fields as they are.
            with (
                self.content.open() as (file, self._raw),
                io.TextIOWrapper(
                    file, encoding=self.encoding.name, errors="surrogateescape", newline=""
                ) as text,
            ):
                yield text
        except UnicodeError as error:
            raise InputFileError(
                f"{self.path} is not in {self.encoding.words}: {error}. Name another with --encoding."
            ) from error
        finally:
            self._raw = None

    def share_read(self) -> float:
        if self._raw is None or self._raw.closed:
            return 1.0
        return self._raw.tell() / max(1, os.fstat(self._raw.fileno()).st_size)

    def fault(self, text: str) -> tuple[str, str] | None:
        """The kind of fault, and what it is, if the text was not in the encoding of the file."""
        if found := undecodable(text):
            return f"not {self.encoding.words}", found
        return None


@dataclass(frozen=True, slots=True)
class TextTable:
    """What all tables in files of text have in common; see `Table`."""

    file: TextFile
    columns: tuple[str, ...]

    @property
    def path(self) -> Path:
        return self.file.path

    @property
    def notes(self) -> tuple[str, ...]:
        return self.file.notes

    @property
    def delimiter(self) -> str:
        return ","

    @property
    def byte_order_mark(self) -> bool:
        return self.file.encoding.name != "utf-8"

    def share_read(self) -> float:
        return self.file.share_read()
