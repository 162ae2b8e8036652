"""What Amazon Bedrock's Converse operation answers, in the words of every other reply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from labelloop.foundation_model.reading import CUT_OFF, FILTERED
from labelloop.foundation_model.replies import Reply, counted

_FINISHED = {"max_tokens": CUT_OFF, "content_filtered": FILTERED, "guardrail_intervened": FILTERED}
_TOO_LONG = "model_context_window_exceeded"
_REFUSED = "refusal"
NO_CONVERSE_REPLY = "it is not an answer of the Converse operation"


def read_converse_reply(answer: Mapping[str, Any]) -> Reply:
    """Raises ValueError when it is not what the operation should answer."""
    try:
        content = _content(answer["output"]["message"]["content"])
        stopped = str(answer["stopReason"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(NO_CONVERSE_REPLY) from error
    return Reply(
        content=content,
        finish_reason=_FINISHED.get(stopped, stopped),
        refusal=_refusal(stopped, content),
        usage=counted(answer.get("usage"), "inputTokens", "outputTokens"),
    )


def _content(blocks: Sequence[Mapping[str, Any]]) -> str:
    """The tool's input; else the text. Neither what the model thinks aloud nor citations."""
    if given := [block["toolUse"]["input"] for block in blocks if "toolUse" in block]:
        return "\n".join(orjson.dumps(one).decode() for one in given)
    return "".join(str(block["text"]) for block in blocks if "text" in block)


def _refusal(stopped: str, content: str) -> str:
    if stopped == _TOO_LONG:
        return "the text is longer than the model can read"
    return (content or "by the model") if stopped == _REFUSED else ""
