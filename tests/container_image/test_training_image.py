"""`docker run IMAGE train`: what SageMaker's training contract asks, of the built image."""

import subprocess
from collections.abc import Callable

import pytest

from tests.container.conftest import Job
from tests.container_image.conftest import NOBODY, Start, mounts, records

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.xdist_group("model image")]

Ran = subprocess.CompletedProcess[str]
MakeJob = Callable[..., Job]
Train = Callable[..., Ran]


def test_a_training_leaves_a_model_and_no_failure(trained: tuple[Job, Ran]) -> None:
    job, ran = trained
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert (job.model / "contract.json").is_file()
    assert not (job.root / "output/failure").exists()
    assert "Sentence encoder: SHA-256 53aa51172d14" in ran.stdout, "baked in: there is no network"


def test_an_empty_validation_channel_is_no_failure(trained: tuple[Job, Ran]) -> None:
    _, ran = trained
    assert "Channel 'validation': 0 examples." in ran.stdout
    assert "validation:accuracy" not in ran.stdout


def test_anybody_may_train_who_may_write_the_output(new_job: MakeJob, train: Train) -> None:
    job = new_job().add_channel("train", records(30)).add_channel("validation", records(30))
    for folder in (job.model, job.root / "output"):
        folder.mkdir()
        folder.chmod(0o777)
    ran = train(job, "--user", NOBODY)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "validation:accuracy=1.0000" in ran.stdout
    assert (job.model / "contract.json").is_file()


def test_who_may_not_write_the_output_is_told_so_before_training(new_job: MakeJob, train: Train) -> None:
    ran = train(new_job().add_channel("train", records(30)), "--user", NOBODY)
    assert ran.returncode == 1
    assert ran.stderr == (
        "The user that runs the container (id 12345) may not write to /opt/ml/model: allow it, or run the "
        "container as root, as SageMaker does.\n"
    )


def test_a_missing_channel_fails_with_the_reason_in_the_failure_file(new_job: MakeJob, train: Train) -> None:
    job = new_job().add_channel("validation", records(3))
    ran = train(job)
    assert ran.returncode == 1
    assert job.failure.startswith("The channel 'train' is missing or empty: give the job a channel")


@pytest.mark.parametrize(
    ("name", "value"), [("num_classes", "three"), ("epochs", "1.5"), ("prune_label_errors", "yes")]
)
def test_a_hyperparameter_of_the_wrong_type_is_named(
    new_job: MakeJob, train: Train, name: str, value: str
) -> None:
    job = new_job(**{name: value}).add_channel("train", records(30))
    ran = train(job)
    assert ran.returncode == 1
    assert f"'{name}' must be" in job.failure
    assert f"not '{value}'" in job.failure


def test_stopped_in_the_middle_it_ends_in_time_and_the_next_goes_on(
    new_job: MakeJob, train: Train, start: Start
) -> None:
    job = new_job(epochs=300).add_channel("train", records(90))
    (job.root / "checkpoints").mkdir()
    container = start("train", "--network", "none", *mounts(job.root))
    container.await_line("epoch 20 of 300")
    code, seconds = container.stop(120)
    assert code == 0, "the model so far is kept"
    assert seconds < 60
    assert (job.model / "contract.json").is_file()
    assert (job.root / "checkpoints/cross-validation-dense.safetensors").is_file()
    ran = train(job)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Continuing from the checkpoint cross-validation-dense.safetensors" in ran.stdout
    assert "(epoch 20 of 300)" not in ran.stdout.split("train:loss")[0]
    assert "train:loss" in ran.stdout, "and trains to its end"
