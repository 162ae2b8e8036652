"""What an image is, by its name."""

import mimetypes

SHOWN = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "image/avif", "image/svg+xml")


def media_type_of(source_ref: str) -> str | None:
    """What the name says that an image is; None where it says nothing."""
    return mimetypes.guess_type(source_ref)[0]
