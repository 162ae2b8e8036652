"""The question that `label-file` asks on a terminal when more labels bring a certificate no nearer."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import random
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from rich.console import Console

from labelloop.cli.flat_estimate import ask_how_to_go_on
from labelloop.cli.progress import EstimateIsFlat
from labelloop.core.records import OtherPromise

from .workbench_process import Person

ROOT = Path(__file__).parents[2]
# A person as quick as this one gets batches of twice the size, and the estimate must be flat over several.
_ROWS = 800


def asked(answers: list[int | type[Exception]], *others: OtherPromise) -> tuple[str, dict[str, Any] | None]:
    settings = SimpleNamespace(certificate_for="all", target_error=0.05)
    run: Any = SimpleNamespace(loop_settings=settings, counts=SimpleNamespace(input=800))
    console = Console(record=True, width=200, file=io.StringIO())

    def prompt(*_: object, **__: object) -> int:
        answer = answers.pop(0)
        if isinstance(answer, int):
            return answer
        raise answer

    chosen = ask_how_to_go_on(console, EstimateIsFlat(700, others, run), prompt)
    assert not answers
    return console.export_text(), chosen


OTHERS = (
    OtherPromise(certificate_for="dataset", target_error=0.05, human_labels=520),
    OtherPromise(certificate_for="all", target_error=0.08, human_labels=310),
)


def test_each_choice_says_what_it_takes_and_changes_one_option() -> None:
    told, chosen = asked([1], *OTHERS)
    assert chosen == {}
    for line in (
        "1  go on as it is: about 700 of 800 labels",
        "2  --certificate-for dataset: about 520 of 800 labels",
        "3  --target-error 0.08: about 310 of 800 labels",
        "0  stop here",
    ):
        assert line in told
    assert asked([2], *OTHERS)[1] == {"CertificateFor": "dataset"}
    told, chosen = asked([3], *OTHERS)
    assert chosen == {"TargetError": 0.08}
    assert "From now on the command has --target-error 0.08." in told
    assert asked([0], *OTHERS)[1] is None
    assert asked([typer.Abort], *OTHERS)[1] is None, "Ctrl-C stops"
    assert asked([7, -1, 3], *OTHERS)[1] == {"TargetError": 0.08}, "asked again after a number out of range"


def test_where_nothing_else_would_help_it_says_so() -> None:
    own = OtherPromise(certificate_for="all", target_error=0.05, human_labels=600)
    told, chosen = asked([0], own)
    assert "No other promise that was tried would take fewer labels" in told
    assert chosen is None


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, command: list[str]) -> None:
        self.text, (self._ours, theirs) = "", pty.openpty()
        environment = {**os.environ, "TERM": "dumb", "COLUMNS": "200"}
        self.process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
        )
        os.close(theirs)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while True:
            try:
                self.text += os.read(self._ours, 4096).decode(errors="replace")
            except OSError:  # It has ended.
                return

    def until(self, pattern: str, seconds: float = 120) -> re.Match[str]:
        end = time.monotonic() + seconds
        while (found := re.search(pattern, self.text)) is None:
            assert time.monotonic() < end, self.text
            assert self.process.poll() is None, self.text
            time.sleep(0.05)
        return found

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())


@pytest.mark.slow
def test_a_run_that_learns_nothing_asks_and_goes_on_with_another_promise(tmp_path: Path) -> None:
    application = tmp_path / "application"
    application.mkdir()
    for name in ("template.yaml", "statemachine"):
        (application / name).symlink_to(ROOT / name)
    (application / "model_container").symlink_to(ROOT / "tests/local/stand_in_container")
    rng, source = random.Random(0), tmp_path / "texts.csv"
    with source.open("w", newline="") as file:
        csv.writer(file).writerows([["title"], *([f"word{rng.random()}"] for _ in range(_ROWS))])
    terminal = Terminal(
        [
            *(sys.executable, "-m", "labelloop.cli.main", "label-file", str(source)),
            *("--text-column", "title"),
            *("--classes", "a,b", "--port", "0", "--out", str(tmp_path / "out")),
            *("--application", str(application)),
        ]
    )
    stop = threading.Event()
    try:
        found = terminal.until(r"(http://127\.0\.0\.1:\d+)/enter\?key=(\S+)\s*\n")
        served: Any = SimpleNamespace(address=found[1], key=found[2])
        person = Person(served, "Ann")
        labeling = threading.Thread(target=_label_by_chance, args=(person, stop), daemon=True)
        labeling.start()
        terminal.until(r"Which \[1\]:")
        assert f"about {_ROWS} of {_ROWS} labels" in terminal.text
        terminal.type("0\n")
        assert terminal.process.wait(timeout=60) == 0, terminal.text
    finally:
        stop.set()
        terminal.process.kill()
    with (tmp_path / "out/labels.csv").open(newline="") as file:
        labeled = sum(bool(row["label"]) for row in csv.DictReader(file))
    assert 80 <= labeled < _ROWS
    record = json.loads((tmp_path / "out/run/run.json").read_bytes())
    assert not record["finished"], "the same command goes on"


def _label_by_chance(person: Person, stop: threading.Event) -> None:
    rng = random.Random(1)
    while not stop.is_set():
        try:
            tasks = person.post("/api/tasks/next", {"count": 20})["tasks"]
            for task in tasks:
                person.post(f"/api/tasks/{task['id']}/answer", {"label": rng.randrange(2)})
        except Exception:
            time.sleep(0.2)
        if not stop.is_set():
            time.sleep(0.05)
