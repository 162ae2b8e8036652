"""From texts that nobody labeled to a certified file: a model asked over HTTP, a kill, people who check."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from labelloop.cli.main import app
from labelloop.label_audit import forecast
from labelloop.preparation.demo_headlines import demo_headlines

from .stand_in import Chat, StandIn

pytestmark = pytest.mark.slow

ROWS = 300
ENVIRONMENT = {**os.environ, "OPENAI_API_KEY": ""}


@pytest.fixture(scope="module")
def headlines() -> dict[str, str]:
    truth: dict[str, str] = {}
    for row in demo_headlines(2 * ROWS):
        if len(truth) < ROWS:
            truth.setdefault(row.text, row.label)
    return truth


@pytest.fixture
def table(headlines: dict[str, str], tmp_path: Path) -> Path:
    path = tmp_path / "headlines.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "title", "truth"])
        writer.writerows([number, text, label] for number, (text, label) in enumerate(headlines.items()))
    return path


@pytest.fixture
def server(headlines: dict[str, str]) -> Iterator[StandIn]:
    with StandIn(headlines, skill=0.85).serving() as stand_in:
        yield stand_in


def command(table: Path, server: StandIn, classes: list[str]) -> list[str]:
    return [
        *(sys.executable, "-m", "labelloop", "ask-model", str(table), "--text-column", "title"),
        *("--classes", ",".join(classes), "--model", "tiny", "--server", server.url),
        *("--out", str(table.parent / "asked.csv")),
    ]


def test_asked_killed_asked_again_audited_and_certified(
    table: Path, server: StandIn, headlines: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    classes = sorted(set(headlines.values()))
    asks = command(table, server, classes)
    gate = threading.Event()

    def closed_after_a_third(chat: Chat) -> None:
        if chat.number >= ROWS // 3:
            gate.wait(60)

    server.switch = closed_after_a_third
    killed = subprocess.Popen(asks, env=ENVIRONMENT, stdout=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while len(server.chats) <= ROWS // 3:
        assert time.monotonic() < until
        time.sleep(0.005)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    gate.set()
    assert len(server.chats) <= ROWS // 3 + 4
    server.switch = lambda chat: None
    asked = CliRunner().invoke(app, asks[3:], env=ENVIRONMENT)
    assert f"tiny labeled {ROWS} of {ROWS} rows." in asked.output
    assert len(server.chats) - len({chat.raw for chat in server.chats}) <= 4, "what was under way at the kill"

    audit = [
        *("audit", str(table.parent / "asked.csv"), "--text-column", "title", "--classes", ",".join(classes)),
        *("--label-column", "tiny", "--confidence-column", "tiny_confidence"),
        *("--people", "simulated", "--truth-column", "truth", "--seed", "1", "--target-error", "0.1"),
        *("--out", str(table.parent / "checked")),
    ]
    monkeypatch.setattr(forecast, "_MOST_AUDITS", 2)
    audited = CliRunner().invoke(app, audit)
    assert audited.exit_code == 0, audited.output
    report = json.loads((table.parent / "checked/report.json").read_text())
    assert report["certificate"]["DatasetErrorBound"] <= 0.1
    assert report["final_error"] <= 0.1
    assert report["human_share"] < 0.9


def test_ctrl_c_ends_it_soon_and_keeps_what_was_answered(
    table: Path, server: StandIn, headlines: dict[str, str]
) -> None:
    def slowly(chat: Chat) -> None:
        time.sleep(0.2 if chat.number >= 20 else 0)

    server.switch = slowly
    process = subprocess.Popen(
        command(table, server, sorted(set(headlines.values()))),
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    until = time.monotonic() + 60
    while len(server.chats) < 20:
        assert time.monotonic() < until
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    told, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Stopped. Every answer is kept: the same command goes on." in told
    assert "Traceback" not in told
    with (table.parent / "asked.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == ROWS
    assert 16 <= sum(row["tiny"] != "" for row in rows) <= len(server.chats) < ROWS
