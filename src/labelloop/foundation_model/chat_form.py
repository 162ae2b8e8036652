"""The form of a request in the chat-completions protocol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Self

import orjson

from labelloop.foundation_model.prompt import Message
from labelloop.foundation_model.request_form import RequestForm, RequestSettings, in_one

_LIMIT, _OTHER_LIMIT = "max_tokens", "max_completion_tokens"
_OF_ANSWERS = ("response_format", "schema", "json_object")


class AnswerForm(StrEnum):
    """How a server can be told what an answer looks like."""

    SCHEMA = "json_schema"
    OBJECT = "json_object"  # with the schema beside it, as llama.cpp's older servers have it
    TEXT = "text"


_NEXT = {AnswerForm.SCHEMA: AnswerForm.OBJECT, AnswerForm.OBJECT: AnswerForm.TEXT}


@dataclass(frozen=True, slots=True)
class ChatForm(RequestForm):
    """What a server accepts of the protocol."""

    answer: AnswerForm = AnswerForm.SCHEMA  # what `response_format` asks for
    temperature: bool = True
    limit: str = _LIMIT  # what the limit of the answer's tokens is called
    system: bool = True  # a message of the role `system`

    def body(self, settings: RequestSettings, messages: Sequence[Message]) -> bytes:
        fields: dict[str, Any] = {
            "model": settings.model,
            "messages": list(messages if self.system else in_one(messages)),
            self.limit: settings.most_tokens,
        }
        if self.temperature:
            fields["temperature"] = settings.temperature
        if settings.logprobs:
            # llama-cpp-python gives none where no number of alternatives is asked for.
            fields |= {"logprobs": True, "top_logprobs": 1}
        if self.answer is AnswerForm.SCHEMA:
            schema = {"name": "label", "strict": True, "schema": settings.schema()}
            fields["response_format"] = {"type": "json_schema", "json_schema": schema}
        if self.answer is AnswerForm.OBJECT:
            fields["response_format"] = {"type": "json_object", "schema": settings.schema()}
        return orjson.dumps(fields)

    def named_in(self, refusal: str) -> Self | None:
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

    def without_schema(self) -> Self:
        return replace(self, answer=AnswerForm.TEXT)

    @classmethod
    def of_document(cls, document: str) -> Self:
        fields = orjson.loads(document)
        return cls(**{**fields, "answer": AnswerForm(fields["answer"])})
