"""`labelloop prompt`: what a request's foundation model would be told."""

import secrets
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from labelloop.cli.errors import explained_errors
from labelloop.cli.run_folder import local_path, read_request
from labelloop.core.errors import RequestError
from labelloop.core.manifest.label_categories import parse_label_categories
from labelloop.core.manifest.lines import LabelAttribute
from labelloop.foundation_model.prompt import Message
from labelloop.model_labels.instructions import row_labeler, template_text
from labelloop.model_labels.texts import Texts
from labelloop.workflow.request import LabelingRequest, parse_request


def prompt(
    request: Annotated[Path, typer.Option(help="The execution input, with a FoundationModel.")],
    s3_root: Annotated[Path, typer.Option(help="The folder that stands for S3: DIR/<bucket>/<key>.")],
    row: Annotated[int, typer.Option(min=1, help="The line of the manifest that is asked about.")] = 1,
) -> None:
    """Print what the foundation model of a request would be told about one text. Nothing is sent.

    For a file of texts, use `labelloop ask-model --show-prompt`.

    Example: labelloop prompt --request news/request.json --s3-root news/s3
    """
    with explained_errors():
        print_messages(Console(), _messages(parse_request(read_request(request)), s3_root, row))


def print_messages(console: Console, messages: list[Message]) -> None:
    """Each with its role."""
    for message in messages:
        console.print(Text(f"[{message['role']}]", style="bold"))
        console.print(Text(message["content"]), soft_wrap=True)
        console.print()


def _messages(request: LabelingRequest, s3_root: Path, row: int) -> list[Message]:
    model = request.active_learning.foundation_model
    if model is None:
        raise RequestError("the request has no ActiveLearning.FoundationModel: nothing would be sent")
    categories = parse_label_categories(_content(s3_root, request.label_category_config_s3_uri))
    manifest = _content(s3_root, request.input_config.data_source.s3_data_source.manifest_s3_uri)
    lines = [line for line in manifest.split(b"\n") if line.strip()]
    texts = Texts.read(lines, LabelAttribute(request.label_attribute_name), categories)
    if row > len(texts.of_objects):
        raise RequestError(f"--row {row}: the manifest has {len(texts.of_objects):,} lines")
    uri = model.prompt_template_s3_uri
    template = None if uri is None else template_text(_content(s3_root, uri), uri)
    # A run draws its own mark.
    labeler = row_labeler(model, categories.names, texts.labeled, secrets.token_hex(8), template)
    text = texts.of_objects[row - 1]
    return labeler.prompt.messages(text, labeler.examples.beside(text))


def _content(s3_root: Path, uri: str) -> bytes:
    path = local_path(s3_root, uri)
    try:
        return path.read_bytes()
    except OSError as error:
        raise RequestError(f"there is no {uri}: on this machine that is the file {path}") from error
