"""One text: the requests it takes, and what their answers come to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from labelloop.foundation_model.confidence import from_logprobs, from_samples
from labelloop.foundation_model.errors import ModelServerError
from labelloop.foundation_model.examples import Examples
from labelloop.foundation_model.prompt import Prompt
from labelloop.foundation_model.reading import AnswerReader, Outcome, Reading
from labelloop.foundation_model.replies import Reply
from labelloop.foundation_model.request_form import RequestForm, RequestSettings


class ConfidenceFrom(StrEnum):
    """Where a confidence comes from."""

    STATED = "stated"
    LOGPROBS = "logprobs"
    SAMPLES = "samples"


# Asks for a text with this request, and the number of the answer among those to the same request.
Fetch = Callable[[bytes, int], Reply]


@dataclass(frozen=True, slots=True)
class RowLabeler:
    """Labels one text after another. `samples`: the answers about each, where they give the confidence."""

    prompt: Prompt
    examples: Examples
    settings: RequestSettings
    confidence_from: ConfidenceFrom
    samples: int
    reader: AnswerReader

    def label(self, text: str, form: RequestForm, fetch: Fetch) -> Reading:
        """What the model says of the text. Raises what `fetch` does."""
        body = self.body(text, form)
        if self.confidence_from is ConfidenceFrom.SAMPLES:
            readings = [self.reader.read(fetch(body, sample)) for sample in range(self.samples)]
            return from_samples(readings, self.prompt.class_names)
        first = self._read(fetch(body, 0))
        if not first.mendable:
            return first
        again = self._read(fetch(self.body(text, form, repair=True), 0))
        if again.outcome is Outcome.LABELED:
            return again
        return Reading(first.outcome, fault=f"{first.fault}; asked again: {again.fault}")

    def body(self, text: str, form: RequestForm, *, repair: bool = False) -> bytes:
        """The request about a text."""
        messages = self.prompt.messages(text, self.examples.beside(text), repair=repair)
        return form.body(self.settings, messages)

    def _read(self, reply: Reply) -> Reading:
        reading = self.reader.read(reply)
        if self.confidence_from is not ConfidenceFrom.LOGPROBS or reading.outcome is not Outcome.LABELED:
            return reading
        if not reply.tokens:
            raise ModelServerError(
                "The server gives no log-probabilities: use --confidence-from stated, or samples."
            )
        return from_logprobs(reply, reading)
