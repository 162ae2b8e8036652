"""Manifests on this machine's disk, where a URI is a path."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from labelloop.workbench.errors import UnavailableError


class LocalFiles:
    """The counterpart of `labelloop.storage.s3` for local files."""

    def read_lines(self, uri: str) -> Iterator[bytes]:
        with Path(uri).open("rb") as file:
            for line in file:
                yield line.removesuffix(b"\n")

    def write_lines(self, uri: str, lines: Iterable[bytes]) -> int:
        """Write the file completely or not at all, even if the process is killed."""
        path = Path(uri)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{path.name}.partial")
        written = 0
        try:
            with partial.open("wb") as file:
                for line in lines:
                    file.write(line + b"\n")
                    written += 1
            partial.replace(path)
        except OSError as error:
            raise UnavailableError(f"{path} cannot be written: {error.strerror or error}") from error
        finally:
            partial.unlink(missing_ok=True)
        return written
