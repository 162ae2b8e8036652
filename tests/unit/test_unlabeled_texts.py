"""Preparing texts that have no labels, or only some of them: the main use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from labelloop.cli.prepare import prepare
from labelloop.preparation import KeptRows

app = typer.Typer()
app.command()(prepare)
CLASSES = ("--classes", "business,health")


def table(folder: Path, labels: list[str] | None) -> Path:
    path = folder / "texts.csv"
    header = "id,title,category\n" if labels is not None else "id,title\n"
    rows = [f"n{n},text {n}" + (f",{labels[n]}" if labels is not None else "") for n in range(20)]
    path.write_text(header + "\n".join(rows) + "\n")
    return path


def run(path: Path, *options: str) -> Result:
    out = path.parent / "out"
    command = [str(path), "--text-column", "title", "--out", str(out), *options]
    return CliRunner().invoke(app, command, env={"COLUMNS": "200"})


def lines(path: Path) -> list[dict[str, Any]]:
    manifest = path.parent / "out/s3/labelloop-local/input/input.manifest"
    return [json.loads(line) for line in manifest.read_bytes().splitlines()]


def labeled(path: Path) -> list[int]:
    return [number for number, line in enumerate(lines(path)) if set(line) != {"source"}]


def test_texts_without_a_label_column_are_prepared_for_the_workbench(tmp_path: Path) -> None:
    path = table(tmp_path, None)
    result = run(path, *CLASSES)
    assert result.exit_code == 0, result.output
    assert lines(path) == [{"source": f"text {n}"} for n in range(20)]
    assert json.loads((tmp_path / "out/request.json").read_bytes())["LabelAttributeName"] == "label"
    assert "Prepared 20 of 20 rows, without labels." in result.stdout
    assert "--people workbench" in result.stdout
    assert "Note" not in result.stdout
    assert not {"simulated", "truth"} & set(result.stdout.split())


def test_without_labels_the_classes_must_be_given(tmp_path: Path) -> None:
    result = run(table(tmp_path, None))
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: Say which classes there are: --classes A,B,C.")
    assert not (tmp_path / "out").exists()


def test_what_is_wrong_with_the_file_is_told_before_what_it_lacks(tmp_path: Path) -> None:
    path = table(tmp_path, None)
    assert "nowhere.csv" in run(tmp_path / "nowhere.csv").stderr
    wrong = run(path, "--text-column", "Title")
    assert "has no column 'Title'" in wrong.stderr
    assert "'title'" in wrong.stderr


def test_an_empty_label_column_is_like_none(tmp_path: Path) -> None:
    path = table(tmp_path, [""] * 20)
    refused = run(path, "--label-column", "category")
    assert refused.exit_code == 2
    assert "No row has a label, so say which classes there are: --classes A,B,C." in refused.stderr
    result = run(path, "--label-column", "category", *CLASSES)
    assert result.exit_code == 0, result.output
    assert labeled(path) == []
    assert "--people workbench" in result.stdout


def test_labels_that_are_known_are_used_and_the_rest_is_asked(tmp_path: Path) -> None:
    path = table(tmp_path, ["business", "health", "", ""] * 5)
    result = run(path, "--label-column", "category")
    assert result.exit_code == 0, result.output
    assert labeled(path) == [n for n in range(20) if n % 4 < 2]
    assert "10 of them (50.0%) with their label in the manifest" in result.stdout
    assert "--people workbench" in result.stdout


def test_a_file_that_knows_every_label_tries_a_run_out_with_none_of_them(tmp_path: Path) -> None:
    path = table(tmp_path, ["business", "health"] * 10)
    result = run(path, "--label-column", "category")
    assert labeled(path) == []
    assert "--people simulated --truth" in result.stdout


def test_a_share_of_the_labels_is_shown_on_demand(tmp_path: Path) -> None:
    path = table(tmp_path, ["business", "health"] * 10)
    run(path, "--label-column", "category", "--labeled-share", "0.2")
    assert len(labeled(path)) == 4


def test_all_columns_are_kept_with_their_ids(tmp_path: Path) -> None:
    path = table(tmp_path, None)
    result = run(path, *CLASSES, "--id-column", "id", "--sample", "5")
    assert result.exit_code == 0, result.output
    assert str(tmp_path / "out/rows.csv") in result.stdout
    with KeptRows.open(tmp_path / "out") as kept:
        assert kept.columns == ("id", "title")
        rows = list(kept)
    assert [row.fields[1] for row in rows] == [line["source"] for line in lines(path)]
    assert all(row.key == row.fields[0] == f"n{row.row - 1}" for row in rows)


def test_ids_that_are_missing_or_repeated_are_named_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "texts.csv"
    path.write_text("id,title\na,one\n,two\nb,three\na,four\n ,five\n")
    result = run(path, *CLASSES, "--id-column", "id")
    assert result.exit_code == 2
    assert "lines 3, 6: it is empty" in result.stderr
    assert "lines 2, 5: 'a'" in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", ["--text-column", "--id-column"])
def test_a_column_that_is_not_there_is_named_with_those_that_are(tmp_path: Path, option: str) -> None:
    result = run(table(tmp_path, None), *CLASSES, option, "nmae")
    assert result.exit_code == 2
    assert "has no column 'nmae'" in result.stderr
    assert "Its columns are: 'id', 'title'." in result.stderr
