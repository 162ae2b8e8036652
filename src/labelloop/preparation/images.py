"""Preparing images: from a folder of them, or a table that names them, to the input of a run.

A folder of class folders tells the labels; images beside these folders, and those in a folder `unlabeled`,
have none. A flat folder has no labels. A table has a column of paths (from the table's folder on) or of S3
URIs.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

import orjson

from labelloop.preparation.dataset import Preparation, prepare_dataset
from labelloop.preparation.errors import InputFileError, OptionError, OutputFolderError
from labelloop.preparation.options import PreparationOptions
from labelloop.preparation.output_folder import OutputFolder
from labelloop.preparation.source import BadRow, LabeledText, Origin, in_unicode, undecodable
from labelloop.preparation.table_format import TableFormat
from labelloop.preparation.table_source import TableSource
from labelloop.preparation.watching import Watcher

IMAGES_KEY = "input/images/"
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif")
_UNLABELED = ("unlabeled", "unlabelled")
_COLUMNS = ("file", "label")
_SHOWN = 5
_IMAGES_BETWEEN = 200
_S3 = "s3://"
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class _Found:
    """An image of the user's, and what is known of it before it is looked at."""

    file: Path | None  # None for one that is in S3
    name: str  # its path from the folder on, or its S3 URI
    label: str
    line: int
    origin: Origin


@dataclass(frozen=True, slots=True)
class _Looked:
    """What looking at the images has told."""

    rows: list[LabeledText | BadRow]
    copies: dict[str, Path]  # by S3 key
    notes: list[str]


def prepare_images(
    source: Path,
    out: Path,
    options: PreparationOptions,
    *,
    table_format: TableFormat | None = None,
    longest_side: int | None = None,
    watcher: Watcher | None = None,
) -> Preparation:
    """Write all that a run on images needs to `out`, a copy of the images in its S3 folder included.

    table_format: for a table, whose text column has the images' paths or URIs; longest_side: images with more
    pixels on a side are stored smaller. Raises PreparationError. Nothing has been written then, unless
    writing itself failed.
    """
    folder = OutputFolder(out, options.bucket, images=True)
    folder.refuse_if_used(overwrite=options.overwrite)
    if longest_side is not None and find_spec("PIL") is None:
        raise OptionError("--longest-side needs Pillow: pip install 'labelloop[model]'.")
    if source.is_dir():
        if out.resolve().is_relative_to(source.resolve()):
            raise OutputFolderError(f"{out} is in the folder of the images. Choose a folder elsewhere.")
        found, notes = _in_folder(source)
        columns: tuple[str, ...] = _COLUMNS
    else:
        assert table_format is not None
        table = TableSource.open([source], table_format)
        found, notes, columns = _in_table(source, table), list(table.notes), tuple(table.columns)
    looked = _look(_telling(found, "Reading", watcher), options)
    preparation = prepare_dataset(
        looked.rows,
        out,
        replace(options, images=True),
        origin=[in_unicode(source.name)],
        columns=columns,
        notes=[*notes, *looked.notes],
    )
    taken = {orjson.loads(line)["source-ref"] for line in folder.manifest.read_bytes().splitlines()}
    prefix = f"{_S3}{options.bucket}/"
    copies = {key: file for key, file in looked.copies.items() if prefix + key in taken}
    _copy(copies, folder, longest_side, watcher)
    return preparation


def _telling(items: Sequence[_Item], doing: str, watcher: Watcher | None) -> Iterator[_Item]:
    """The items; the watcher is told every few hundred."""
    for number, item in enumerate(items):
        if watcher is not None and number % _IMAGES_BETWEEN == 0:
            watcher(doing, number / len(items))
        yield item


def _in_folder(root: Path) -> tuple[list[_Found | BadRow], list[str]]:
    files = sorted(path for path in root.rglob("*") if path.is_file() and not _is_hidden(path, root))
    images = [path for path in files if path.suffix.lower() in SUFFIXES]
    if not images:
        raise InputFileError(
            f"{root} has no image. Images are files that end in {', '.join(SUFFIXES)}; each class may have a "
            "folder of its own."
        )
    notes = []
    if others := Counter(path.suffix.lower() or path.name for path in files if path not in set(images)):
        shown = ", ".join(f"{count:,} {suffix}" for suffix, count in others.most_common(_SHOWN))
        notes.append(f"Files left out, for they are no images that the model reads: {shown}.")
    rows: list[_Found | BadRow] = []
    for number, path in enumerate(images, 1):
        name = path.relative_to(root).as_posix()
        class_name = name.split("/")[0] if "/" in name else ""
        label = "" if class_name.lower() in _UNLABELED else class_name
        rows.append(_Found(path, name, label, 0, Origin(in_unicode(root.name), number, "", [name, label])))
    return rows, notes


