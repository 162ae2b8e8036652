"""Reads an image file of any kind into a small square of pixels, with bounded memory."""

from __future__ import annotations

import io
import threading
from contextlib import nullcontext

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

Pixels = NDArray[np.uint8]

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
MOST_PIXELS = 100_000_000
# A PNG of this many pixels takes 400 MB while it is read. So one large image is read at a time.
_LARGE = 10_000_000
_ONE_LARGE_IMAGE = threading.Lock()
# Before the exact resizing, an image is shrunk by whole numbers to at least this many times the target.
_REDUCING_GAP = 2.0
_ORIENTATION = 0x0112
_TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# Pillow refuses twice as many, in frames within a file too.
Image.MAX_IMAGE_PIXELS = MOST_PIXELS // 2


class PictureError(Exception):
    """Raised when the bytes are no image that can be read. The message says why."""


def read_picture(content: bytes, side: int) -> Pixels:
    """Return an image's pixels, stretched to a square, shape (side, side, 3). Raises PictureError.

    The first frame of an animation is read. Transparent pixels become white, CMYK and grayscale become RGB,
    16 bits become 8, and a camera's orientation is applied.
    """
    try:
        return _read(content, side)
    except PictureError:
        raise
    except UnidentifiedImageError:
        raise PictureError(f"it is no image that can be read ({', '.join(_FORMATS)})") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PictureError(f"it has more than {MOST_PIXELS:,} pixels") from None
    except MemoryError:
        raise PictureError("it needs more memory than there is") from None
    except Exception as error:  # Pillow raises errors of many kinds for damaged files
        raise PictureError(f"it is damaged ({error!s:.100})") from error


def _read(content: bytes, side: int) -> Pixels:
    if not content:
        raise PictureError("the file is empty")
    with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
        if image.width * image.height > MOST_PIXELS:
            raise PictureError(f"it has more than {MOST_PIXELS:,} pixels")
        orientation = _orientation(image)
        wanted = int(_REDUCING_GAP * side)
        alone = image.width * image.height > _LARGE and not _is_read_in_parts(image)
        # A JPEG is decoded at an eighth of its size where that is enough.
        image.draft("RGB", (wanted, wanted))
        with _ONE_LARGE_IMAGE if alone else nullcontext():
            small = _in_colors(_reduced(image, wanted))
    squared = small.resize((side, side), Image.Resampling.BICUBIC)
    if orientation in _TRANSPOSITIONS:
        squared = squared.transpose(_TRANSPOSITIONS[orientation])
    return np.asarray(squared, np.uint8)


def _is_read_in_parts(image: Image.Image) -> bool:
    """Whether it is never in memory as a whole: a JPEG that is not progressive."""
    return image.format == "JPEG" and not image.info.get("progressive")


def _reduced(image: Image.Image, wanted: int) -> Image.Image:
    """Shrink by a whole number, which needs no other copy of a large image."""
    factors = max(1, image.width // wanted), max(1, image.height // wanted)
    image.load()
    if factors == (1, 1):
        return image
    if image.mode == "P" or image.mode.startswith("I;16"):
        # Averages of a palette's numbers mean nothing, and Pillow has none of 16 bits.
        size = max(1, image.width // factors[0]), max(1, image.height // factors[1])
        return image.resize(size, Image.Resampling.NEAREST)
    if image.mode == "1":
        image = image.convert("L")
    return image.reduce(factors)


def _in_colors(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":
        return _in_eight_bits(image).convert("RGB")
    if image.has_transparency_data:
        seen = image.convert("RGBA")
        white = Image.new("RGBA", seen.size, "white")
        return Image.alpha_composite(white, seen).convert("RGB")
    return image.convert("RGB")


def _in_eight_bits(image: Image.Image) -> Image.Image:
    """Scale gray values by the brightest: 12 bits are often kept in 16, and would be black otherwise."""
    values = np.nan_to_num(np.asarray(image, np.float32))
    brightest = max(float(values.max()), 1.0)
    return Image.fromarray((np.clip(values, 0, None) * (255 / brightest)).astype(np.uint8))


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # a damaged note about the image does not damage the image
        return 1
