"""A training channel: an augmented manifest through a pipe, or files of `__label__` lines."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

_LABEL = "__label__"
_MAGIC = 0xCED7230A


class ChannelError(Exception):
    """Raised when a channel is missing, or BlazingText cannot read its content."""


def read_channel(root: Path, channels: dict[str, Any], name: str) -> list[str]:
    """Return lines for fastText, such as `__label__2 a text`. Raises ChannelError."""
    settings = channels.get(name)
    if settings is None:
        return []
    if settings.get("TrainingInputMode") == "Pipe":
        if settings.get("RecordWrapperType") != "RecordIO":
            raise ChannelError(f"The channel '{name}' is in Pipe mode: it needs RecordWrapperType RecordIO.")
        with (root / "input/data" / f"{name}_0").open("rb") as stream:
            return list(_lines_of_records(read_records(stream)))
    files = sorted(path for path in (root / "input/data" / name).rglob("*") if path.is_file())
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    if any(not line.startswith(_LABEL) for line in lines):
        raise ChannelError(f"A line of the channel '{name}' does not begin with {_LABEL}.")
    return lines


def read_records(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the records of MXNet's RecordIO. Raises ChannelError if it is invalid or cut off."""
    while header := stream.read(8):
        if len(header) < 8 or struct.unpack("<I", header[:4])[0] != _MAGIC:
            raise ChannelError("The stream is not RecordIO.")
        size = struct.unpack("<I", header[4:])[0]
        padded = stream.read(size + -size % 4)
        if len(padded) < size:
            raise ChannelError("The stream ends within a record.")
        yield padded[:size]


def _lines_of_records(records: Iterator[bytes]) -> Iterator[str]:
    """Each text is followed by its label, in the order of AttributeNames."""
    for text in records:
        label = next(records, None)
        if label is None:
            raise ChannelError("The last text has no label.")
        yield f"{_LABEL}{label.decode().strip()} {one_line(text.decode())}"


def one_line(text: str) -> str:
    """Return the text on one line, because for fastText a line break ends the text."""
    return " ".join(text.split())
