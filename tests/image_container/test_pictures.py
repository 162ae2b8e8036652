"""Every kind of image becomes a square of colors; what is none is told, and memory stays bounded."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from image_classifier.pictures import MOST_PIXELS, PictureError, read_picture
from PIL import Image

SIDE = 32
RED, GREEN = (255, 0, 0), (0, 255, 0)


def halves(mode: str = "RGB", size: tuple[int, int] = (60, 40)) -> Image.Image:
    """Red on the left, green on the right."""
    image = Image.new("RGB", size, RED)
    image.paste(GREEN, (size[0] // 2, 0, size[0], size[1]))
    return image.convert(mode)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def sides(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    """The mean colors of the left and the right quarter."""
    pixels = read_picture(content, SIDE)
    assert pixels.shape == (SIDE, SIDE, 3)
    assert pixels.dtype == np.uint8
    return pixels[:, : SIDE // 4].mean(axis=(0, 1)), pixels[:, -SIDE // 4 :].mean(axis=(0, 1))


@pytest.mark.parametrize(
    "content",
    [
        saved(halves(), "JPEG", quality=95),
        saved(halves(), "JPEG", quality=95, progressive=True),
        saved(halves("CMYK"), "JPEG", quality=95),
        saved(halves(), "PNG"),
        saved(halves("P"), "PNG"),
        saved(halves("RGBA"), "PNG"),
        saved(halves(), "WEBP", lossless=True),
        saved(halves("P"), "GIF"),
        saved(halves("P"), "GIF", save_all=True, append_images=[Image.new("P", (60, 40))]),
        saved(halves(size=(2_000, 1_500)), "JPEG", quality=95),
    ],
    ids=["jpeg", "progressive", "cmyk", "png", "palette", "rgba", "webp", "gif", "animated", "large"],
)
def test_colors_are_read_from_every_format(content: bytes) -> None:
    left, right = sides(content)
    assert np.abs(left - RED).max() < 30
    assert np.abs(right - GREEN).max() < 30


def test_a_cameras_orientation_is_applied() -> None:
    turned = halves().transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    left, right = sides(saved(turned, "JPEG", quality=95, exif=exif))
    assert np.abs(left - RED).max() < 30
    assert np.abs(right - GREEN).max() < 30


def test_what_is_transparent_is_white() -> None:
    image = halves("RGBA")
    image.paste((0, 0, 0, 0), (30, 0, 60, 40))
    assert np.abs(sides(saved(image, "PNG"))[1] - 255).max() < 5


@pytest.mark.parametrize("bits", [12, 16])
def test_sixteen_bits_are_not_black(bits: int) -> None:
    ramp = np.tile(np.linspace(0, 2**bits - 1, 64).astype(np.uint16), (64, 1))
    left, right = sides(saved(Image.fromarray(ramp), "PNG"))
    assert left.max() < 70
    assert right.min() > 185


@pytest.mark.parametrize(("mode", "kind"), [("L", "JPEG"), ("1", "PNG"), ("LA", "PNG"), ("L", "PNG")])
def test_gray_is_read_as_colors(mode: str, kind: str) -> None:
    image = Image.new("L", (50, 50), 0)
    image.paste(255, (25, 0, 50, 50))
    left, right = sides(saved(image.convert(mode), kind))
    assert left.max() < 30
    assert right.min() > 225


@pytest.mark.parametrize("size", [(1, 1), (1, 3_000), (3_000, 1)])
def test_the_smallest_and_the_thinnest_are_read(size: tuple[int, int]) -> None:
    assert read_picture(saved(Image.new("RGB", size, RED), "PNG"), SIDE).shape == (SIDE, SIDE, 3)


def png_of_size(width: int, height: int) -> bytes:
    """A PNG that says it is as large, in a few bytes."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("width", "height"), [(MOST_PIXELS + 1, 1), (100_000, 100_000), (2**31 - 1, 2**31 - 1)]
)
def test_a_decompression_bomb_is_refused_before_it_is_unpacked(width: int, height: int) -> None:
    with pytest.raises(PictureError, match="pixels"):
        read_picture(png_of_size(width, height), SIDE)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"no image", "no image that can be read"),
        (b"%PDF-1.4", "no image that can be read"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no image that can be read"),
        (saved(halves(size=(400, 400)), "JPEG")[:900], "damaged"),
        (saved(halves(size=(400, 400)), "PNG")[:200], "damaged"),
        (png_of_size(10, 10), "damaged"),
        (saved(halves(), "TIFF"), "no image that can be read"),
    ],
)
def test_what_is_no_image_is_told_with_the_reason(content: bytes, reason: str) -> None:
    with pytest.raises(PictureError, match=reason):
        read_picture(content, SIDE)
