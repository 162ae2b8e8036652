"""`labelloop local-aws` tells `make invoke` where it answers, for as long as it does."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

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
            until = time.monotonic() + 120
            while not endpoint.exists() or endpoint.read_text().endswith(":1\n"):
                assert process.poll() is None
                assert time.monotonic() < until
                time.sleep(0.1)
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
    assert not endpoint.exists()


def event(step: str) -> bytes:
    return (ROOT / f"events/{step}.json").read_bytes()
