"""What the user calls the settings that a message tells to change."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SettingNames:
    """Options of a command, or fields of a request."""

    server: str
    model: str
    most_tokens: str
    timeout: str
    """How to wait longer for an answer; empty where nobody can set it."""
    other_region: str
    """The sentence that says how to ask in another region."""
    shown_prompt: str
    """What shows what is sent."""
    repeat: str
    """What goes on where an asking ended."""


OF_COMMAND = SettingNames(
    server="--server",
    model="--model",
    most_tokens="--max-answer-tokens",
    timeout="--timeout",
    other_region="--region names another.",
    shown_prompt="--show-prompt",
    repeat="Give the same command again",
)

OF_REQUEST = SettingNames(
    server="--model-server",
    model="ModelId",
    most_tokens="MaxAnswerTokens",
    timeout="",
    other_region="Deploy the stack in one that has it.",
    shown_prompt="`labelloop prompt`",
    repeat="Resume the run",
)
