"""The file of the labels to look at."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from labelloop.core.records import Example, Report
from labelloop.reporting.check_list import COLUMNS, MOST_AUTO_LABELS, doubtful_objects, write_check_list
from labelloop.reporting.page import render_report
from tests.reporting.conftest import MadeUpRun


def line_of(text: str, name: str, confidence: float, *, human: bool, **more: Any) -> bytes:
    metadata = {
        "class-name": name,
        "confidence": confidence,
        "human-annotated": "yes" if human else "no",
    }
    return json.dumps({"source": text, "kind": 0, "kind-metadata": metadata, **more}).encode()


@pytest.fixture
def report() -> Report:
    """One whose model contradicts people on line 2."""
    report = MadeUpRun().report()
    assert report.evidence
    doubted = Example(
        line=2, model=1, confidence=0.99, margin=0.98, round=1, people=0, outcome="human", source="b"
    )
    examples = report.evidence.examples.model_copy(update={"likely_label_errors": (doubted,)})
    evidence = report.evidence.model_copy(update={"examples": examples})
    return report.model_copy(update={"classes": ("cat", "dog"), "evidence": evidence})


def test_first_come_labels_by_people_that_a_model_doubts_then_its_own_least_sure_ones(report: Report) -> None:
    manifest = [
        line_of("a", "cat", 0.9, human=False),
        line_of("b", "cat", 1.0, human=True),
        line_of("c", "dog", 0.6, human=False),
        line_of("d", "dog", 1.0, human=True),
        json.dumps({"source": "failed", "kind-metadata": {"human-annotated": "no"}}).encode(),
        json.dumps({"source-ref": "s3://a/b", **json.loads(line_of("", "cat", 0.7, human=False))}).encode(),
    ]
    found = doubtful_objects(report, manifest, "kind")
    assert [(each.line, each.label, each.labeled_by, each.model) for each in found] == [
        (2, "cat", "people", "dog"),
        (3, "dog", "the model", "dog"),
        (6, "cat", "the model", "cat"),
        (1, "cat", "the model", "cat"),
    ]
    assert [each.confidence for each in found] == [0.99, 0.6, 0.7, 0.9]


def test_of_many_the_least_sure_are_kept_in_the_order_of_the_lines(report: Report) -> None:
    manifest = [line_of("x", "cat", 0.5 + number % 7 / 20, human=False) for number in range(900)]
    lines = [each.line for each in doubtful_objects(report, manifest, "kind") if each.labeled_by != "people"]
    assert (
        lines == [number + 1 for number in range(900) if number % 7 == 0 and number != 1][:MOST_AUTO_LABELS]
    )


def test_the_file_opens_in_a_spreadsheet_and_runs_nothing_there(report: Report, tmp_path: Path) -> None:
    manifest = [
        line_of('=cmd|"x"', "cat", 0.5, human=False),
        line_of("zwölf, «x»\nb", "cat", 1.0, human=True),
    ]
    path = tmp_path / "check.csv"
    write_check_list(path, doubtful_objects(report, manifest, "kind"))
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open(encoding="utf-8-sig", newline="") as file:
        heading, *rows = csv.reader(file)
    assert heading == list(COLUMNS)
    assert [row[:2] for row in rows] == [["2", "zwölf, «x»\nb"], ["1", '\'=cmd|"x"']]
    assert all(row[-1] for row in rows)


def test_the_page_names_the_file_only_where_there_is_one(report: Report) -> None:
    assert "check.csv, beside this page, lists 120 of them" in render_report(report, "check.csv", 120)
    assert "beside this page" not in render_report(report)
