"""The images a manifest names, in the folder that stands for S3."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from labelloop.cli.local_run import local_path
from labelloop.core.errors import RequestError
from labelloop.core.manifest import parse_record


@dataclass(frozen=True)
class ImageFolder:
    """Reads images from beneath `s3_root`, and nothing else; None: there are no images to be had."""

    s3_root: Path | None

    def read(self, source_ref: str) -> bytes:
        """Raises FileNotFoundError."""
        path = self._path(source_ref)
        if path is None:
            raise FileNotFoundError(f"no file for {source_ref}")
        return path.read_bytes()

    def require_shown(self, lines: Iterator[bytes]) -> None:
        """Raises RequestError for the first image that is not there."""
        for line in lines:
            source_ref = parse_record(line).get("source-ref")
            if source_ref is None or self._path(source_ref) is not None:
                continue
            if self.s3_root is None:
                raise RequestError(
                    f"{source_ref} is an image: name by --s3-root the folder that stands for S3"
                )
            raise RequestError(f"there is no file for {source_ref} in {self.s3_root}")

    def _path(self, source_ref: str) -> Path | None:
        if self.s3_root is None:
            return None
        root = self.s3_root.resolve()
        try:
            path = local_path(root, source_ref).resolve()
            return path if path.is_relative_to(root) and path.is_file() else None
        except (OSError, ValueError):
            return None  # S3 allows keys that are no file's name.
