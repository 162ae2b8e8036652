"""The container as a Lambda function. It classifies a few texts, to try a model or debug the container."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from text_classifier.encoder import SentenceEncoder
from text_classifier.failures import UserError
from text_classifier.invocations import JSON_LINES, answer

if TYPE_CHECKING:
    from text_classifier.classifier import TextClassifier

_FIELDS = {"ModelS3Uri", "ModelFolder", "Texts", "TopK"}
_MOST_TEXTS = 1_000
_EXAMPLE = '{"ModelS3Uri": "s3://bucket/.../model.tar.gz", "Texts": ["a text"]}'


class EventError(UserError):
    """Raised when the event does not name the model and the texts, or the model does not exist."""


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Classify texts with a model artifact: {"ModelS3Uri": URI of a model.tar.gz, "Texts": [text, ...]}.

    Instead of ModelS3Uri, ModelFolder may name an unpacked model in the container. TopK says how many classes
    an answer has; the default is all. Returns {"Predictions": [{"label": [...], "prob": [...]}, ...]} in the
    order of the texts, the best class first. Raises EventError, ContractError or EncoderError.
    """
    texts = _checked_texts(event)
    classifier = _load(_model_folder(event))
    attribute = classifier.contract.text_attribute
    body = "\n".join(json.dumps({attribute: text}) for text in texts).encode()
    lines = answer(body, JSON_LINES, classifier, event.get("TopK")).splitlines()
    return {"Predictions": [_without_embedding(json.loads(line)) for line in lines]}


def _checked_texts(event: dict[str, Any]) -> list[str]:
    unknown = sorted(set(event) - _FIELDS)
    if unknown:
        raise EventError(f"The event has unknown fields, {', '.join(unknown)}: it must look like {_EXAMPLE}.")
    texts = event.get("Texts")
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise EventError(f"Texts must be a list of texts: the event must look like {_EXAMPLE}.")
    if len(texts) > _MOST_TEXTS:
        raise EventError(f"Texts holds {len(texts)} texts, more than {_MOST_TEXTS}: use a transform job.")
    top = event.get("TopK")
    if top is not None and (type(top) is not int or top < 1):
        raise EventError(f"TopK must be a whole number from 1 on, not {top!r:.80}.")
    return texts


def _model_folder(event: dict[str, Any]) -> Path:
    uri, folder = event.get("ModelS3Uri"), event.get("ModelFolder")
    if (uri is None) == (folder is None):
        raise EventError(f"The event must name one of ModelS3Uri and ModelFolder: {_EXAMPLE}.")
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


@lru_cache(maxsize=1)
def _load(folder: Path) -> TextClassifier:
    # Imported here because TensorFlow takes seconds to load. A mistake in the event is reported before that.
    from text_classifier.classifier import TextClassifier

    return TextClassifier.load(folder, SentenceEncoder.of_environment(os.environ))


def _without_embedding(prediction: dict[str, Any]) -> dict[str, Any]:
    """The prediction without the embedding, which means nothing to a person."""
    return {key: value for key, value in prediction.items() if key != "embedding"}
