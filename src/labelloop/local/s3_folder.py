"""A folder that keeps S3's objects: `<root>/<bucket>/<key>` is `s3://<bucket>/<key>`.

Objects are read from it once, at the start, but for images, which stay files; they are written back when they
change, each with a rename: even if the process is killed, a file has an object's old content or its new one,
never half of it.
"""

import re
import shutil
import threading
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from labelloop.core.errors import LabelloopError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_MOST_NAME_BYTES = 255
# Images: thousands of large ones would not fit into memory, where S3's objects are. Who shows or learns from
# them reads the files.
STAYS_A_FILE = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".avif"})
_TEMPORARY = ".labelloop-writing"

# A bucket and a key.
_Place = tuple[str, str]


class KeptObjects(Protocol):
    """The objects in S3, where it keeps them."""

    def get(self, bucket: str, key: str) -> tuple[str, bytes] | None:
        """The ETag and the content of an object, or None where there is none."""

    def put(self, bucket: str, key: str, content: bytes) -> str:
        """Keeps an object in a bucket that is there; returns its ETag."""


class S3FolderError(LabelloopError):
    """Raised when a folder cannot stand for S3: a file, not writable, or a key no file can have."""


class S3Folder:
    """Loads a folder into S3 and writes S3's changes back."""

    def __init__(self, s3: "S3Client", objects: KeptObjects, root: Path) -> None:
        """Creates `root` if necessary; raises `S3FolderError` if it is not a folder."""
        self._s3 = s3
        self._objects = objects
        self._root = root
        self._written: dict[_Place, str] = {}
        self._changed: deque[_Place] = deque()
        self._lock = threading.Lock()
        try:
            root.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(root / _TEMPORARY, ignore_errors=True)
        except OSError as error:
            raise S3FolderError(f"the S3 folder {root} cannot be used: {error}") from error

    def load(self) -> None:
        """Makes a bucket of each folder and an object of each file below it.

        Raises `S3FolderError` for a file next to the buckets, a folder whose name a bucket cannot have, or a
        file whose name no key can have.
        """
        for entry in sorted(self._root.iterdir()):
            if entry.name.startswith("."):
                continue
            if not entry.is_dir():
                raise S3FolderError(f"{entry} is a file: there may be none next to the bucket folders")
            self._load_bucket(entry)
        # What was loaded is already in the folder.
        self._changed.clear()

    def note_change(self, bucket: str, key: str) -> None:
        """Notes that an object was written or deleted."""
        self._changed.append((bucket, key))

    def write_back(self) -> None:
        """Writes the objects that have changed since the last time, in order, and removes deleted ones.

        Raises `S3FolderError` for a key that cannot be a file here, or when the disk refuses. The other
        objects are written anyway.
        """
        errors = []
        with self._lock:
            for _ in range(len(self._changed)):
                place = self._changed.popleft()
                try:
                    self._keep(place)
                except S3FolderError as error:
                    errors.append(error)
                    self._changed.append(place)
        if errors:
            raise errors[0]

    def remove_temporary(self) -> None:
        """Removes what writing has left in the root next to the buckets."""
        shutil.rmtree(self._root / _TEMPORARY, ignore_errors=True)

    def _load_bucket(self, folder: Path) -> None:
        if not _BUCKET_NAME.fullmatch(folder.name):
            raise S3FolderError(
                f"{folder} cannot be a bucket: a name is 3 to 63 lower-case letters, digits, dots and hyphens"
            )
        self._s3.create_bucket(Bucket=folder.name)
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            if path.suffix.lower() in STAYS_A_FILE:
                continue
            key = _key_of(path.relative_to(folder))
            self._written[folder.name, key] = self._objects.put(folder.name, key, path.read_bytes())

    def _keep(self, place: _Place) -> None:
        kept = self._objects.get(*place)
        if kept is None:
            if place in self._written:
                self._remove(place)
            return
        etag, content = kept
        if self._written.get(place) != etag:
            self._write(place, content)
            self._written[place] = etag

    def _write(self, place: _Place, content: bytes) -> None:
        path = self._path(place)
        if place[1].endswith("/"):
            # The empty object that the S3 console creates to show a folder.
            self._make_folder(path, place)
            return
        self._make_folder(path.parent, place)
        if path.is_dir():
            raise S3FolderError(
                f"s3://{'/'.join(place)} is an object and a folder at once: no disk allows both"
            )
        temporary = self._root / _TEMPORARY / "object"
        try:
            temporary.parent.mkdir(exist_ok=True)
            temporary.write_bytes(content)
            temporary.replace(path)
        except OSError as error:
            raise S3FolderError(f"s3://{'/'.join(place)} cannot be written to {path}: {error}") from error

    def _make_folder(self, folder: Path, place: _Place) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise S3FolderError(
                f"s3://{'/'.join(place)} is below {error.filename}, which is an object: no disk allows both"
            ) from error
        except OSError as error:
            raise S3FolderError(f"the folder {folder} cannot be created: {error}") from error

    def _remove(self, place: _Place) -> None:
        path = self._path(place)
        if path.is_file():
            path.unlink()
        # Folders that are now empty do not exist in S3, except for the bucket itself.
        bucket = self._root / place[0]
        for parent in path.parents:
            if parent == bucket or not parent.is_dir() or any(parent.iterdir()):
                break
            parent.rmdir()
        del self._written[place]

    def _path(self, place: _Place) -> Path:
        bucket, key = place
        names = key.removesuffix("/").split("/")
        for name in names:
            if name in ("", ".", "..") or "\0" in name:
                raise S3FolderError(f"s3://{bucket}/{key} cannot be a file: {name!r} is not a file name")
            if len(name.encode()) > _MOST_NAME_BYTES:
                raise S3FolderError(
                    f"s3://{bucket}/{key} cannot be a file: {name[:40]!r}... is too long a name"
                )
        return self._root.joinpath(bucket, *names)


def _key_of(path: Path) -> str:
    """Raises `S3FolderError` for a name that is not UTF-8."""
    key = path.as_posix()
    try:
        key.encode()
    except UnicodeEncodeError:
        raise S3FolderError(f"{key!r} cannot be a key of S3: it is not UTF-8. Rename the file") from None
    return key
