"""Commands that are told to a person work when they are copied."""

import sys
from pathlib import Path

import pytest

from labelloop.cli.own_command import own_command


def _program(folder: Path) -> Path:
    folder.mkdir(parents=True)
    program = folder / "labelloop"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return program


def test_on_the_path_it_is_called_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = _program(tmp_path / "bin")
    monkeypatch.setenv("PATH", str(program.parent))
    monkeypatch.setattr(sys, "argv", [str(program)])
    assert own_command() == "labelloop"


def test_in_an_environment_that_is_not_active_it_is_called_by_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, program = _program(tmp_path / "bin"), _program(tmp_path / "here/.venv/bin")
    monkeypatch.setenv("PATH", str(other.parent))
    monkeypatch.chdir(tmp_path / "here")
    for started in (str(program), ".venv/bin/labelloop"):
        monkeypatch.setattr(sys, "argv", [started])
        assert own_command() == ".venv/bin/labelloop"
    (tmp_path / "with space").mkdir()
    monkeypatch.chdir(tmp_path / "with space")
    monkeypatch.setattr(sys, "argv", [str(program)])
    assert own_command() == str(program)


def test_as_a_module_python_is_named_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["/somewhere/labelloop/__main__.py"])
    assert own_command() == f"{sys.executable} -m labelloop"


def test_within_another_program_it_is_called_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    for other in ("/usr/bin/pytest", "/lib/pytest/__main__.py"):
        monkeypatch.setattr(sys, "argv", [other])
        assert own_command() == "labelloop"
