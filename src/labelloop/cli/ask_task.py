"""What `labelloop ask-model` is to do: the texts, the prompt, the server, and where the answers go."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from labelloop.asked_files.output import AnswerColumns
from labelloop.cli.asked_server import AskedServer
from labelloop.foundation_model.examples import Examples
from labelloop.foundation_model.model_client import ModelClient, Patience
from labelloop.foundation_model.prompt import DescribedClass, Prompt
from labelloop.foundation_model.reading import AnswerReader
from labelloop.foundation_model.request_form import RequestSettings
from labelloop.foundation_model.row_labeler import ConfidenceFrom, RowLabeler
from labelloop.preparation.source import LabeledText


@dataclass(frozen=True, slots=True)
class AskedFile:
    """The rows to ask about, and the file that they come back in."""

    rows: Sequence[LabeledText]
    columns: tuple[str, ...]
    out: Path
    answers: AnswerColumns

    @property
    def texts(self) -> list[str]:
        """Each once, however many rows have it."""
        return list(dict.fromkeys(row.text for row in self.rows))


@dataclass(frozen=True, slots=True)
class Instructions:
    """What the prompt is made of."""

    classes: Sequence[DescribedClass]
    guidelines: str
    template: str | None
    examples: Examples

    def prompt(self, mark: str, confidence_from: ConfidenceFrom) -> Prompt:
        """Raises PromptError."""
        return Prompt(
            self.classes,
            mark=mark,
            asks_confidence=confidence_from is ConfidenceFrom.STATED,
            guidelines=self.guidelines,
            template=self.template,
        )


@dataclass(frozen=True, slots=True)
class AskedModel:
    """Which model, where, and how it is asked."""

    name: str
    server: AskedServer
    confidence_from: ConfidenceFrom
    samples: int
    most_tokens: int
    at_once: int
    patience: Patience

    def client(self) -> ModelClient:
        return self.server.client(self.name, at_once=self.at_once, patience=self.patience)

    def labeler(self, instructions: Instructions, mark: str) -> RowLabeler:
        """Raises PromptError."""
        prompt = instructions.prompt(mark, self.confidence_from)
        settings = RequestSettings(
            model=self.name,
            classes=prompt.class_names,
            asks_confidence=self.confidence_from is ConfidenceFrom.STATED,
            logprobs=self.confidence_from is ConfidenceFrom.LOGPROBS,
            # At 1, samples come as often as the model holds them for right.
            temperature=1.0 if self.confidence_from is ConfidenceFrom.SAMPLES else 0.0,
            most_tokens=self.most_tokens,
        )
        reader = AnswerReader(prompt.class_names)
        return RowLabeler(prompt, instructions.examples, settings, self.confidence_from, self.samples, reader)
