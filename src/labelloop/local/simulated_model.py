"""A foundation model of a given skill, for the stand-in of Amazon Bedrock: it knows the truth, and errs."""

import csv
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_TOKEN_BYTES = 4
_QUOTED = re.compile(r'^"(?:[^"\\]|\\.)*"$', re.MULTILINE)


class SimulatedModel:
    """Gives the true label to a share of the texts; the others get another class, always the same one.

    How sure it says to be tells something: it doubts the texts more that it is wrong about.
    """

    def __init__(self, truth: Mapping[str, str], classes: Sequence[str], skill: float) -> None:
        """`truth`: the class of each text. `skill`: the share that it gets right, from 0 to 1."""
        self._truth, self._classes, self._skill = truth, tuple(classes), skill

    @classmethod
    def of_truth_file(cls, lines: Iterable[str], skill: float) -> "SimulatedModel":
        """From the file of true labels that simulated people know: labelloop-id,source,label."""
        truth = {row["source"]: row["label"] for row in csv.DictReader(lines) if row["label"]}
        return cls(truth, sorted(set(truth.values())), skill)

    def converse(self, model: str, request: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        """The answer, by the tool where there is one."""
        label, confidence = self.says(asked_about(request))
        given = {"label": label, "confidence": confidence}
        if "toolConfig" in request:
            tool = request["toolConfig"]["tools"][0]["toolSpec"]["name"]
            content = {"toolUse": {"toolUseId": "tooluse_1", "name": tool, "input": given}}
            return answer(request, content, "tool_use")
        return answer(request, {"text": json.dumps(given, ensure_ascii=False)}, "end_turn")

    def says(self, text: str) -> tuple[str, float]:
        """Label and confidence: both depend on the text alone."""
        digest = hashlib.sha256(text.encode()).digest()
        luck, doubt = digest[0] / 256 + digest[1] / 65536, digest[2] / 256
        label = self._truth.get(text, self._classes[digest[3] % len(self._classes)])
        if luck < self._skill:
            return label, round(0.7 + 0.3 * doubt, 2)
        others = [name for name in self._classes if name != label]
        return others[digest[3] % len(others)], round(0.5 + 0.4 * doubt, 2)


def asked_about(request: Mapping[str, Any]) -> str:
    """The text in the last message: the one line that is a JSON string."""
    message = request["messages"][-1]["content"][0]["text"]
    text: str = json.loads(_QUOTED.findall(message)[-1])
    return text


def answer(request: Mapping[str, Any], content: Mapping[str, Any], stopped: str) -> dict[str, Any]:
    """In the form of the Converse operation."""
    size_in, size_out = len(json.dumps(request)), len(json.dumps(content))
    tokens_in, tokens_out = size_in // _TOKEN_BYTES, size_out // _TOKEN_BYTES
    return {
        "output": {"message": {"role": "assistant", "content": [content]}},
        "stopReason": stopped,
        "usage": {
            "inputTokens": tokens_in,
            "outputTokens": tokens_out,
            "totalTokens": tokens_in + tokens_out,
        },
        "metrics": {"latencyMs": 1},
    }
