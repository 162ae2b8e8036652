"""The form of a request to Amazon Bedrock's Converse operation: the parameters of the call, as JSON.

A model answers by a tool whose input is the label: so the answer is JSON by a schema.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import orjson

from labelloop.foundation_model.prompt import Message
from labelloop.foundation_model.request_form import RequestForm, RequestSettings, in_one
from labelloop.foundation_model.spending import FORMAT_TOKENS

_TOOL = "give_label"
# Models are told about tools in a prompt of their own, which is charged for: up to 530 tokens, as Claude's
# documentation has it.
_TOOL_TOKENS = 1_000


@dataclass(frozen=True, slots=True)
class ConverseForm(RequestForm):
    """What a model on Bedrock accepts."""

    tool: bool = True
    temperature: bool = True
    system: bool = True  # instructions apart from the messages

    @property
    def added_tokens(self) -> int:
        return FORMAT_TOKENS + (_TOOL_TOKENS if self.tool else 0)

    def body(self, settings: RequestSettings, messages: Sequence[Message]) -> bytes:
        sent = messages if self.system else in_one(messages)
        instructions = [_text(message) for message in sent if message["role"] == "system"]
        inference: dict[str, Any] = {"maxTokens": settings.most_tokens}
        if self.temperature:
            inference["temperature"] = settings.temperature
        fields: dict[str, Any] = {
            "modelId": settings.model,
            "messages": [
                {"role": message["role"], "content": [_text(message)]}
                for message in sent
                if message["role"] != "system"
            ],
            "inferenceConfig": inference,
        }
        if instructions:
            fields["system"] = instructions
        if self.tool:
            fields["toolConfig"] = _tool(settings)
        return orjson.dumps(fields)

    def named_in(self, refusal: str) -> Self | None:
        refusal = refusal.casefold()
        if self.temperature and "temperature" in refusal:
            return replace(self, temperature=False)
        if self.tool and "tool" in refusal:
            return replace(self, tool=False)
        if self.system and "system" in refusal and ("message" in refusal or "prompt" in refusal):
            return replace(self, system=False)
        return None

    def without_schema(self) -> Self:
        return replace(self, tool=False)


def _text(message: Message) -> Mapping[str, str]:
    return {"text": message["content"]}


def _tool(settings: RequestSettings) -> Mapping[str, Any]:
    specification = {
        "name": _TOOL,
        "description": "Gives the text its label.",
        "inputSchema": {"json": settings.schema()},
    }
    return {"tools": [{"toolSpec": specification}], "toolChoice": {"tool": {"name": _TOOL}}}
