"""Answers, and how those of a chat-completions server are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, as the server counts them."""

    tokens_in: int = 0
    tokens_out: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.tokens_in + other.tokens_in, self.tokens_out + other.tokens_out)

    def __sub__(self, other: Usage) -> Usage:
        return Usage(self.tokens_in - other.tokens_in, self.tokens_out - other.tokens_out)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the answer, and the logarithm of its probability."""

    text: str
    logprob: float


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. `usage` is None where the server does not count; `tokens` are there if asked for."""

    content: str
    finish_reason: str = ""
    refusal: str = ""
    usage: Usage | None = None
    tokens: tuple[Token, ...] = ()

    def as_document(self) -> bytes:
        return orjson.dumps(asdict(self))

    @classmethod
    def of_document(cls, document: bytes) -> Reply:
        fields = orjson.loads(document)
        usage, tokens = fields.pop("usage"), fields.pop("tokens")
        return cls(
            usage=Usage(**usage) if usage else None, tokens=tuple(Token(**one) for one in tokens), **fields
        )


def read_reply(body: bytes) -> Reply:
    """Raises ValueError when it is not what the protocol asks for."""
    try:
        answer = orjson.loads(body)
        choice = answer["choices"][0]
        message = choice["message"]
        return Reply(
            content=_text(message.get("content")),
            finish_reason=str(choice.get("finish_reason") or ""),
            refusal=_text(message.get("refusal")),
            usage=counted(answer.get("usage"), "prompt_tokens", "completion_tokens"),
            tokens=_tokens(choice.get("logprobs")),
        )
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise ValueError("it is not an answer of the chat-completions protocol") from error


def _text(content: object) -> str:
    """A string; some servers send a list of parts."""
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def counted(usage: object, name_in: str, name_out: str) -> Usage | None:
    """The tokens under these names; None where they are not counted."""
    if not isinstance(usage, dict):
        return None
    tokens_in, tokens_out = usage.get(name_in), usage.get(name_out)
    if not (
        isinstance(tokens_in, int) and isinstance(tokens_out, int) and tokens_in >= 0 and tokens_out >= 0
    ):
        return None
    return Usage(tokens_in, tokens_out)


def _tokens(logprobs: object) -> tuple[Token, ...]:
    if not isinstance(logprobs, Mapping):
        return ()
    content: Any = logprobs.get("content") or ()
    return tuple(Token(str(one["token"]), float(one["logprob"])) for one in content)
