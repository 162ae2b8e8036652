"""`labelloop local-aws` tells `make invoke` where it answers, and serves what the sample events speak of."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from labelloop.cli.sample_run import prepare_sample

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_endpoint_is_told_while_it_answers_and_no_longer(tmp_path: Path) -> None:
    prepare_sample(tmp_path)
    (tmp_path / "sample-events.json").write_bytes(b'{"LabelInWorkbench": %s}' % event("label_in_workbench"))
    endpoint = tmp_path / "endpoint"
    endpoint.write_text("http://127.0.0.1:1\n")  # of one that was killed
    command = [sys.executable, "-m", "labelloop.cli.main", "local-aws", "--host", "127.0.0.1", "--port", "0"]
    with subprocess.Popen([*command, "--out", str(tmp_path)], env=dict(os.environ), cwd=ROOT) as process:
        try:
            until = time.monotonic() + 300
            while not endpoint.exists() or endpoint.read_text().endswith(":1\n"):
                assert process.poll() is None
                assert time.monotonic() < until
                time.sleep(0.1)
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(300) == 0
    assert not endpoint.exists()


@pytest.mark.slow
@pytest.mark.skipif(not (ROOT / ".encoder").is_dir(), reason="made with the encoder: make encoder fetches it")
def test_the_sample_events_are_of_the_sample_run_as_it_is_now(tmp_path: Path) -> None:
    """Else `make invoke-all` asks for objects that are not there: `make events` writes them anew."""
    command = [sys.executable, "-m", "labelloop.cli.main", "local-aws", "--out", str(tmp_path)]
    subprocess.run([*command, "--events", str(tmp_path / "events")], cwd=ROOT, check=True)
    made = {path.name: shape(path) for path in (tmp_path / "events").iterdir()}
    assert made == {path.name: shape(path) for path in (ROOT / "events").iterdir()}


def shape(path: Path) -> Any:
    """An event without its figures, which are the model's and of the machine it was trained on."""
    return without_figures(json.loads(path.read_bytes()))


def without_figures(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_figures(below) for key, below in value.items()}
    if isinstance(value, list):
        return [without_figures(below) for below in value]
    return 0 if isinstance(value, int | float) else value


def event(step: str) -> bytes:
    return (ROOT / f"events/{step}.json").read_bytes()
