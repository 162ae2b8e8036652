"""What `labelloop label-file` says before it reads anything, or anybody labels."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from labelloop.cli.label_file import label_file
from labelloop.local import container_libraries
from labelloop.local.application import Application

ROOT = Path(__file__).parents[2]

app = typer.Typer()
app.command()(label_file)


def run(folder: Path, *options: str) -> Result:
    texts = folder / "texts.csv"
    texts.write_text("title,kind\n" + "".join(f"text {n},{'ab'[n % 2]}\n" for n in range(30)))
    command = [str(texts), "--text-column", "title", "--label-column", "kind", "--out", str(folder / "out")]
    return CliRunner().invoke(app, [*command, "--people", "simulated", *options], env={"COLUMNS": "200"})


def test_a_model_that_cannot_train_here_is_told_before_the_file_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(container_libraries, "find_spec", lambda _name: None)
    refused = run(tmp_path)
    assert refused.exit_code == 2
    assert "pip install 'labelloop[local,model]'" in refused.stderr
    assert not refused.stdout
    assert not (tmp_path / "out").exists()


def test_who_has_no_sentence_encoder_is_told_where_the_model_would_use_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise typer.Exit

    monkeypatch.setattr("labelloop.cli.label_file.execute", stopped)
    monkeypatch.setattr(Application, "has_encoder", False)
    own = str(ROOT / "tests/local/stand_in_container")
    assert "fetch-encoder" in run(tmp_path).stdout
    assert "fetch-encoder" not in run(tmp_path, "--model-container", own).stdout
    monkeypatch.setattr(Application, "has_encoder", True)
    assert "fetch-encoder" not in run(tmp_path).stdout
