"""What the user can get wrong ends the program `train` with code 1 and a sentence in output/failure."""

import json
import re
from collections.abc import Callable

import pytest
from classifier import training as of_all_kinds
from text_classifier import training

from tests.container.conftest import Job, MakeJob

# Each test starts a program.
pytestmark = pytest.mark.slow

Refused = Callable[[Job], str]
GOOD = {"source": "a text", "category": 0}


def refused(job: Job) -> str:
    """Runs `train`, which must refuse, and returns its sentence."""
    ended = job.run("train")
    assert ended.stderr.startswith(sentence_of(job, ended.returncode).removesuffix("…"))
    return job.failure


def sentence_of(job: Job, code: int) -> str:
    """What the user is told by a training that ended with this code."""
    assert code == 1
    sentence = job.failure
    assert "\n" not in sentence, "a user's error carries no traceback"
    assert len(sentence) <= 1024
    assert not job.model.exists()
    return sentence


@pytest.fixture
def refused_here(
    monkeypatch: pytest.MonkeyPatch, keep_sigterm: None, capsys: pytest.CaptureFixture[str]
) -> Refused:
    """Like `refused`, in this process: what starting a program adds is the same for every sentence."""

    def refused(job: Job) -> str:
        monkeypatch.setenv("ML_ROOT", str(job.root))
        sentence = sentence_of(job, training.main())
        assert capsys.readouterr().err.startswith(sentence.removesuffix("…"))
        return sentence

    return refused


def test_a_missing_hyperparameter_is_named(make_job: MakeJob) -> None:
    job = make_job().add_channel("train", [GOOD])
    (job.root / "input/config/hyperparameters.json").write_text("{}")
    assert refused(job) == (
        "Hyperparameters: 'label_attribute' is missing and has no default; "
        "'num_classes' is missing and has no default."
    )


def test_a_wrong_and_an_unknown_hyperparameter_are_named(make_job: MakeJob) -> None:
    sentence = refused(make_job(epochs="ten", depth=3).add_channel("train", [GOOD]))
    assert "'depth' is unknown" in sentence
    assert "'epochs' must be a whole number from 1 to 1000, not 'ten'" in sentence


def test_a_sentence_is_cut_to_what_sagemaker_shows(make_job: MakeJob) -> None:
    many = {f"unknown_{number}": "x" for number in range(100)}
    assert len(refused(make_job(**many).add_channel("train", [GOOD]))) == 1024


def test_a_missing_train_channel_is_asked_for(make_job: MakeJob, refused_here: Refused) -> None:
    sentence = refused_here(make_job().add_channel("validation", [GOOD]))
    assert sentence.startswith("The channel 'train' is missing or empty: give the job a channel of that name")
    assert sentence.endswith("It has: 'validation'.")


def test_more_than_one_instance_is_refused_for_each_would_train_the_same(
    make_job: MakeJob, refused_here: Refused
) -> None:
    job = make_job().add_channel("train", [GOOD])
    resources = {"current_host": "algo-2", "hosts": ["algo-1", "algo-2"]}
    (job.root / "input/config/resourceconfig.json").write_text(json.dumps(resources))
    sentence = "The job has 2 instances, but this container trains on one: set InstanceCount to 1."
    assert refused_here(job) == sentence


@pytest.mark.parametrize("lines", [[], ["", "  "], ["broken"], [{"category": 0}], [{"source": "a"}]])
def test_a_train_channel_without_a_usable_record_is_refused(
    make_job: MakeJob, refused_here: Refused, lines: list[str]
) -> None:
    sentence = refused_here(make_job().add_channel("train", lines))
    assert sentence.startswith("The channel 'train' has no usable record: ")
    assert sentence.endswith("Each line needs a text under 'source' and a label under 'category'.")


def test_a_train_channel_without_a_word_is_refused(make_job: MakeJob, refused_here: Refused) -> None:
    assert "has a word or symbol" in refused_here(
        make_job().add_channel("train", [{**GOOD, "source": "\u200b"}])
    )


@pytest.mark.parametrize("channel", ["train", "validation"])
@pytest.mark.parametrize("label", [2, "-1", 1.0, True, "tech"])
def test_a_label_out_of_range_or_of_another_type_is_refused_with_its_place(
    make_job: MakeJob, refused_here: Refused, channel: str, label: object
) -> None:
    job = make_job().add_channel("train", [GOOD])
    job.add_channel(channel, [GOOD, {**GOOD, "category": label}])
    assert re.match(r"In line 2 of part-0\.manifest the label under 'category' is ", refused_here(job))


@pytest.mark.parametrize("channel", ["train", "validation", "pool"])
@pytest.mark.parametrize(
    ("prior", "reason"),
    [
        ({"gpt": 2}, "the prior label under 'gpt' is 2, but with num_classes = 2 it must be from 0 to 1"),
        ({"gpt": "agrees"}, "the prior label under 'gpt' is 'agrees', but a label is a class index"),
        (
            {"gpt": 0, "gpt-metadata": {"confidence": "high"}},
            "the confidence in 'gpt-metadata' is 'high', but it must be a number from 0 to 1",
        ),
        ({"gpt": 0, "gpt-metadata": {"confidence": 87}}, "the confidence in 'gpt-metadata' is 87, but"),
    ],
)
def test_a_prior_label_that_cannot_be_read_is_refused_with_its_place(
    make_job: MakeJob, refused_here: Refused, channel: str, prior: dict[str, object], reason: str
) -> None:
    job = make_job(prior_labels='["gpt"]').add_channel("train", [GOOD])
    job.add_channel(channel, [GOOD, {**GOOD, **prior}])
    assert refused_here(job).startswith(f"In line 2 of part-0.manifest {reason}")


def test_a_channel_in_pipe_mode_is_refused(make_job: MakeJob, refused_here: Refused) -> None:
    assert "Pipe mode" in refused_here(make_job().add_channel("train", [GOOD], mode="Pipe"))


def test_an_unexpected_error_is_told_with_its_traceback(
    make_job: MakeJob, monkeypatch: pytest.MonkeyPatch, keep_sigterm: None
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("out of luck")

    job = make_job().add_channel("train", [GOOD])
    monkeypatch.setenv("ML_ROOT", str(job.root))
    monkeypatch.setattr(of_all_kinds, "read_examples", fail)
    assert training.main() == 1
    sentence, _, detail = job.failure.partition("\n\n")
    assert sentence == "Training failed unexpectedly (RuntimeError: out of luck)."
    assert detail.startswith("Traceback (most recent call last)")
