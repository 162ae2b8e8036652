"""SIGTERM in training: a usable model, or a sentence that says why there is none."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from classifier.stopping import StopOrder, StopOrderedError

from tests.container.conftest import MODEL_CONTAINER, Job, MakeJob

RECORDS = [{"source": f"word{n % 50} and word{n % 7}", "category": n % 2} for n in range(1_000)]


def stop_when_it_says(job: Job, words: str, **environment: str) -> tuple[int, str]:
    """Runs `train`, sends SIGTERM at a line with these words; its exit code and what it said since."""
    process = subprocess.Popen(
        [sys.executable, "-u", MODEL_CONTAINER / "train"],
        env={**os.environ, "ML_ROOT": str(job.root), **environment},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if words in line:
            break
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=300)
    return process.returncode, said


@pytest.mark.slow
def test_stopped_before_there_is_a_model_training_fails_with_a_sentence(make_job: MakeJob) -> None:
    job = make_job().add_channel("train", RECORDS)
    assert stop_when_it_says(job, "Channel 'train'")[0] == 1
    assert job.failure.startswith("Training was stopped before its first epoch ended, so there is no model")
    assert not job.model.exists()


@pytest.mark.slow
def test_the_loading_of_tensorflow_is_not_waited_for(make_job: MakeJob, tmp_path: Path) -> None:
    # In short steps: a signal that comes just before a sleep begins does not end that sleep.
    endless = "import time\nprint('loading', flush=True)\nwhile True:\n    time.sleep(0.05)\n"
    (tmp_path / "keras.py").write_text(endless)
    job = make_job().add_channel("train", RECORDS)
    assert stop_when_it_says(job, "loading", PYTHONPATH=str(tmp_path))[0] == 1
    assert job.failure.startswith("Training was stopped before its first epoch ended, so there is no model")
    assert not job.model.exists()


def test_an_order_is_obeyed_at_once_then_only_noted(keep_sigterm: None) -> None:
    order = StopOrder()
    with pytest.raises(StopOrderedError):
        os.kill(os.getpid(), signal.SIGTERM)
    later = StopOrder()
    later.heed_later()
    os.kill(os.getpid(), signal.SIGTERM)
    assert order.given
    assert later.given


def test_an_order_that_was_swallowed_is_obeyed_when_work_begins(keep_sigterm: None) -> None:
    order = StopOrder()
    with pytest.raises(StopOrderedError):
        os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(StopOrderedError):
        order.heed_later()
