"""The networks' input for an image: the backbone's vector, or without a backbone its pixels.

Images are fetched and read in threads, while the network encodes those before them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np
from classifier.encoded import EncodedObjects, Encoding, Features
from classifier.encoding_cache import EncodingCache
from numpy.typing import NDArray

from image_classifier.backbone import Backbone
from image_classifier.image_source import FETCHES_AT_ONCE, FetchError, ImageSource
from image_classifier.pictures import PictureError, Pixels, read_picture
from image_classifier.projection import Projection

# It loads boto3, which is of no use where a folder stands for S3.
if TYPE_CHECKING:
    from image_classifier.encoding_parts import EncodingParts

# Of an S3 URI: all of it counts.
MOST_CHARACTERS = 10_000
PIXELS_ASIDE = 32
# Averages over squares of this many pixels, for the dense nets and the neighbors.
_AVERAGED = 2
_IMAGES_AT_ONCE = 32

Row: TypeAlias = "NDArray[np.float16] | Pixels"


@dataclass(frozen=True)
class Looked:
    """What is known of a file before the network has seen it: its row, or what it takes to make one."""

    key: str
    """Of its content."""
    row: Row | None = None
    picture: Pixels | None = None
    problem: str | None = None
    """Why it cannot be read."""
    etag: str | None = None
    """Of the object in S3, if it was fetched from there."""


class View(Protocol):
    """What is kept of an image: one row for each."""

    def look(self, content: bytes) -> Looked:
        """Look at a file, in any thread. Its content is not kept: there may be many, and large ones."""

    def rows(self, looked: Sequence[Looked]) -> list[Row | str]:
        """Return a row for each file, or why it cannot be read."""

    def fit(self, rows: Sequence[Row], seed: int) -> None:
        """Learn from a job's images, whatever their labels."""

    def objects(self, rows: Sequence[Row]) -> EncodedObjects: ...

    @property
    def size(self) -> int:
        """The number of features."""

    def save(self, folder: Path) -> None: ...


class ImageFeatures:
    """Computes the features of images, and remembers those that a training needs again."""

    most_characters = MOST_CHARACTERS

    def __init__(self, source: ImageSource, view: View, parts: EncodingParts | None = None) -> None:
        """Take what the run's jobs know of its images, if they keep it in S3."""
        self._source = source
        self._view = view
        self._parts = parts
        self._kept: dict[str, Row | str] = {}

    @property
    def likeness(self) -> Features:
        """Every feature counts the same when images are compared, shape (features,)."""
        return np.ones(self._view.size, np.float32)

    def fit(self, uris: Sequence[str], seed: int) -> Mapping[str, str]:
        """Read images, remember them and learn from them. Return why some cannot be read, by URI.

        Raises SourceError.
        """
        self._kept.update(self._read(list(dict.fromkeys(uris))))
        readable = [row for row in self._kept.values() if not isinstance(row, str)]
        if readable:
            self._view.fit(readable, seed)
        return {uri: row for uri in uris if isinstance(row := self._kept[uri], str)}

    def encode(self, contents: Sequence[str]) -> Encoding:
        """Encode the images with these S3 URIs. Raises SourceError when none can be fetched."""
        known = self._read([uri for uri in dict.fromkeys(contents) if uri not in self._kept])
        rows = [self._kept[uri] if uri in self._kept else known[uri] for uri in contents]
        problems = {number: row for number, row in enumerate(rows) if isinstance(row, str)}
        return Encoding(self._view.objects([row for row in rows if not isinstance(row, str)]), problems)

    def save(self, folder: Path) -> None:
        """Write what was learned. The backbone is not part of the artifact."""
        self._view.save(folder)

    def _read(self, uris: Sequence[str]) -> dict[str, Row | str]:
        found: dict[str, Row | str] = {}
        with ThreadPoolExecutor(FETCHES_AT_ONCE, thread_name_prefix="fetch") as threads:
            for some, looked in _ahead(threads, self._look, uris):
                rows = self._view.rows(looked)
                self._keep(some, looked, rows)
                for uri, row in zip(some, rows, strict=True):
                    found[uri] = f"The image {uri} cannot be read: {row}." if isinstance(row, str) else row
        if self._parts:
            self._parts.end_request()
        return found

    def _look(self, uri: str) -> Looked:
        known = self._parts.find(uri) if self._parts else None
        try:
            fetched = self._source.fetch(uri, known.etag if known else None)
        except FetchError as error:
            return Looked("", problem=str(error))
        if fetched is None:
            assert known is not None, "only what is known can be unchanged"
            return Looked(uri, known.vector)
        return replace(self._view.look(fetched.content), etag=fetched.etag)

    def _keep(self, uris: Sequence[str], looked: Sequence[Looked], rows: Sequence[Row | str]) -> None:
        if self._parts:
            for uri, one, row in zip(uris, looked, rows, strict=True):
                if one.etag is not None and not isinstance(row, str):
                    self._parts.keep(uri, one.etag, row.astype(np.float16))


