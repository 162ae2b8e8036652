"""A benchmark of images that was stopped can go on."""

from dataclasses import asdict
from pathlib import Path

import pytest

from bench import images
from bench.images import Ended, Task
from bench.results import machine, write_json

TASKS = [Task("digits", setting, images.DEFAULT, seed) for seed in range(2) for setting in images.SETTINGS]


def runs_of(tasks: list[Task]) -> list[dict[str, object]]:
    return [asdict(task) | asdict(Ended(0.2, 0.1, 0.01, 7, 3.0)) for task in tasks]


def test_runs_that_are_finished_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "RESULTS", tmp_path)
    assert images.finished(TASKS) == []
    write_json("images", {"machine": machine(), "runs": runs_of(TASKS)}, tmp_path)
    assert images.finished(TASKS[1:3]) == runs_of(TASKS[1:3])


def test_runs_of_other_code_are_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "RESULTS", tmp_path)
    write_json("images", {"machine": machine() | {"core": "another"}, "runs": runs_of(TASKS)}, tmp_path)
    assert images.finished(TASKS) == []
