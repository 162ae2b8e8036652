"""The container of images as a Lambda function: images by their URIs, and an error in place of what is
broken.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from classifier.lambda_events import EventError
from image_classifier import lambda_handler
from image_classifier.lambda_handler import handler

MODEL = {"ModelFolder": "/opt/ml/model"}


class KnowsAddresses:
    """A classifier that answers with the address it was given, and cannot read what ends in .gif."""

    contract = SimpleNamespace(content_attribute="source-ref", kind="image", prior_labels=(), num_classes=2)

    def predict(self, contents: Sequence[str], priors: Any) -> Any:
        def lines(wanted: Sequence[int | None]) -> Iterator[bytes]:
            for address in contents:
                answer = (
                    {"error": "broken"} if address.endswith(".gif") else {"label": [address], "prob": [1]}
                )
                yield json.dumps(answer).encode()

        return SimpleNamespace(lines=lines)


@pytest.fixture(autouse=True)
def _model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lambda_handler, "_load", lambda folder: KnowsAddresses())


def test_images_are_answered_in_order() -> None:
    answer = handler({**MODEL, "Images": ["s3://b/a.jpg", "s3://b/b.gif"]}, None)
    assert answer == {"Predictions": [{"label": ["s3://b/a.jpg"], "prob": [1]}, {"error": "broken"}]}


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({**MODEL}, 'Images must be a list of strings: .*"Images": ."s3://bucket/image.jpg"'),
        ({**MODEL, "Texts": ["a"]}, "unknown fields, Texts"),
        ({**MODEL, "Images": ["s3://b/a.jpg"] * 101}, "101 images, more than 100: use a transform job"),
    ],
)
def test_an_event_that_cannot_be_used_is_refused_with_the_reason(event: dict[str, Any], reason: str) -> None:
    with pytest.raises(EventError, match=reason):
        handler(event, None)


def test_the_folder_of_the_model_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[Path] = []

    def load(folder: Path) -> KnowsAddresses:
        loaded.append(folder)
        return KnowsAddresses()

    monkeypatch.setattr(lambda_handler, "_load", load)
    handler({**MODEL, "Images": ["s3://b/a.jpg"]}, None)
    assert loaded == [Path("/opt/ml/model")]
