"""What an answer says: one of the classes with a confidence, or why that could not be read.

An answer counts only if it is one of the classes, whatever else it says.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice
from typing import Any

from labelloop.core.label_words import LabelWords
from labelloop.foundation_model.quoting import quoted
from labelloop.foundation_model.replies import Reply
from labelloop.foundation_model.setting_names import OF_COMMAND, SettingNames

_LABEL_KEYS = ("label", "class", "category", "answer")
_CONFIDENCE_KEY = "confidence"
# What a reasoning model thinks aloud, where the server does not keep it apart.
_THOUGHTS = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)
_FENCE = re.compile(r"\A\s*```\w*\n(.*?)\n?```\s*\Z", re.DOTALL)
_NAMED = re.compile(r"\A(label|class|category|answer)\s*[:=]\s*", re.IGNORECASE)
_AROUND = " \t\r\n\"'`*."
_NUMBER = re.compile(r"(?P<number>\d+([.,]\d+)?|[.,]\d+)\s*(?P<percent>%?)", re.ASCII)
_OBJECTS_TRIED = 20
_LONGEST_LABEL = 2_000
_SHOWN = 60
# Why an answer ended, in the words of the chat-completions protocol.
FILTERED = "content_filter"
CUT_OFF = "length"


class Outcome(StrEnum):
    """What became of a row."""

    LABELED = "labeled"
    UNREADABLE = "unreadable"
    REFUSED = "refused"  # by the model, or by the server
    FAILED = "failed"  # no answer from the server
    NOT_ASKED = "not asked"


@dataclass(frozen=True, slots=True)
class Reading:
    """What one answer says. `fault`: why there is no label; with a label, why there is no confidence."""

    outcome: Outcome
    label: str = ""
    confidence: float | None = None
    fault: str = ""
    mendable: bool = False  # asking again may help
    written: str = ""  # the label as the answer writes it


NOT_ASKED = Reading(Outcome.NOT_ASKED, fault="not asked")


class AnswerReader:
    """Reads answers. A class may be written in another case, or with other space around it."""

    def __init__(self, classes: Sequence[str], names: SettingNames = OF_COMMAND) -> None:
        """`names`: what faults call the settings."""
        self._classes, self._names = tuple(classes), names
        self._words = LabelWords(self._classes)

    def read(self, reply: Reply) -> Reading:
        """Never raises: an answer may hold anything."""
        if reply.refusal or reply.finish_reason == FILTERED:
            return Reading(Outcome.REFUSED, fault=f"refused: {_short(reply.refusal) or 'by the filter'}")
        content = _bare(reply.content)
        found = _json_of(content)
        reading = self._of_text(content) if found is _NO_JSON else self._of_json(found)
        if reading.outcome is Outcome.LABELED:
            return reading
        if reply.finish_reason == CUT_OFF:
            fault = f"cut off by the limit of tokens: raise {self._names.most_tokens}"
            return _unreadable(fault, mendable=False)
        return _unreadable("the answer is empty") if not content else reading

    def _of_json(self, found: Any) -> Reading:
        if not isinstance(found, _Pairs):
            return self._of_value(found)
        labels = found.under(_LABEL_KEYS)
        if not labels:
            return _unreadable("the answer has no label")
        reading = self._of_several(labels)
        if reading.outcome is not Outcome.LABELED:
            return reading
        stated = found.under((_CONFIDENCE_KEY,))
        confidence, fault = read_confidence(stated[-1]) if stated else (None, "")
        return replace(reading, confidence=confidence, fault=fault)

    def _of_several(self, values: Sequence[Any]) -> Reading:
        readings = [self._of_value(value) for value in values]
        if len({reading.label for reading in readings}) > 1:
            return _unreadable("the answer names several classes")
        return readings[0]

    def _of_value(self, value: Any) -> Reading:
        if value is None or isinstance(value, _Pairs) or value == []:
            return _unreadable("the answer's label is not a text")
        if isinstance(value, list):
            return self._of_several(value)
        return self._of_text(str(value).lower() if isinstance(value, bool) else str(value))

    def _of_text(self, text: str) -> Reading:
        if len(text) > _LONGEST_LABEL:
            return _unreadable(f"{_short(text)!r} is not one of the classes")
        for written in (text, text.strip(_AROUND), _NAMED.sub("", text).strip(_AROUND)):
            label = self._words.read(written)
            if label and self._words.allow(label):
                return Reading(Outcome.LABELED, label, written=written)
        parts = [self._words.read(part.strip(_AROUND)) for part in re.split(r",|;|/|\||\bor\b|\band\b", text)]
        if len(parts) > 1 and all(part in self._classes for part in parts):
            return _unreadable("the answer names several classes")
        return _unreadable(f"{_short(text)!r} is not one of the classes")


def read_confidence(value: Any) -> tuple[float | None, str]:
    """A share of 1, or a percentage that can be nothing else; otherwise none, and why."""
    number, percent = _number(value)
    if number is not None and not percent and 0 <= number <= 1:
        return number, ""
    # A 7 may be of 10 or of 100. A 95 is a percentage, though a share was asked for.
    if number is not None and 0 <= number <= 100 and (percent or number > 10):
        return number / 100, ""
    return None, f"no confidence: {_short(str(value))!r} is neither a share of 1 nor a percentage"


def _number(value: Any) -> tuple[float | None, bool]:
    if isinstance(value, str):
        match = _NUMBER.fullmatch(value.strip())
        return (float(match["number"].replace(",", ".")), bool(match["percent"])) if match else (None, False)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None, False
    return float(value), False


def _unreadable(fault: str, *, mendable: bool = True) -> Reading:
    return Reading(Outcome.UNREADABLE, fault=fault, mendable=mendable)


def _short(text: str) -> str:
    return quoted(text, _SHOWN)


# JSON, as far as there is some ------------------------------------------------------------------------------

_NO_JSON = object()


class _Pairs(list[tuple[str, Any]]):
    """An object with all its fields, also those that it has twice."""

    def under(self, keys: Sequence[str]) -> list[Any]:
        """The values of the first of these keys that it has, in any case."""
        for key in keys:
            if values := [value for name, value in self if name.casefold() == key]:
                return values
        return []


def _constant(name: str) -> str:
    return name


_DECODER = json.JSONDecoder(object_pairs_hook=_Pairs, parse_constant=_constant)


def _bare(content: str) -> str:
    without = _THOUGHTS.sub("", content)
    fence = _FENCE.match(without)
    return (fence[1] if fence else without).strip()


def _json_of(content: str) -> Any:
    """The answer's JSON; else the objects with a label that stand in it, as one."""
    whole = _decoded(content, 0)
    if whole is not None and whole[1] == len(content):
        return whole[0]
    found, end = _Pairs(), 0
    for match in islice(re.finditer(r"\{", content), _OBJECTS_TRIED):
        decoded = _decoded(content, match.start()) if match.start() >= end else None
        if decoded is not None and decoded[0].under(_LABEL_KEYS):
            found += decoded[0]
            end = decoded[1]
    return found or _NO_JSON


def _decoded(content: str, start: int) -> tuple[Any, int] | None:
    """What begins there, and where it ends."""
    try:
        return _DECODER.raw_decode(content, start)
    # Thousands of brackets in one another end in RecursionError.
    except (ValueError, RecursionError):
        return None
