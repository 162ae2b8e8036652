"""What an image is, by what real files contain."""

import io

import pytest
from PIL import Image

from labelloop.core.image_types import media_type_by_content


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "GIF", "WEBP"])
def test_an_image_is_known_by_its_content(image_format: str) -> None:
    file = io.BytesIO()
    Image.new("RGB", (3, 2)).save(file, image_format)
    assert media_type_by_content(file.getvalue()) == f"image/{image_format.lower()}"


@pytest.mark.parametrize(
    "content", [b"", b"GIF", b"GIF8,label\n", b"RIFF\x24\0\0\0WAVEfmt ", b"%PDF-1.7", b"title,category\n"]
)
def test_what_is_no_image_is_not_taken_for_one(content: bytes) -> None:
    assert media_type_by_content(content) is None
