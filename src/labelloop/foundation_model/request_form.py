"""What is asked for, and the form of a request for it, which differs from protocol to protocol."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import orjson

from labelloop.foundation_model.prompt import Message
from labelloop.foundation_model.spending import FORMAT_TOKENS


@dataclass(frozen=True, slots=True)
class RequestSettings:
    """What is asked for, however the server wants it said."""

    model: str
    classes: tuple[str, ...]
    asks_confidence: bool
    logprobs: bool
    temperature: float
    most_tokens: int  # of an answer

    def schema(self) -> Mapping[str, Any]:
        """Of an answer."""
        properties: dict[str, Any] = {"label": {"type": "string", "enum": list(self.classes)}}
        if self.asks_confidence:
            properties["confidence"] = {"type": "number"}
        return {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }


@dataclass(frozen=True, slots=True)
class RequestForm(ABC):
    """What a server accepts of its protocol. Servers differ: what one refuses is left out or renamed."""

    @abstractmethod
    def body(self, settings: RequestSettings, messages: Sequence[Message]) -> bytes:
        """The request, always in the same bytes: it is what kept answers are found by."""

    @abstractmethod
    def named_in(self, refusal: str) -> Self | None:
        """The form without what the server's refusal names; None if it names nothing that can be left out."""

    @abstractmethod
    def without_schema(self) -> Self:
        """The form that leaves the answer's form to the prompt."""

    @property
    def added_tokens(self) -> int:
        """The most that the server puts around the messages."""
        return FORMAT_TOKENS

    def as_document(self) -> str:
        return orjson.dumps(asdict(self)).decode()

    @classmethod
    def of_document(cls, document: str) -> Self:
        return cls(**orjson.loads(document))


def in_one(messages: Sequence[Message]) -> list[Message]:
    """The instructions at the head of the user's message, for models that know no other role."""
    return [{"role": "user", "content": "\n\n".join(message["content"] for message in messages)}]
