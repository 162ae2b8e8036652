"""The containers as Lambda functions: what an event says, and where its model comes from."""

from __future__ import annotations

import json
import shutil
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classifier.failures import UserError
from classifier.invocations import JSON_LINES, Classifier, answer


class EventError(UserError):
    """Raised when the event does not name the model and the texts, or the model does not exist."""


@dataclass(frozen=True)
class Tried:
    """What a container's function is tried with."""

    field: str
    """The event's field with the contents: `Texts`."""
    most: int
    """How many contents an event may have."""
    example: str
    """One of them, in JSON."""

    @property
    def event(self) -> str:
        """An event that can be used."""
        return f'{{"ModelS3Uri": "s3://bucket/.../model.tar.gz", "{self.field}": [{self.example}]}}'


def answered(event: dict[str, Any], tried: Tried, load: Callable[[Path], Classifier]) -> dict[str, Any]:
    """Classify contents with a model artifact: {"ModelS3Uri": URI of a model.tar.gz, "Texts": [text, ...]}.

    Instead of ModelS3Uri, ModelFolder may name an unpacked model in the container. TopK says how many classes
    an answer has; the default is all. Returns {"Predictions": [{"label": [...], "prob": [...]}, ...]} in the
    order of the contents, the best class first. Raises EventError, or what `load` raises.
    """
    contents = _checked_contents(event, tried)
    classifier = load(_model_folder(event, tried))
    attribute = classifier.contract.content_attribute
    body = "\n".join(json.dumps({attribute: content}) for content in contents).encode()
    lines = answer(body, JSON_LINES, classifier, event.get("TopK")).splitlines()
    return {"Predictions": [_without_embedding(json.loads(line)) for line in lines]}


def _checked_contents(event: dict[str, Any], tried: Tried) -> list[str]:
    name = tried.field
    unknown = sorted(set(event) - {"ModelS3Uri", "ModelFolder", name, "TopK"})
    if unknown:
        raise EventError(
            f"The event has unknown fields, {', '.join(unknown)}: it must look like {tried.event}."
        )
    contents = event.get(name)
    if not isinstance(contents, list) or not contents or not all(isinstance(one, str) for one in contents):
        raise EventError(f"{name} must be a list of strings: the event must look like {tried.event}.")
    if len(contents) > tried.most:
        raise EventError(
            f"{name} holds {len(contents)} {name.lower()}, more than {tried.most}: use a transform job."
        )
    top = event.get("TopK")
    if top is not None and (type(top) is not int or top < 1):
        raise EventError(f"TopK must be a whole number from 1 on, not {top!r:.80}.")
    return contents


def _model_folder(event: dict[str, Any], tried: Tried) -> Path:
    uri, folder = event.get("ModelS3Uri"), event.get("ModelFolder")
    if (uri is None) == (folder is None):
        raise EventError(f"The event must name one of ModelS3Uri and ModelFolder: {tried.event}.")
    if folder is not None:
        return Path(folder)
    bucket, _, key = str(uri).removeprefix("s3://").partition("/")
    if not str(uri).startswith("s3://") or not bucket or not key:
        raise EventError(f"ModelS3Uri must look like s3://bucket/key of a model.tar.gz, not {uri!r:.200}.")
    return _fetch(bucket, key)


def _fetch(bucket: str, key: str) -> Path:
    """Unpack a model artifact into its own folder, named after the artifact's version."""
    import boto3
    from botocore.exceptions import ClientError

    s3 = boto3.client("s3")
    try:
        found = s3.get_object(Bucket=bucket, Key=key)
    except ClientError as error:
        raise EventError(f"The model s3://{bucket}/{key} cannot be read: {error}") from error
    version = found["ETag"].strip('"')
    folder = Path(tempfile.gettempdir()) / f"model-{version}"
    if folder.is_dir():
        return folder
    with tempfile.TemporaryDirectory(dir=folder.parent) as unpacked:
        try:
            with tarfile.open(fileobj=found["Body"], mode="r|gz") as archive:
                archive.extractall(unpacked, filter="data")
        except tarfile.TarError as error:
            raise EventError(f"s3://{bucket}/{key} is not a model.tar.gz: {error}") from error
        shutil.copytree(unpacked, folder)
    return folder


def _without_embedding(prediction: dict[str, Any]) -> dict[str, Any]:
    """The prediction without the embedding, which means nothing to a person."""
    return {key: value for key, value in prediction.items() if key != "embedding"}
