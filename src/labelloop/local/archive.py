"""`model.tar.gz`: the same files give the same bytes, and nothing is unpacked outside its folder."""

import gzip
import tarfile
from pathlib import Path


class ArchiveError(Exception):
    """Raised when an archive is not a `tar.gz`, or contains a member that must not be unpacked."""


def pack(folder: Path, archive: Path) -> None:
    """Packs the content of `folder`: members sorted, without times and owners."""
    with (
        archive.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in sorted(folder.rglob("*")):
            tar.add(path, arcname=path.relative_to(folder).as_posix(), recursive=False, filter=_anonymous)


def unpack(archive: Path, folder: Path) -> None:
    """Unpacks into `folder`. Refuses members and links that lead out of it, and devices."""
    try:
        with tarfile.open(archive, "r:gz") as tar:
            tar.extractall(folder, filter="data")
    except (tarfile.TarError, OSError, EOFError) as error:
        raise ArchiveError(f"{archive.name} cannot be unpacked: {error}") from error


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.mtime = 0
    member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member
