"""Small images for the report, so that it stays one file that can be passed on."""

import base64
import io
from collections.abc import Callable, Iterator
from importlib.util import find_spec

from labelloop.core.image_types import media_type_by_content
from labelloop.core.records import Report

# On a side, in pixels: twice what is shown, for dense screens.
_SIDE = 240
_QUALITY = 80
# Without Pillow, which the steps' image leaves out, only small images are shown.
_MOST_BYTES_AS_THEY_ARE = 30_000
_MOST_BYTES_TO_SHRINK = 50_000_000
_MOST_BYTES_OF_ALL = 2_000_000


def thumbnails(report: Report, read: Callable[[str], bytes]) -> dict[str, str]:
    """A data URI for each image that the report shows an example of, by its address, as far as they fit.

    `read` returns an image's content. Images that it cannot return, and that no browser shows, are left out.
    """
    found: dict[str, str] = {}
    left = _MOST_BYTES_OF_ALL
    for address in _addresses(report):
        try:
            made = _data_uri(read(address))
        except Exception:  # noqa: S112 a report without an image is better than none
            continue
        if made and len(made) <= left:
            found[address] = made
            left -= len(made)
    return found


def _addresses(report: Report) -> Iterator[str]:
    if report.evidence is None:
        return
    given = report.evidence.examples
    groups = (given.likely_label_errors, given.near_threshold, given.least_confident)
    yield from dict.fromkeys(one.source_ref for group in groups for one in group if one.source_ref)


def _data_uri(content: bytes) -> str | None:
    if find_spec("PIL") is not None and len(content) <= _MOST_BYTES_TO_SHRINK:
        content = _shrunk(content)
    media_type = media_type_by_content(content)
    if media_type is None or len(content) > _MOST_BYTES_AS_THEY_ARE:
        return None
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"


def _shrunk(content: bytes) -> bytes:
    from PIL import Image, ImageOps

    with Image.open(io.BytesIO(content), formats=("JPEG", "PNG", "WEBP", "GIF")) as image:
        if max(image.size) <= _SIDE and len(content) <= _MOST_BYTES_AS_THEY_ARE:
            return content
        image.draft("RGB", (_SIDE, _SIDE))
        upright = ImageOps.exif_transpose(image).convert("RGB")
        upright.thumbnail((_SIDE, _SIDE))
        file = io.BytesIO()
        upright.save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()
