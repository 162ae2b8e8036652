"""`train` as a program: the same seed gives the same model, and one that is stopped is kept."""

import pytest

from tests.container.conftest import MakeJob, load_classifier
from tests.container.test_training_stops import RECORDS, stop_when_it_says

pytestmark = pytest.mark.slow


def test_the_same_seed_trains_the_same_model_in_another_process(make_job: MakeJob) -> None:
    texts = [str(record["source"]) for record in RECORDS[:50]]

    def trained(seed: int) -> list[list[float]]:
        job = make_job(seed=seed, epochs=2).add_channel("train", RECORDS[:200])
        assert job.run("train").returncode == 0
        probabilities: list[list[float]] = load_classifier(job.model).probabilities(texts).tolist()
        return probabilities

    first = trained(1)
    assert first == trained(1)
    assert first != trained(2)


def test_stopped_after_an_epoch_the_model_so_far_is_kept(make_job: MakeJob) -> None:
    job = make_job(epochs=1000).add_channel("train", RECORDS)
    code, said = stop_when_it_says(job, "epoch 2 of")
    assert code == 0
    assert "epoch 100 of" not in said
    assert load_classifier(job.model).probabilities(["word1"]).shape == (1, 2)


def test_stopped_in_the_last_training_the_calibrated_nets_of_the_cross_validation_are_kept(
    make_job: MakeJob,
) -> None:
    job = make_job(epochs=50).add_channel("train", RECORDS)
    assert stop_when_it_says(job, "train:loss")[0] == 0
    model = load_classifier(job.model)
    assert model.contract.temperature != 1
    assert model.probabilities(["word0", "word1"]).argmax(axis=1).tolist() == [0, 1]
    assert len((job.root / "output/data/out_of_fold.jsonl").read_bytes().splitlines()) == len(RECORDS)