def _ahead(
    threads: ThreadPoolExecutor, look: Callable[[str], Looked], uris: Sequence[str]
) -> Iterator[tuple[Sequence[str], list[Looked]]]:
    """Yield some URIs at a time and what is known of their files, while the next ones are looked at."""
    parts = [uris[start : start + _IMAGES_AT_ONCE] for start in range(0, len(uris), _IMAGES_AT_ONCE)]
    started: list[list[Future[Looked]]] = []
    for number, part in enumerate(parts):
        for ahead in parts[number + len(started) : number + 2]:
            started.append([threads.submit(look, uri) for uri in ahead])
        yield part, [future.result() for future in started.pop(0)]


class BackboneView:
    """The backbone's vectors, kept by their files' content for later jobs, and projected."""

    def __init__(
        self, backbone: Backbone, cache: EncodingCache | None = None, projection: Projection | None = None
    ) -> None:
        self.backbone = backbone
        self._cache = cache
        self._projection = projection

    @property
    def size(self) -> int:
        assert self._projection is not None, "nothing has been learned yet"
        return self._projection.size

    def fit(self, rows: Sequence[Row], seed: int) -> None:
        self._projection = Projection.fit(np.stack(rows).astype(np.float16), seed)

    def save(self, folder: Path) -> None:
        assert self._projection is not None, "nothing has been learned yet"
        self._projection.save(folder)

    def look(self, content: bytes) -> Looked:
        key = hashlib.sha256(content).hexdigest()
        known = self._cache.find([key], self.backbone.size) if self._cache else {}
        return Looked(key, known[key]) if key in known else _picture(key, content, self.backbone.side)

    def rows(self, looked: Sequence[Looked]) -> list[Row | str]:
        """Raises BackboneError when the backbone's files are damaged."""
        known = {one.key: one.row for one in looked if one.row is not None}
        new = {one.key: one.picture for one in looked if one.picture is not None and one.key not in known}
        if new:
            vectors = dict(zip(new, self.backbone.vectors(list(new.values())), strict=True))
            if self._cache:
                self._cache.keep(vectors)
            known.update(vectors)
        return [one.problem if one.problem is not None else known[one.key] for one in looked]

    def objects(self, rows: Sequence[Row]) -> EncodedObjects:
        assert self._projection is not None, "nothing has been learned yet"
        vectors = np.stack(rows) if rows else np.empty((0, self.backbone.size))
        return EncodedObjects(self._projection.features(vectors.astype(np.float16)))


@dataclass(frozen=True)
class PixelView:
    """Small pictures, for where there is no backbone."""

    @property
    def size(self) -> int:
        return 3 * (PIXELS_ASIDE // _AVERAGED) ** 2

    def look(self, content: bytes) -> Looked:
        return _picture("", content, PIXELS_ASIDE)

    def rows(self, looked: Sequence[Looked]) -> list[Row | str]:
        return [one.picture if one.picture is not None else str(one.problem) for one in looked]

    def fit(self, rows: Sequence[Row], seed: int) -> None:
        """Pixels need nothing."""

    def save(self, folder: Path) -> None:
        """There is nothing to write."""

    def objects(self, rows: Sequence[Row]) -> EncodedObjects:
        shape = (len(rows), PIXELS_ASIDE, PIXELS_ASIDE, 3)
        pictures = np.stack(rows).astype(np.uint8) if rows else np.empty(shape, np.uint8)
        side = PIXELS_ASIDE // _AVERAGED
        squares = pictures.reshape(len(rows), side, _AVERAGED, side, _AVERAGED, 3).astype(np.float32)
        averages = squares.mean(axis=(2, 4)).reshape(len(rows), self.size)
        # Without its mean brightness and contrast: these say little about what an image shows.
        return EncodedObjects(_of_length_one(averages - averages.mean(axis=1, keepdims=True)), pictures)


def _picture(key: str, content: bytes, side: int) -> Looked:
    try:
        return Looked(key, picture=read_picture(content, side))
    except PictureError as error:
        return Looked(key, problem=str(error))


def _of_length_one(vectors: Features) -> Features:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-9), np.float32)
