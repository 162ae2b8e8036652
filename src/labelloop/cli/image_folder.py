"""The images that a manifest names, in the folder that stands for S3."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from labelloop.cli.run_folder import local_path
from labelloop.core.errors import RequestError
from labelloop.core.image_types import SHOWN, media_type_of
from labelloop.core.manifest.lines import parse_record
from labelloop.reporting.text import counted

_PROBLEMS_LISTED = 100


@dataclass(frozen=True)
class ImageFolder:
    """Reads images below `s3_root` and nothing else. Without it, there are no images."""

    s3_root: Path | None

    def read(self, source_ref: str) -> bytes:
        """Raises FileNotFoundError."""
        path = self._path(source_ref)
        if path is None:
            raise FileNotFoundError(f"no file for {source_ref}")
        return path.read_bytes()

    def require_shown(self, lines: Iterator[bytes]) -> None:
        """Raises RequestError, which lists the images in a manifest's lines that cannot be shown."""
        source_refs = (parse_record(line).get("source-ref") for line in lines)
        problems = [
            problem
            for source_ref in source_refs
            if source_ref is not None and (problem := self._problem(source_ref))
        ]
        if problems:
            more = len(problems) - _PROBLEMS_LISTED
            raise RequestError(
                f"{counted(len(problems), 'image')} cannot be shown; fix or remove the lines:\n"
                + "\n".join(problems[:_PROBLEMS_LISTED])
                + (f"\n... and {more:,} more" if more > 0 else "")
            )

    def _problem(self, source_ref: str) -> str | None:
        if self.s3_root is None:
            raise RequestError(f"{source_ref} is an image: set --s3-root to the folder that stands for S3")
        path = self._path(source_ref)
        if path is None:
            return f"there is no file for {source_ref} in {self.s3_root}"
        if path.stat().st_size == 0:
            return f"the file for {source_ref} is empty"
        media_type = media_type_of(source_ref)
        if media_type is not None and media_type not in SHOWN:
            return f"{source_ref} is {media_type}, but browsers show {', '.join(SHOWN)}"
        return None

    def _path(self, source_ref: str) -> Path | None:
        if self.s3_root is None:
            return None
        root = self.s3_root.resolve()
        try:
            path = local_path(root, source_ref).resolve()
            return path if path.is_relative_to(root) and path.is_file() else None
        except (OSError, ValueError):
            return None  # S3 allows keys that cannot be file names.
