"""What the model is told, from the request's block `FoundationModel`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from labelloop.core.errors import RequestError
from labelloop.core.near_names import nearest_name
from labelloop.foundation_model.errors import PromptError
from labelloop.foundation_model.examples import Examples
from labelloop.foundation_model.prompt import Example, Prompt, described
from labelloop.foundation_model.reading import AnswerReader
from labelloop.foundation_model.request_form import RequestSettings
from labelloop.foundation_model.row_labeler import ConfidenceFrom, RowLabeler
from labelloop.foundation_model.setting_names import OF_REQUEST
from labelloop.storage import s3
from labelloop.workflow.request import FoundationModel

PLACE = "ActiveLearning.FoundationModel"
# The same examples whoever asks: another choice would be another prompt, and paid for again.
_SEED = 0
_SHOWN_OF_DIGEST = 16


def row_labeler(
    model: FoundationModel,
    classes: Sequence[str],
    labeled: Iterable[tuple[str, str]],
    mark: str,
    template: str | None,
) -> RowLabeler:
    """What labels one text. `labeled`: the texts that people labeled, with their labels.

    `mark`: what stands around texts; `template`: the user's own instructions, if the request names any.

    Raises RequestError for what no prompt can be made of.
    """
    prompt, confidence_from = _prompt(model, classes, mark, template), ConfidenceFrom(model.confidence_from)
    shown = [Example(one.text, _checked(one.label, classes)) for one in model.examples]
    settings = RequestSettings(
        model=model.model_id,
        classes=prompt.class_names,
        asks_confidence=confidence_from is ConfidenceFrom.STATED,
        logprobs=False,
        # At 1, samples come as often as the model holds them for right.
        temperature=1.0 if confidence_from is ConfidenceFrom.SAMPLES else 0.0,
        most_tokens=model.max_answer_tokens,
    )
    return RowLabeler(
        prompt,
        Examples(labeled, classes, model.examples_per_class, _SEED, always=shown, near=model.examples_near),
        settings,
        confidence_from,
        model.samples,
        AnswerReader(prompt.class_names, OF_REQUEST),
    )


def check_instructions(model: FoundationModel, classes: Sequence[str]) -> None:
    """Raises RequestError for what no prompt can be made of, before anything is sent."""
    row_labeler(model, classes, (), "mark", read_template(model))


def read_template(model: FoundationModel) -> str | None:
    """The user's own instructions in S3. Raises RequestError and StorageError."""
    uri = model.prompt_template_s3_uri
    return None if uri is None else template_text(s3.read_bytes(uri), uri)


def template_text(content: bytes, place: object) -> str:
    """Raises RequestError."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RequestError(f"{PLACE}.PromptTemplateS3Uri: {place} is not UTF-8 text") from error


def prompt_digest(labeler: RowLabeler) -> str:
    """Tells two prompts apart, whatever mark they have; with the texts that near examples are taken from."""
    told = labeler.prompt.instructions(labeler.examples.beside("")).replace(labeler.prompt.mark, "")
    return hashlib.sha256(f"{told}{labeler.examples.digest}".encode()).hexdigest()[:_SHOWN_OF_DIGEST]


def _checked(label: str, classes: Sequence[str]) -> str:
    if label not in classes:
        near = nearest_name(label, classes)
        meant = f": did you mean {near!r}?" if near else ""
        raise RequestError(f"{PLACE}.Examples: {label!r} is not a class{meant}")
    return label


def _prompt(model: FoundationModel, classes: Sequence[str], mark: str, template: str | None) -> Prompt:
    try:
        return Prompt(
            described(classes, model.class_descriptions, "ClassDescriptions"),
            mark=mark,
            asks_confidence=ConfidenceFrom(model.confidence_from) is ConfidenceFrom.STATED,
            guidelines=model.instructions,
            template=template,
        )
    except PromptError as error:
        raise RequestError(f"{PLACE}: {error}") from error
