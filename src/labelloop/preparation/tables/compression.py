"""The bytes of a file, decompressed on the way. What a file is compressed with is told by its first bytes."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, cast

from labelloop.preparation.errors import InputFileError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_MAGIC = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
)
_HEAD = 64
_DAMAGED = (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, gzip.BadGzipFile, zstd.ZstdError)
# A workbook is a zip file too: these members tell it from others.
_OF_WORKBOOKS = ("[Content_Types].xml", "mimetype")


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes of a file. `compression` is empty for none, `member` names a zip file's only file."""

    path: Path
    compression: str = ""
    member: str = ""

    @contextmanager
    def open(self) -> Iterator[tuple[IO[bytes], BinaryIO]]:
        """The bytes, and the file they come from, whose position tells how much was read.

        Raises InputFileError, also while the bytes are read.
        """
        with explained(self.path), ExitStack() as opened:
            raw = cast("BinaryIO", opened.enter_context(self.path.open("rb")))
            yield opened.enter_context(self._decompressed(raw, opened)), raw

    def _decompressed(self, raw: BinaryIO, opened: ExitStack) -> IO[bytes]:
        if self.compression == "zip":
            return self._unzipped(opened.enter_context(zipfile.ZipFile(raw)))
        if self.compression == "gzip":
            return cast("IO[bytes]", gzip.open(raw))
        if self.compression == "bzip2":
            return bz2.open(raw)
        if self.compression == "xz":
            return lzma.open(raw)
        if self.compression == "zstd":
            return io.BufferedReader(zstd.open(raw))
        return raw

    def _unzipped(self, archive: zipfile.ZipFile) -> IO[bytes]:
        try:
            return archive.open(self.member)
        except (RuntimeError, NotImplementedError) as error:
            # A password, or a method of compression that Python does not have.
            raise InputFileError(f"{self.path} cannot be unpacked: {error}. Unpack it first.") from error


def content_of(path: Path) -> Content:
    """Look at the file. Raises InputFileError."""
    with explained(path):
        if path.is_dir():
            raise InputFileError(f"{path} is a folder, not a regular file: name the files in it.")
        if path.exists() and not path.is_file():
            raise InputFileError(
                f"{path} is not a regular file. It has to be read twice, so save it to a file first."
            )
        with path.open("rb") as file:
            head = file.read(_HEAD)
        kind = next((name for magic, name in _MAGIC if head.startswith(magic)), "")
        return _of_zip(path) if kind == "zip" else Content(path, kind)


def _of_zip(path: Path) -> Content:
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        names = [member.filename for member in members]
        if any(name in names for name in _OF_WORKBOOKS):
            return Content(path)
        files = [member for member in members if not member.is_dir() and not _is_hidden(member.filename)]
    if len(files) != 1:
        held = ", ".join(repr(member.filename) for member in files[:5]) or "none"
        raise InputFileError(
            f"{path} must hold one file, and it holds {len(files)}: {held}. Unpack it, and name the files."
        )
    if files[0].flag_bits & 0x1:
        raise InputFileError(f"{path} is protected by a password. Unpack it first.")
    return Content(path, "zip", files[0].filename)


def _is_hidden(name: str) -> bool:
    """What macOS and others add to an archive."""
    parts = name.split("/")
    return parts[0] == "__MACOSX" or parts[-1].startswith(".")


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Say of a file that cannot be read why. Raises InputFileError."""
    try:
        yield
    except FileNotFoundError as error:
        raise InputFileError(f"There is no file {path}.") from error
    except (
        EOFError,
        zlib.error,
        lzma.LZMAError,
        zipfile.BadZipFile,
        gzip.BadGzipFile,
        zstd.ZstdError,
    ) as error:
        raise InputFileError(f"{path} is damaged or cut off: {error}. Get it again.") from error
    except OSError as error:
        raise InputFileError(f"{path} cannot be read: {error.strerror or error}.") from error
