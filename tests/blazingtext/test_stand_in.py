"""The stand-in keeps BlazingText's contract: its hyperparameters, its channels, its answers."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import fasttext
import pytest
from fasttext_classifier.serving import RequestRefusedError, answer

from labelloop.labelers.blazingtext import POST_HYPERPARAMETERS
from labelloop.local.pipe_channel import PipeChannel, wrap_record

CONTAINER = Path(__file__).parents[2] / "blazingtext_container"
TEXTS = [("bank and shares rise", "0"), ("film and singer on stage", "1")] * 20
RECORDS = [wrap_record(value.encode()) for pair in TEXTS for value in pair]


class Training:
    """A tree whose channels are pipes with the records of `TEXTS`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def run(self, records: list[bytes], **changes: str) -> "subprocess.CompletedProcess[str]":
        config = self.root / "input/config"
        config.mkdir(parents=True, exist_ok=True)
        hyperparameters = {**POST_HYPERPARAMETERS, "buckets": "1000", **changes}
        (config / "hyperparameters.json").write_text(json.dumps(hyperparameters))
        pipe = {"TrainingInputMode": "Pipe", "RecordWrapperType": "RecordIO"}
        (config / "inputdataconfig.json").write_text(json.dumps({"train": pipe, "validation": pipe}))
        data = self.root / "input/data"
        train = PipeChannel(data, "train", lambda: iter(records))
        validation = PipeChannel(data, "validation", lambda: iter(RECORDS[:8]))
        try:
            return subprocess.run(
                [sys.executable, CONTAINER / "train"],
                env={**os.environ, "ML_ROOT": str(self.root)},
                capture_output=True,
                text=True,
                timeout=300,
                check=False,
            )
        finally:
            train.close()
            validation.close()

    @property
    def failure(self) -> str:
        return (self.root / "output/failure").read_text()


@pytest.fixture
def training(tmp_path: Path) -> Training:
    return Training(tmp_path)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Any:
    training = Training(tmp_path_factory.mktemp("ml"))
    ran = training.run(RECORDS)
    assert ran.returncode == 0, ran.stderr
    assert "#validation_accuracy: 1.0000" in ran.stdout
    return fasttext.load_model(str(training.root / "model/model.bin"))


def test_unasked_it_tells_the_best_class_alone(model: Any) -> None:
    (line,) = answer(b'{"source": "shares rise"}\n', "application/jsonlines", model).splitlines()
    found = json.loads(line)
    assert found["label"] == ["__label__0"]
    assert 0.5 < found["prob"][0] <= 1


def test_k_asks_for_more_best_first_and_other_keys_are_ignored(model: Any) -> None:
    body = b'{"labelloop-id": 1, "source": "film", "k": 2}\n{"source": "bank\\nshares", "k": 9}\n'
    first, second = map(json.loads, answer(body, "application/jsonlines", model).splitlines())
    assert first["label"] == ["__label__1", "__label__0"]
    assert second["label"] == ["__label__0", "__label__1"]
    assert sum(first["prob"]) == pytest.approx(1, abs=1e-3)


def test_instances_are_answered_as_one_document(model: Any) -> None:
    body = b'{"instances": ["bank", "film"], "configuration": {"k": 1}}'
    assert [line["label"] for line in json.loads(answer(body, "application/json", model))] == [
        ["__label__0"],
        ["__label__1"],
    ]


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [(b"a", "text/csv", 415), (b"{", "application/jsonlines", 400), (b"{}", "application/jsonlines", 400)],
)
def test_what_cannot_be_read_fails_the_request(
    model: Any, body: bytes, content_type: str, status: int
) -> None:
    with pytest.raises(RequestRefusedError) as refused:
        answer(body, content_type, model)
    assert refused.value.status == status


def test_the_same_records_train_the_same_model(tmp_path: Path) -> None:
    models = []
    for name in ("one", "two"):
        training = Training(tmp_path / name)
        assert training.run(RECORDS).returncode == 0
        models.append((training.root / "model/model.bin").read_bytes())
    assert models[0] == models[1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_classes": "2"}, "BlazingText has no hyperparameter num_classes."),
        ({"epochs": "many"}, "The hyperparameter 'epochs' must be of type int, not 'many'."),
        ({"mode": "skipgram"}, "The hyperparameter 'mode' must be 'supervised'."),
    ],
)
def test_a_wrong_hyperparameter_is_named(training: Training, changes: dict[str, str], message: str) -> None:
    assert training.run(RECORDS, **changes).returncode == 1
    assert training.failure == message


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([b"no record"], "The stream is not RecordIO."),
        ([wrap_record(b"a text")], "The last text has no label."),
        ([], "The channel 'train' is missing or empty."),
    ],
)
def test_a_stream_that_cannot_be_used_is_told(training: Training, records: list[bytes], message: str) -> None:
    assert training.run(records).returncode == 1
    assert training.failure == message
