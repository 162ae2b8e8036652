"""Every single answer and comment as a file: who said what about which object, when, in how long."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import orjson

from labelloop.reporting.text import no_formula
from labelloop.workbench.store import TaskStore
from labelloop.workbench.tasks import Batch, Comment, Correction, Decision, Entry, Task, iso

Format = Literal["csv", "jsonl"]
Said = Entry | Decision | Correction | Comment
# Why people were asked, in the words of the documentation.
ASKED_FOR = {"label": "label", "gold": "gold", "relabel": "review"}
COLUMNS = (
    *("run", "round", "batch", "object_id", "asked_for"),
    *("person", "person_id", "kind", "class", "reason", "time", "seconds", "comment", "guidelines"),
)


def exported(store: TaskStore, form: Format, batch_id: str | None = None) -> Iterator[bytes]:
    """The lines of a file with all answers, skips and comments, or with those of one batch, the oldest first.

    They come without the line feeds at their ends.
    """
    rows = _rows(store, batch_id)
    return _csv_lines(rows) if form == "csv" else map(orjson.dumps, rows)


def _rows(store: TaskStore, batch_id: str | None) -> Iterator[dict[str, Any]]:
    named = store.batch(batch_id) if batch_id else None
    batches = store.batches() if not batch_id else [named] if named else []
    names = store.people()
    for batch in batches:
        corrections = _corrections(store, batch)
        for task in store.tasks(batch.id):
            for person, said, changes in _said(task, corrections.get(task.id)):
                yield _row(batch, task, names.get(person, person), person, said) | changes


def _said(task: Task, corrected: Correction | None) -> Iterator[tuple[str, Said, dict[str, str]]]:
    """Who said what, and what a row says differently of it."""
    for person, entry in sorted(task.entries.items(), key=lambda item: item[1].at):
        if entry.kind != "lease":
            yield person, entry, {}
    for gone in task.discarded:
        yield gone.person, gone.entry, {"kind": "discarded"}
    if task.decided:
        yield task.decided.by, task.decided, {}
    if corrected:
        yield corrected.by, corrected, {}
    for comment in task.comments:
        yield comment.by, comment, {}


def _corrections(store: TaskStore, batch: Batch) -> dict[str, Correction]:
    """By task id."""
    if batch.state != "closed":
        return {}
    found = store.corrections(batch.lineage)
    return {one.task_id: one for one in found if one.batch_id == batch.id and not one.is_withdrawn}


def _row(batch: Batch, task: Task, name: str, person: str, said: Said) -> dict[str, Any]:
    return {
        "run": batch.run,
        "round": batch.round,
        "batch": batch.id,
        "object_id": task.object_id,
        "asked_for": ASKED_FOR[task.purpose],
        "person": name,
        "person_id": person,
        "kind": _kind(said),
        "class": None if isinstance(said, Comment) or said.label is None else batch.classes[said.label],
        "reason": said.reason if isinstance(said, Entry) else None,
        "time": iso(said.at),
        "seconds": round(said.seconds, 1) if isinstance(said, Entry) and said.seconds is not None else None,
        "comment": said.text if isinstance(said, Comment) else None,
        "guidelines": said.guidelines if isinstance(said, Entry) else None,
    }


def _kind(said: Said) -> str:
    if isinstance(said, Entry):
        return said.kind
    if isinstance(said, Decision):
        return "decision"
    if isinstance(said, Correction):
        return "asks others" if said.asks_others else "correction"
    return "flag" if said.to is None else "reply"


def _csv_lines(rows: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    """For spreadsheets: with a byte order mark, and nothing that one would run."""
    yield b"\xef\xbb\xbf" + _csv_line(COLUMNS)
    for row in rows:
        yield _csv_line([no_formula(cell) if isinstance(cell, str) else cell for cell in row.values()])


def _csv_line(cells: Sequence[object]) -> bytes:
    line = io.StringIO(newline="")
    # With its own line ends, so that the writer quotes both characters of these within a cell.
    csv.writer(line).writerow(cells)
    return line.getvalue().removesuffix("\r\n").encode(errors="replace")