def _in_table(file: Path, table: TableSource) -> list[_Found | BadRow]:
    found: list[_Found | BadRow] = []
    for row in table:
        if isinstance(row, BadRow):
            found.append(row)
        elif isinstance(row, LabeledText):
            origin = row.origin or Origin(in_unicode(file.name), row.line, "", [row.text, row.label])
            path = None if row.text.startswith(_S3) else file.parent / row.text.strip()
            found.append(_Found(path, row.text.strip(), row.label, row.line, origin))
    return found


def _is_hidden(path: Path, root: Path) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in path.relative_to(root).parts)


def _look(found: Iterable[_Found | BadRow], options: PreparationOptions) -> _Looked:
    looked = _Looked([], {}, [])
    of_content: dict[str, list[_Found]] = {}
    for image in found:
        if isinstance(image, BadRow):
            looked.rows.append(image)
            continue
        uri = image.name
        if undecodable(image.name):
            looked.rows.append(
                BadRow(image.line, image.line, "file name that is not UTF-8", ascii(image.name))
            )
            continue
        if image.file is not None:
            fault, digest = _content(image.file)
            if fault:
                looked.rows.append(BadRow(image.line, image.line, fault, image.name))
                continue
            of_content.setdefault(digest, []).append(image)
            key = IMAGES_KEY + _key(image.name, digest)
            looked.copies[key] = image.file
            uri = f"{_S3}{options.bucket}/{key}"
        looked.rows.append(LabeledText(uri, image.label, image.line, origin=image.origin))
    looked.notes.extend(_notes_on_repeats(of_content.values()))
    return looked


def _content(file: Path) -> tuple[str, str]:
    """What is wrong with a file, if anything, and the SHA-256 of its content."""
    try:
        content = file.read_bytes()
    except OSError as error:
        return f"no image ({error.strerror})", ""
    if not content:
        return "empty file", ""
    if find_spec("PIL") is not None:
        from PIL import Image

        try:
            with Image.open(file, formats=("JPEG", "PNG", "WEBP", "GIF")):
                pass
        except Exception:  # Pillow raises errors of many kinds for damaged files
            return "no image that can be read", ""
    return "", hashlib.sha256(content).hexdigest()


def _key(name: str, digest: str) -> str:
    """The image's path below the folder, or for one from elsewhere a name of its own."""
    parts = Path(name).parts
    if Path(name).is_absolute() or ".." in parts:
        return f"{digest[:32]}{Path(name).suffix.lower()}"
    return Path(name).as_posix()


def _notes_on_repeats(groups: Iterable[list[_Found]]) -> Iterator[str]:
    repeated = [group for group in groups if len(group) > 1]
    if not repeated:
        return
    again = sum(len(group) - 1 for group in repeated)
    first = repeated[0]
    yield (
        f"Images with the content of an earlier one: {again:,}, for example {first[1].name} and "
        f"{first[0].name}. They were kept."
    )
    different = [group for group in repeated if len({image.label for image in group if image.label}) > 1]
    if different:
        names = " and ".join(f"{image.name}" for image in different[0][:2])
        yield (
            f"Contents that come with different labels: {len(different):,}, for example {names}. They were "
            "kept."
        )


def _copy(
    copies: dict[str, Path], folder: OutputFolder, longest_side: int | None, watcher: Watcher | None
) -> None:
    for key, file in _telling(list(copies.items()), "Copying", watcher):
        place = folder.s3_root / folder.bucket / key
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.unlink(missing_ok=True)
            if longest_side is None or not _stored_smaller(file, place, longest_side):
                _link_or_copy(file, place)
        except OSError as error:
            raise OutputFolderError(f"{place} cannot be written: {error.strerror}.") from error


def _link_or_copy(file: Path, place: Path) -> None:
    """One file under two names takes no space; on another disk, it is copied."""
    try:
        os.link(file.resolve(), place)
    except OSError:
        shutil.copyfile(file, place)


def _stored_smaller(file: Path, place: Path, longest_side: int) -> bool:
    """Store a smaller image in the same format. Returns whether the image was larger."""
    from PIL import Image, ImageOps

    with Image.open(file) as image:
        if max(image.size) <= longest_side or getattr(image, "is_animated", False):
            return False
        kind = image.format
        image.draft("RGB", (longest_side, longest_side))
        upright = ImageOps.exif_transpose(image)
        upright.thumbnail((longest_side, longest_side))
        upright.save(place, kind)
    return True
