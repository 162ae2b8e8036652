"""The form of a request. Servers differ in what they accept: what one refuses is left out or renamed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

import orjson

from labelloop.foundation_model.prompt import Message

_LIMIT, _OTHER_LIMIT = "max_tokens", "max_completion_tokens"
_OF_ANSWERS = ("response_format", "schema", "json_object")


class AnswerForm(StrEnum):
    """How a server can be told what an answer looks like."""

    SCHEMA = "json_schema"
    OBJECT = "json_object"  # with the schema beside it, as llama.cpp's older servers have it
    TEXT = "text"


_NEXT = {AnswerForm.SCHEMA: AnswerForm.OBJECT, AnswerForm.OBJECT: AnswerForm.TEXT}


@dataclass(frozen=True, slots=True)
class RequestForm:
    """What a server accepts of the protocol."""

    answer: AnswerForm = AnswerForm.SCHEMA  # what `response_format` asks for
    temperature: bool = True
    limit: str = _LIMIT  # what the limit of the answer's tokens is called
    system: bool = True  # a message of the role `system`

    def named_in(self, refusal: str) -> RequestForm | None:
        """The form without what the server's refusal names; None if it names nothing that can be left out."""
        refusal = refusal.casefold()
        if self.limit == _LIMIT and _LIMIT in refusal:
            return replace(self, limit=_OTHER_LIMIT)
        if self.temperature and "temperature" in refusal:
            return replace(self, temperature=False)
        if self.answer is not AnswerForm.TEXT and any(name in refusal for name in _OF_ANSWERS):
            return replace(self, answer=_NEXT[self.answer])
        if self.system and "system" in refusal and "role" in refusal:
            return replace(self, system=False)
        return None

    def as_document(self) -> str:
        return orjson.dumps(asdict(self)).decode()

    @classmethod
    def of_document(cls, document: str) -> RequestForm:
        fields = orjson.loads(document)
        return cls(**{**fields, "answer": AnswerForm(fields["answer"])})


@dataclass(frozen=True, slots=True)
class RequestSettings:
    """What is asked for, however the server wants it said."""

    model: str
    classes: tuple[str, ...]
    asks_confidence: bool
    logprobs: bool
    temperature: float
    most_tokens: int  # of an answer

    def body(self, messages: Sequence[Message], form: RequestForm) -> bytes:
        """The request, always in the same bytes: it is what kept answers are found by."""
        fields: dict[str, Any] = {
            "model": self.model,
            "messages": list(messages if form.system else _in_one(messages)),
            form.limit: self.most_tokens,
        }
        if form.temperature:
            fields["temperature"] = self.temperature
        if self.logprobs:
            # llama-cpp-python gives none where no number of alternatives is asked for.
            fields |= {"logprobs": True, "top_logprobs": 1}
        if form.answer is AnswerForm.SCHEMA:
            schema = {"name": "label", "strict": True, "schema": self._schema()}
            fields["response_format"] = {"type": "json_schema", "json_schema": schema}
        if form.answer is AnswerForm.OBJECT:
            fields["response_format"] = {"type": "json_object", "schema": self._schema()}
        return orjson.dumps(fields)

    def _schema(self) -> Mapping[str, Any]:
        properties: dict[str, Any] = {"label": {"type": "string", "enum": list(self.classes)}}
        if self.asks_confidence:
            properties["confidence"] = {"type": "number"}
        return {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }


def _in_one(messages: Sequence[Message]) -> list[Message]:
    """The instructions at the head of the user's message, for models that know no other role."""
    return [{"role": "user", "content": "\n\n".join(message["content"] for message in messages)}]
