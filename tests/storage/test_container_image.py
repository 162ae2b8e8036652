"""Where a run's model image comes from: the request, the stack's parameter, or the deployed stack."""

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from labelloop.core.errors import StorageError
from labelloop.steps import prepare_manifest
from labelloop.storage import s3
from labelloop.storage.container_image import image_uri_of_function

ROOT = Path(__file__).parents[2]
DIGEST = f"111122223333.dkr.ecr.us-east-1.amazonaws.com/stack/model@sha256:{'a' * 64}"


@pytest.fixture
def code(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The `Code` of the one function that Lambda knows, `stack-ModelContainer`."""
    known: dict[str, Any] = {"ImageUri": "model:latest", "ResolvedImageUri": DIGEST}

    class Lambda:
        def get_function(self, **asked: str) -> dict[str, Any]:
            if asked["FunctionName"] != "stack-ModelContainer":
                error: Any = {"Error": {"Code": "ResourceNotFoundException", "Message": "Function not found"}}
                raise ClientError(error, "GetFunction")
            return {"Code": known}

    monkeypatch.setattr(boto3, "client", lambda service: {"lambda": Lambda()}[service])
    return known


def test_the_image_is_named_by_its_digest(code: dict[str, Any]) -> None:
    assert image_uri_of_function("stack-ModelContainer") == DIGEST


def test_a_function_that_is_not_there_is_named(code: dict[str, Any]) -> None:
    with pytest.raises(StorageError, match=r"function Nobody cannot be found: .*Function not found"):
        image_uri_of_function("Nobody")


def test_a_function_without_an_image_asks_for_one_in_the_request(code: dict[str, Any]) -> None:
    code.clear()
    with pytest.raises(StorageError, match=r"ActiveLearning\.Model\.ImageUri"):
        image_uri_of_function("stack-ModelContainer")


@pytest.mark.parametrize(
    ("named_by_request", "named_by_stack", "image"),
    [
        ("of-the-request:1", "of-the-stack:1", "of-the-request:1"),
        (None, "of-the-stack:1", "of-the-stack:1"),
        (None, "", DIGEST),
    ],
)
def test_a_run_takes_the_requests_image_then_the_stacks_parameter_then_the_built_one(
    code: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    named_by_request: str | None,
    named_by_stack: str,
    image: str,
) -> None:
    event = json.loads((ROOT / "events/prepare_manifest.json").read_text())
    if named_by_request is not None:
        event["Request"]["ActiveLearning"]["Model"] = {"ImageUri": named_by_request}
    written: dict[str, Any] = {}
    monkeypatch.setattr(s3, "exists", lambda uri: uri.endswith("truth.csv"))
    monkeypatch.setattr(s3, "read_bytes", lambda _uri: b'{"labels": [{"label": "a"}, {"label": "b"}]}')
    monkeypatch.setattr(s3, "read_lines", lambda _uri: iter([b'{"source": "x"}', b'{"source": "y"}']))
    monkeypatch.setattr(s3, "write_lines", lambda _uri, lines: len(list(lines)))
    monkeypatch.setattr(s3, "write_bytes", lambda _uri, _content: None)
    monkeypatch.setattr(s3, "write_json", written.__setitem__)
    monkeypatch.setenv("MODEL_IMAGE_URI", named_by_stack)
    monkeypatch.setenv("MODEL_FUNCTION_NAME", "stack-ModelContainer")
    state = prepare_manifest.prepare_manifest(prepare_manifest.PrepareEvent.model_validate(event))
    assert state["ImageUri"] == image
    # An image that is not the stack's own may stop early by a holdout: SplitLabels looks here.
    own = state["Request"]["ActiveLearning"]["Model"].get("ImageUri")
    assert own == (None if image == DIGEST else image)
