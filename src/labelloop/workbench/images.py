"""Images for browsers, by URLs that expire soon."""

import functools
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import boto3
from botocore.config import Config
from fastapi import APIRouter, Response

from labelloop.core.errors import StorageError
from labelloop.core.image_types import SHOWN, media_type_of
from labelloop.storage import s3
from labelloop.workbench.errors import NotAllowedError, NotFoundError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

URL_SECONDS = 900
# An SVG opened by itself could run scripts.
_IMAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


def presigned_url(source_ref: str) -> str:
    """S3's own signed URL, made without a request to S3."""
    bucket, key = s3.split_uri(source_ref)
    return _signing_client(dotted="." in bucket).generate_presigned_url(
        "get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=URL_SECONDS
    )


def image_source(bucket: str) -> str:
    """What a page's policy must allow, to load images of a bucket by `presigned_url`."""
    host: str = presigned_url(f"s3://{bucket}/x").split("/")[2]
    origin = f"https://{host}"
    return origin if host.startswith(f"{bucket}.") else f"{origin}/{bucket}/"


@functools.cache
def _signing_client(*, dotted: bool) -> "S3Client":
    """Signs by version 4, which every region and every encryption key takes, for the region's own address.

    The global address would redirect browsers, for a new bucket outside us-east-1, to a host that the page's
    policy does not allow. A bucket's name stands in the host, unless it has a dot: no certificate covers
    that.
    """
    return boto3.client(
        "s3",
        config=Config(
            signature_version="s3v4",
            s3={
                "addressing_style": "path" if dotted else "virtual",
                "us_east_1_regional_endpoint": "regional",
            },
        ),
    )


class SignedImages:
    """Serves images under URLs signed with a key that lives as long as the process."""

    def __init__(
        self, read: Callable[[str], bytes] | None = None, *, clock: Callable[[], float] = time.time
    ) -> None:
        """`read` returns the content of a `source-ref`; by default it reads the local S3."""
        self._read = read or s3.read_bytes
        self._key = secrets.token_bytes(32)
        self._clock = clock
        self.router = APIRouter()
        self.router.add_api_route("/image", self.serve)

    def url(self, source_ref: str) -> str:
        until = int(self._clock()) + URL_SECONDS
        return "/image?" + urlencode(
            {"ref": source_ref, "until": until, "signature": self._sign(source_ref, until)}
        )

    def serve(self, ref: str, until: int, signature: str) -> Response:
        """Raises NotAllowedError for a URL that is expired or not ours, NotFoundError for a missing image."""
        if (
            not hmac.compare_digest(signature.encode(), self._sign(ref, until).encode())
            or until < self._clock()
        ):
            raise NotAllowedError("this image's address is no longer valid: load the page again")
        media_type = media_type_of(ref)
        try:
            content = self._read(ref)
        except (StorageError, OSError) as error:
            raise NotFoundError(f"the image cannot be shown: {error}") from error
        return Response(
            content,
            media_type=media_type if media_type in SHOWN else "application/octet-stream",
            headers={
                "Content-Security-Policy": _IMAGE_POLICY,
                "Cache-Control": "private, max-age=600",
                # A worker template shows it in a frame with another origin. The signature protects it.
                "Cross-Origin-Resource-Policy": "cross-origin",
            },
        )

    def _sign(self, source_ref: str, until: int) -> str:
        return hmac.new(self._key, f"{until}\n{source_ref}".encode(), hashlib.sha256).hexdigest()
