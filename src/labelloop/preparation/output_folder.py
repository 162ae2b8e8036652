"""The files that preparation writes, and how it protects those already there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from labelloop.preparation.errors import OutputFolderError
from labelloop.preparation.kept_rows import KEPT_ROWS_FILE
from labelloop.preparation.request import CLASS_LABELS_KEY, MANIFEST_KEY, worker_template_key

S3_ROOT = "s3"
REQUEST_FILE = "request.json"
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class OutputFolder:
    """The folder everything goes into. Nothing is ever deleted from it."""

    folder: Path
    bucket: str
    images: bool = False

    @property
    def s3_root(self) -> Path:
        return self.folder / S3_ROOT

    @property
    def manifest(self) -> Path:
        return self.s3_root / self.bucket / MANIFEST_KEY

    @property
    def class_labels(self) -> Path:
        return self.s3_root / self.bucket / CLASS_LABELS_KEY

    @property
    def worker_template(self) -> Path:
        return self.s3_root / self.bucket / worker_template_key(images=self.images)

    @property
    def truth(self) -> Path:
        return self.folder / "truth.csv"

    @property
    def kept_rows(self) -> Path:
        return self.folder / KEPT_ROWS_FILE

    @property
    def report(self) -> Path:
        return self.folder / "prepare_report.json"

    @property
    def request(self) -> Path:
        return self.folder / REQUEST_FILE

    def refuse_if_used(self, *, overwrite: bool) -> None:
        """Refuse a folder that holds files, unless `overwrite`. Raises OutputFolderError."""
        try:
            held = sorted(entry.name for entry in self.folder.iterdir())
        except FileNotFoundError:
            return
        except NotADirectoryError as error:
            raise OutputFolderError(f"{self.folder} is not a folder, and the output needs one.") from error
        except OSError as error:
            raise OutputFolderError(f"{self.folder} cannot be read: {error.strerror}.") from error
        if held and not overwrite:
            more = f" and {len(held) - _SHOWN} more" if len(held) > _SHOWN else ""
            raise OutputFolderError(
                f"{self.folder} already holds {', '.join(held[:_SHOWN])}{more}. Choose another folder, or "
                "use --overwrite: it replaces what prepare writes and leaves the rest alone."
            )

    def refuse_input(self, source: Path) -> None:
        """Refuse to overwrite a file that is being read. Raises OutputFolderError."""
        written = (
            self.manifest,
            self.class_labels,
            self.worker_template,
            self.truth,
            self.kept_rows,
            self.report,
            self.request,
        )
        for path in written:
            if path.exists() and path.samefile(source):
                raise OutputFolderError(f"{source} would be overwritten. Choose another output folder.")


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Write a file next to `path` and move it there once it is complete. Raises OutputFolderError."""
    partial = path.with_name(f"{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with partial.open("wb") as file:
                yield file
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise OutputFolderError(f"{path} cannot be written: {error.strerror}.") from error
