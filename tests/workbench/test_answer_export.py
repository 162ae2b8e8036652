"""Every single answer as CSV and JSON Lines, from both stores."""

import csv
import io

import orjson

from labelloop.workbench.answer_export import COLUMNS, exported
from labelloop.workbench.opening import Asked

from .conftest import Desk
from .test_answer_search import answer_all


def test_every_answer_and_skip_is_a_row(desk: Desk) -> None:
    desk.open(["a", "b"], people_per_object=2)
    answer_all(desk, "ann", 1, None)
    desk.open(["c"], batch_id="batch-2", round=2, extra=[Asked(0, "g", None, "gold", 1)])
    rows = [orjson.loads(line) for line in exported(desk.store, "jsonl")]
    assert all(tuple(row) == COLUMNS for row in rows)
    assert sorted((row["object_id"], row["kind"], row["class"], row["reason"]) for row in rows) == [
        (0, "answer", "metal", None),
        (1, "skip", None, "=too blurred"),
    ]
    [answer] = [row for row in rows if row["kind"] == "answer"]
    assert answer["run"] == "run-1"
    assert (answer["round"], answer["batch"], answer["asked_for"]) == (1, "batch-1", "label")
    assert (answer["person"], answer["seconds"]) == ("ann", 1.5)
    assert COLUMNS[-1] == "guidelines"
    assert answer["guidelines"] is None, "as an earlier release has stored it"
    assert answer["time"].startswith("2023-11-14T22:13:20")
    assert answer["time"].endswith("+00:00")
    assert list(exported(desk.store, "jsonl", "batch-2")) == []
    assert list(exported(desk.store, "jsonl", "no batch")) == []


def test_a_spreadsheet_runs_nothing_of_it(desk: Desk) -> None:
    desk.open(["a", "b"], classes=('@class\rof\ntwo, "lines"', "b"))
    answer_all(desk, "=cmd|' /C calc'!A0", 0, None)
    text = b"\n".join(exported(desk.store, "csv")).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(rows) == 2
    for row in rows:
        assert row["person"] == row["person_id"] == "'=cmd|' /C calc'!A0"
    assert {row["class"] for row in rows} == {'\'@class\rof\ntwo, "lines"', ""}
    assert {row["reason"] for row in rows} == {"'=too blurred", ""}


def test_it_is_written_while_it_is_read(desk: Desk) -> None:
    desk.open(["a"])
    lines = exported(desk.store, "csv")
    assert next(lines).decode("utf-8-sig").split(",")[0] == "run"
