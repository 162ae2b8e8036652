"""The container as a Lambda function: what the event may be, and where the model comes from."""

import io
import json
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from classifier.lambda_events import EventError
from moto import mock_aws
from text_classifier import lambda_handler
from text_classifier.lambda_handler import handler

MODEL = {"ModelFolder": "/opt/ml/model"}


class WhatItHolds:
    """A classifier that answers with the text it was given, and remembers the folder it was loaded from."""

    contract = SimpleNamespace(content_attribute="headline", kind="text", prior_labels=(), num_classes=2)
    folders: list[Path]

    def __init__(self) -> None:
        self.folders = []

    def load(self, folder: Path) -> "WhatItHolds":
        self.folders.append(folder)
        return self

    def predict(self, texts: Sequence[str], priors: Any) -> Any:
        def lines(wanted: Sequence[int | None]) -> Iterator[bytes]:
            for text, k in zip(texts, wanted, strict=True):
                yield json.dumps({"label": [text], "prob": [k], "embedding": [0.5]}).encode()

        return SimpleNamespace(lines=lines)


@pytest.fixture
def classifier(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> WhatItHolds:
    model = WhatItHolds()
    monkeypatch.setattr(lambda_handler, "_load", model.load)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return model


def archive(**files: str) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    return packed.getvalue()


def test_texts_are_answered_in_order_without_their_embeddings(classifier: WhatItHolds) -> None:
    answer = handler({**MODEL, "Texts": ["ä\nb", "c"], "TopK": 2}, None)
    assert answer == {"Predictions": [{"label": ["ä\nb"], "prob": [2]}, {"label": ["c"], "prob": [2]}]}
    assert classifier.folders == [Path("/opt/ml/model")]


def test_a_model_in_s3_is_unpacked_once_and_again_when_it_has_changed(classifier: WhatItHolds) -> None:
    event = {"ModelS3Uri": "s3://bucket/run/model.tar.gz", "Texts": ["a"]}
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="bucket")
        for text in ("one", "two"):
            s3.put_object(Bucket="bucket", Key="run/model.tar.gz", Body=archive(contract=text))
            handler(event, None)
            handler(event, None)
            assert (classifier.folders[-1] / "contract").read_text() == text
    first, again, changed, _ = classifier.folders
    assert first == again != changed


@pytest.mark.parametrize(
    ("key", "reason"),
    [("no-archive", "not a model.tar.gz"), ("nothing", "cannot be read"), ("escaping", "not a model.tar.gz")],
)
def test_what_is_no_model_artifact_is_named(classifier: WhatItHolds, key: str, reason: str) -> None:
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="bucket")
        s3.put_object(Bucket="bucket", Key="no-archive", Body=b"text")
        s3.put_object(Bucket="bucket", Key="escaping", Body=archive(**{"../escaped": "x"}))
        with pytest.raises(EventError, match=f"s3://bucket/{key}.*{reason}"):
            handler({"ModelS3Uri": f"s3://bucket/{key}", "Texts": ["a"]}, None)
    assert not classifier.folders


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({"Texts": ["a"]}, "one of ModelS3Uri and ModelFolder"),
        ({**MODEL, "ModelS3Uri": "s3://b/k", "Texts": ["a"]}, "one of ModelS3Uri and ModelFolder"),
        ({"ModelS3Uri": "s3://bucket", "Texts": ["a"]}, "s3://bucket/key"),
        ({**MODEL}, "Texts must be a list"),
        ({**MODEL, "Texts": []}, "Texts must be a list"),
        ({**MODEL, "Texts": ["a", 1]}, "Texts must be a list"),
        ({**MODEL, "Texts": ["a"] * 1001}, "transform job"),
        ({**MODEL, "Texts": ["a"], "TopK": 0}, "TopK"),
        ({**MODEL, "Texts": ["a"], "TopK": True}, "TopK"),
        ({**MODEL, "Text": ["a"]}, "unknown fields, Text:"),
    ],
)
def test_an_event_that_cannot_be_used_is_refused_with_the_reason(
    classifier: WhatItHolds, event: dict[str, Any], reason: str
) -> None:
    with pytest.raises(EventError, match=reason):
        handler(event, None)
    assert not classifier.folders
