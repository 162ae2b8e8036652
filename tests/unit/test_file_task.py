"""How `label-file` spends a budget, and what makes two commands the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from labelloop.cli.file_task import FileFolder, FileTask, WhoLabels
from labelloop.core.errors import RequestError
from labelloop.preparation import PreparationOptions, TableFormat

LOOP = {"TargetError": None, "Confidence": None, "CertificateFor": None, "Model": None, "Seed": None}


def task(
    files: list[Path] | None = None,
    *,
    budget: int | None = None,
    batch_size: float | None = None,
    text_column: str = "text",
    loop: dict[str, Any] = LOOP,
    **options: Any,
) -> FileTask:
    return FileTask(
        files=files or [],
        table_format=TableFormat(text_column),
        preparation=PreparationOptions(label_attribute="label", **{"classes": ("b", "e"), **options}),
        people=WhoLabels.WORKBENCH,
        loop=loop,
        budget=budget,
        batch_size=batch_size,
    )


def test_a_batch_size_is_a_default_until_it_is_given() -> None:
    assert task(budget=3_000).active_learning()["BatchSize"] is None
    assert "at most 3,000 answers, 150 to 300 at a time" in task(budget=3_000).plan(100_000)
    assert task(budget=3_000, batch_size=0.05).active_learning()["BatchSize"] == 0.05
    assert "50 at a time" in task(batch_size=0.05).plan(1_000)


def test_what_is_labeled_ahead_takes_the_place_of_larger_batches() -> None:
    ahead = replace(task(budget=3_000), label_ahead=0.5)
    assert ahead.active_learning()["Workbench"] == {"LabelAheadShare": 0.5}
    assert "150 at a time" in ahead.plan(100_000)
    with pytest.raises(RequestError, match="--label-ahead is for people at the workbench"):
        replace(ahead, people=WhoLabels.FILE).check()


def test_a_wrong_value_is_refused_before_files_are_read() -> None:
    with pytest.raises(RequestError, match="TargetError"):
        task(loop={**LOOP, "TargetError": 1.5}).check()
    with pytest.raises(RequestError, match="BatchSize"):
        task(batch_size=-1).check()
    task(budget=5).check()


def test_the_same_command_is_one_with_the_same_settings_whatever_the_file_is_called(tmp_path: Path) -> None:
    first, renamed, other = (tmp_path / name for name in ("a.csv", "b.csv", "c.csv"))
    first.write_text("text\none\n")
    renamed.write_text("text\none\n")
    other.write_text("text\ntwo\n")
    folder = FileFolder(tmp_path / "out")
    folder.keep(task([first], class_names={"b": "bee"}), 1)
    assert folder.changed(task([renamed], class_names={"b": "bee"})) == []
    promise = {**LOOP, "TargetError": 0.1, "CertificateFor": "dataset"}
    other_task = task([first], class_names={"b": "bee"}, budget=3, loop=promise)
    assert folder.changed(other_task) == ["--target-error", "--certificate-for", "--budget"]
    for changed, named in (
        (task([other], class_names={"b": "bee"}), "FILE differs"),
        (task([first]), "--class-names differs"),
        (task([first], text_column="x", batch_size=3), "--text-column, --class-names differ"),
    ):
        with pytest.raises(RequestError, match=named):
            folder.changed(changed)


def test_a_folder_with_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(RequestError, match=r"notes\.txt, which label-file did not write"):
        FileFolder(tmp_path).refuse_other_work()
