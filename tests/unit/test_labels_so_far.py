"""What is exported before a run, of a run's snapshots, and of a manifest that was fetched from AWS."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from labelloop.cli.check import check
from labelloop.cli.export import export
from labelloop.cli.run_folder import RunFolder, RunRecord
from labelloop.core.manifest.label_categories import LabelCategories
from labelloop.core.manifest.lines import LabelAttribute
from labelloop.preparation import PreparationOptions, TableFormat, prepare_files
from labelloop.results import read_labels
from labelloop.work_folder.kept_settings import LABEL_SETTINGS

app = typer.Typer(rich_markup_mode=None)
app.command()(export)
CONTENT = "id,text,kind\n1,one,b\n2,,\n3,three,\n4,four,e\n"


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    path = tmp_path / "texts.csv"
    path.write_text(CONTENT)
    options = PreparationOptions(label_attribute="kind", skip_bad_rows=True)
    prepare_files([path], TableFormat("text", "kind"), tmp_path / "out", options)
    return tmp_path / "out"


def exported(*arguments: object) -> str:
    ran = CliRunner().invoke(app, list(map(str, arguments)))
    assert ran.exit_code == 0, ran.output
    return " ".join(ran.output.split())


def refused(*arguments: object) -> str:
    ran = CliRunner().invoke(app, list(map(str, arguments)))
    assert ran.exit_code == 2
    return " ".join(ran.output.split())


def rows_of(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))


def test_before_a_run_the_labels_are_those_of_the_file(prepared: Path) -> None:
    assert "2 of 3 rows have a label" in exported(prepared)
    assert rows_of(prepared / "labels.csv") == [
        ["id", "text", "kind", "label", "labeled_by", "confidence", "round"],
        ["1", "one", "b", "b", "given", "1.0", "0"],
        ["3", "three", "", "", "", "", ""],
        ["4", "four", "e", "e", "given", "1.0", "0"],
    ]


def test_labels_of_a_run_in_python_are_not_replaced_by_those_of_the_frame(prepared: Path) -> None:
    (prepared / LABEL_SETTINGS).write_text("{}")
    (prepared / "labels.csv").write_text("its labels")
    assert "its labels.csv has the labels so far" in refused(prepared)
    assert (prepared / "labels.csv").read_text() == "its labels"


def test_an_output_manifest_tells_rounds_by_its_jobs_names(prepared: Path, tmp_path: Path) -> None:
    lines = next(prepared.rglob("input.manifest")).read_bytes().splitlines()
    record = json.loads(lines[1])
    record["kind"] = "1"
    record["kind-metadata"] = {
        "confidence": 0.87,
        "human-annotated": "no",
        "job-name": "labeling-job/news-1a-r012-p3-1",
    }
    lines[1] = json.dumps(record).encode()
    fetched = tmp_path / "output.manifest"
    fetched.write_bytes(b"\n".join(lines) + b"\n")
    exported(prepared, "--manifest", fetched, "--out", tmp_path / "labels.csv")
    assert rows_of(tmp_path / "labels.csv")[2] == ["3", "three", "", "e", "model", "0.87", "12"]


def test_columns_with_our_names_keep_them_and_ours_get_others(tmp_path: Path) -> None:
    path = tmp_path / "texts.csv"
    path.write_text("text,label,labelloop_round\none,b,x\ntwo,e,y\n")
    options = PreparationOptions(label_attribute="label")
    prepare_files([path], TableFormat("text", "label"), tmp_path / "out", options)
    exported(tmp_path / "out")
    assert rows_of(tmp_path / "out/labels.csv")[0] == [
        "text",
        "label",
        "labelloop_round",
        "labelloop_labelloop_label",
        "labelloop_labelloop_labeled_by",
        "labelloop_labelloop_confidence",
        "labelloop_labelloop_round",
    ]


def test_a_manifest_of_other_rows_is_refused_and_the_earlier_file_stays(
    prepared: Path, tmp_path: Path
) -> None:
    exported(prepared)
    before = (prepared / "labels.csv").read_bytes()
    lines = next(prepared.rglob("input.manifest")).read_bytes().splitlines(keepends=True)
    other = tmp_path / "other.manifest"
    other.write_bytes(b"".join(lines[:2]))
    assert "it has only 2 lines" in refused(prepared, "--manifest", other)
    other.write_bytes(b"".join([*lines, lines[0]]))
    assert "more lines than there are rows" in refused(prepared, "--manifest", other)
    other.write_bytes(b"".join([*lines[:2], b"[\n"]))
    assert "line 3 of the manifest is not JSON" in refused(prepared, "--manifest", other)
    assert (prepared / "labels.csv").read_bytes() == before
    assert not list(prepared.glob("*.partial"))


def test_what_is_missing_or_unknown_is_said(prepared: Path, tmp_path: Path) -> None:
    assert "there is no rows.csv" in refused(tmp_path)
    assert "there is no run in" in refused(prepared, "--run", tmp_path / "nowhere")
    assert ".csv, .jsonl, .parquet" in refused(prepared, "--out", tmp_path / "labels.xlsx")


def test_a_run_that_goes_on_is_not_checked_yet(prepared: Path, tmp_path: Path) -> None:
    checked = typer.Typer(rich_markup_mode=None)
    checked.command()(check)

    def told(folder: Path) -> str:
        ran = CliRunner().invoke(checked, [str(folder)])
        assert ran.exit_code == 2
        return " ".join(ran.output.split())

    assert "there is no run in" in told(tmp_path)
    request = json.loads((prepared / "request.json").read_bytes())
    RunFolder(prepared / "run").out.mkdir()
    RunFolder(prepared / "run").save(RunRecord(request, str(prepared / "s3"), executions=["one"]))
    assert "has not ended, and may still change labels" in told(prepared)


def test_who_looked_again_has_the_last_word() -> None:
    attribute, categories = LabelAttribute("label"), LabelCategories(("b", "e"))
    line = b'{"source": "x", "label": 0, "label-metadata": {"human-annotated": "no", "confidence": 0.6}}'
    again = {"label": 1, "label-metadata": {"human-annotated": "yes", "confidence": 0.95}}
    rounds = np.array([3, 4], np.uint16)
    kept, changed = read_labels([line, line], attribute, categories, rounds, {1: again})
    assert kept == ("b", "model", 0.6, 3)
    assert changed == ("e", "checked", 0.95, 4)


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        ("labelloop", 0),
        ("labeling-job/labelloop", 0),
        ("labeling-job/news-1a2b-r004", 4),
        ("labeling-job/news-1a2b-r1004-2", 1004),
        ("labeling-job/news-1a2b-r004-p2", 4),
        ("labeling-job/news-r004-of-mine", 0),
    ],
)
def test_the_round_in_a_jobs_name(job: str, expected: int) -> None:
    line = json.dumps(
        {"source": "x", "label": 0, "label-metadata": {"human-annotated": "yes", "job-name": job}}
    ).encode()
    (found,) = read_labels([line], LabelAttribute("label"), LabelCategories(("b", "e")))
    assert (found.round, found.labeled_by) == (expected, "people" if expected else "given")
    assert found.confidence is None
