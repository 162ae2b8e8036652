"""An interrupted training goes on from its checkpoints, and ends with the model it would have ended with."""

import logging
import time
from pathlib import Path

import numpy as np
import pytest
from classifier.checkpoints import Checkpoint, Checkpoints, identity_of

from tests.container.conftest import Job, MakeJob, load_classifier
from tests.container.test_training_stops import RECORDS, stop_when_it_says


class Variable:
    """As much of a Keras variable as is kept."""

    def __init__(self, *values: float) -> None:
        self._array = np.array(values, np.float32)

    def numpy(self) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
        return self._array

    def assign(self, array: np.ndarray[tuple[int], np.dtype[np.float32]]) -> None:
        self._array = array


def test_what_is_kept_is_restored(tmp_path: Path) -> None:
    Checkpoints(tmp_path, "a").in_phase("train").of("dense").keep([Variable(1, 2), Variable(3)], 7)
    variables = [Variable(0, 0), Variable(0)]
    assert Checkpoints(tmp_path, "a").in_phase("train").of("dense").restore(variables) == 7
    assert [variable.numpy().tolist() for variable in variables] == [[1, 2], [3]]


@pytest.mark.parametrize("spoil", ["another training", "damaged", "other shapes"])
def test_a_checkpoint_that_does_not_fit_changes_nothing(
    tmp_path: Path, spoil: str, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "train-dense.safetensors"
    Checkpoint(file, "another" if spoil == "another training" else "a").keep([Variable(1)], 7)
    if spoil == "damaged":
        file.write_bytes(file.read_bytes()[:-2])
    variables = [Variable(0), Variable(0)] if spoil == "other shapes" else [Variable(0)]
    with caplog.at_level(logging.INFO):
        assert Checkpoint(file, "a").restore(variables) == 0
    assert "not used" in caplog.text
    assert all(variable.numpy().tolist() == [0] for variable in variables)


def test_without_a_folder_or_leave_to_write_training_goes_on_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Checkpoints().of("dense").keep([Variable(1)], 1)
    lost = Checkpoint(tmp_path / "missing" / "file.safetensors", "a")
    with caplog.at_level(logging.INFO):
        lost.keep([Variable(1)], 1)
        lost.keep([Variable(1)], 2)
    assert caplog.text.count("continuing without one") == 1


def test_while_training_runs_the_state_is_kept_half_a_minute_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    file = tmp_path / "file.safetensors"
    checkpoint = Checkpoint(file, "a")
    kept = []
    for steps in range(1, 9):
        clock[0] += 10
        checkpoint.keep_at_times([Variable(steps)], steps)
        kept.append(Checkpoint(file, "a").restore([Variable(0)]))
    assert kept == [0, 0, 0, 4, 4, 4, 4, 8]


def test_trainings_differ_by_any_of_their_parts() -> None:
    assert identity_of({"seed": 1}, ["a", "b"]) == identity_of({"seed": 1}, ["a", "b"])
    others = [identity_of({"seed": 2}, ["a", "b"]), identity_of({"seed": 1}, ["a"], ["b"])]
    assert identity_of({"seed": 1}, ["a", "b"]) not in others


@pytest.fixture(scope="module")
def whole(make_job: MakeJob) -> Job:
    """A training nobody interrupted."""
    job = make_job(epochs=30).add_channel("train", RECORDS[:400])
    assert job.run("train").returncode == 0
    return job


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["cross-validation:loss", "train:loss"])
def test_an_interrupted_training_ends_with_the_same_model(make_job: MakeJob, whole: Job, moment: str) -> None:
    interrupted = make_job(epochs=30).add_channel("train", RECORDS[:400])
    (interrupted.root / "checkpoints").mkdir()
    assert stop_when_it_says(interrupted, moment)[0] == 0
    again = interrupted.run("train")
    assert again.returncode == 0
    assert "Continuing from the checkpoint" in again.stdout
    assert not any(
        line.startswith(f"{moment.split(':')[0]}:loss") and "(epoch 1 of" in line
        for line in again.stdout.splitlines()
    )
    assert np.array_equal(_probabilities(interrupted), _probabilities(whole))


def _probabilities(job: Job) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    texts = [str(record["source"]) for record in RECORDS[:50]]
    return load_classifier(job.model).probabilities(texts)
