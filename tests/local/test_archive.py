import io
import os
import tarfile
from pathlib import Path

import pytest

from labelloop.local.archive import ArchiveError, pack, unpack


def test_files_come_out_as_they_went_in(tmp_path: Path) -> None:
    (tmp_path / "model/deep").mkdir(parents=True)
    (tmp_path / "model/deep/weights").write_bytes(b"\x00" * 1000)
    (tmp_path / "model/ä").write_text("text")
    pack(tmp_path / "model", tmp_path / "model.tar.gz")
    unpack(tmp_path / "model.tar.gz", tmp_path / "out")
    assert (tmp_path / "out/deep/weights").read_bytes() == b"\x00" * 1000
    assert (tmp_path / "out/ä").read_text() == "text"


def test_the_same_files_give_the_same_bytes_whenever_and_by_whom_written(tmp_path: Path) -> None:
    for name, names in (("one", ["a", "b"]), ("two", ["b", "a"])):
        (tmp_path / name).mkdir()
        for file in names:
            (tmp_path / name / file).write_text(file)
            os.utime(tmp_path / name / file, (len(name + file + names[0]) * 1000, 7 if name == "one" else 8))
        (tmp_path / name / "a").chmod(0o600 if name == "one" else 0o640)
        pack(tmp_path / name, tmp_path / f"{name}.tar.gz")
    assert (tmp_path / "one.tar.gz").read_bytes() == (tmp_path / "two.tar.gz").read_bytes()


@pytest.mark.parametrize("name", ["../escaped", "/absolute", "a/../../escaped"])
def test_a_member_that_leads_out_is_refused_or_kept_inside(tmp_path: Path, name: str) -> None:
    archive = tmp_path / "evil.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        member = tarfile.TarInfo(name)
        member.size = 1
        tar.addfile(member, io.BytesIO(b"x"))
    (tmp_path / "out").mkdir()
    if name.startswith("/"):
        unpack(archive, tmp_path / "out")
        assert (tmp_path / "out/absolute").is_file()
    else:
        with pytest.raises(ArchiveError, match=r"evil\.tar\.gz cannot be unpacked"):
            unpack(archive, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["evil.tar.gz", "out"]


@pytest.mark.parametrize("content", [b"", b"no archive", b"\x1f\x8b broken"])
def test_what_is_no_archive_is_one_clear_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.tar.gz").write_bytes(content)
    with pytest.raises(ArchiveError, match=r"x\.tar\.gz cannot be unpacked"):
        unpack(tmp_path / "x.tar.gz", tmp_path / "out")
