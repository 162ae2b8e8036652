"""Plain files in S3's place, so that a step's own work is measured and not a stand-in's for AWS."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from labelloop.core.errors import StorageError


class Files:
    """What the steps use of `labelloop.storage.s3`, on a folder: s3://bucket/key is DIR/bucket/key."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, uri: str) -> Path:
        return self._folder / uri.removeprefix("s3://")

    def read_bytes(self, uri: str) -> bytes:
        if not self.exists(uri):
            raise StorageError(f"{uri}: there is no such object")
        return self.path(uri).read_bytes()

    def read_json(self, uri: str) -> Any:
        return json.loads(self.read_bytes(uri))

    def write_bytes(self, uri: str, content: bytes) -> None:
        self.path(uri).parent.mkdir(parents=True, exist_ok=True)
        self.path(uri).write_bytes(content)

    def write_json(self, uri: str, content: Any) -> None:
        self.write_bytes(uri, json.dumps(content, indent=2, ensure_ascii=False).encode())

    def mark_intermediate(self, uri: str) -> None:
        """Files have no tags."""

    def exists(self, uri: str) -> bool:
        return self.path(uri).is_file()

    def list_uris(self, prefix_uri: str) -> list[str]:
        prefix = prefix_uri.removeprefix("s3://")
        folder = (self._folder / prefix).parent if not prefix.endswith("/") else self._folder / prefix
        names = (path.relative_to(self._folder).as_posix() for path in folder.rglob("*") if path.is_file())
        return [f"s3://{name}" for name in sorted(names) if name.startswith(prefix)]

    def read_lines(self, uri: str) -> Iterator[bytes]:
        with self.path(uri).open("rb") as stream:
            for line in stream:
                yield line.removesuffix(b"\n")

    def write_lines(self, uri: str, lines: Iterable[bytes]) -> int:
        self.path(uri).parent.mkdir(parents=True, exist_ok=True)
        count = 0
        with self.path(uri).open("wb") as stream:
            for line in lines:
                stream.write(line)
                stream.write(b"\n")
                count += 1
        return count

    def take_the_place_of_s3(self) -> None:
        """For the rest of this process."""
        from labelloop.storage import s3

        names = ("read_bytes", "read_json", "write_bytes", "write_json", "mark_intermediate", "exists")
        for name in (*names, "list_uris", "read_lines", "write_lines"):
            setattr(s3, name, getattr(self, name))
