"""Amazon Bedrock's Converse operation on loopback. The model answers by the tool where it is given one."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import pytest

from .stand_in import Answer, Chat, StandIn

MODEL = "eu.amazon.nova-lite-v1:0"
# AWS's client reads it.
ENDPOINT = "AWS_ENDPOINT_URL_BEDROCK_RUNTIME"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


def aws_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The credentials of AWS's documentation, and nothing of the user's own."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@dataclass(frozen=True)
class Conversation(Chat):
    """A request to Converse."""

    path: str = ""

    @property
    def model(self) -> str:
        return unquote(self.path.split("/")[2])

    @property
    def system(self) -> str:
        return "\n".join(block["text"] for block in self.body.get("system", ()))

    @property
    def user(self) -> str:
        text: str = self.body["messages"][-1]["content"][0]["text"]
        return text


def told(*blocks: Mapping[str, Any], stop: str = "end_turn", usage: bool = True) -> Answer:
    """A model's answer, in these blocks."""
    document: dict[str, Any] = {
        "output": {"message": {"role": "assistant", "content": list(blocks)}},
        "stopReason": stop,
        "metrics": {"latencyMs": 1},
    }
    if usage:
        document["usage"] = {"inputTokens": 100, "outputTokens": 10, "totalTokens": 110}
    return Answer(body=json.dumps(document).encode(), headers={"Content-Type": "application/json"})


def text(words: str) -> dict[str, Any]:
    return {"text": words}


def used(**given: Any) -> dict[str, Any]:
    """The tool with this input."""
    return {"toolUse": {"toolUseId": "tooluse_1", "name": "give_label", "input": given}}


def refusal(code: str, message: str = "", status: int = 400) -> Answer:
    """An error as AWS writes it."""
    return Answer(
        status, json.dumps({"message": message}).encode(), {"x-amzn-ErrorType": f"{code}:http://x/"}
    )


class BedrockStandIn(StandIn):
    """The model is named in the path, and none is listed."""

    path = ""

    def __init__(self, truth: Mapping[str, str], *, skill: float = 1.0) -> None:
        super().__init__(truth, skill=skill)
        self.models = [MODEL]

    def _chat(self, path: str, headers: Mapping[str, str], raw: bytes) -> Chat:
        return Conversation(json.loads(raw), raw, headers, len(self.chats), path)

    def _said(self, chat: Chat, label: str, confidence: float) -> Answer:
        given = {"label": label, "confidence": confidence}
        if "toolConfig" in chat.body:
            return told(used(**given), stop="tool_use")
        return told(text(json.dumps(given)))

    def _no_model(self) -> Answer:
        return refusal("ValidationException", "The provided model identifier is invalid.")
