"""What an image is: by its name, or by how its content begins."""

import mimetypes

SHOWN = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "image/avif", "image/svg+xml")
_BEGINNINGS = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}


def media_type_of(source_ref: str) -> str | None:
    """What the name says that an image is; None where it says nothing."""
    return mimetypes.guess_type(source_ref)[0]


def media_type_by_content(content: bytes) -> str | None:
    """PNG, JPEG, GIF or WebP, by the first 12 bytes; None for anything else."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for begin, kind in _BEGINNINGS.items() if content.startswith(begin)), None)
