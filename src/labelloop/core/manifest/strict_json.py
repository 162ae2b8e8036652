"""JSON objects parsed more strictly than most readers do: no duplicate keys, no NaN, UTF-8 only.

Of two equal keys one reader takes the first, another the last, and some stop at NaN: such lines are better
refused before anybody labels them.
"""

import json
from collections.abc import Iterable
from typing import Any

import orjson

# Integers beyond 64 bits, which orjson reads as floats, lie outside of this.
_PLAIN_FLOAT = 1e18
# So that no plain line is nested as deeply as the strict parser refuses.
_PLAIN_CONTAINERS = 200
_IN_DOUBT = -1


class StrictJsonError(ValueError):
    """Raised when a line is no such object; the message is the reason alone."""


def parse_object(line: bytes) -> dict[str, Any]:
    """Raises StrictJsonError with the reason."""
    record = parse_plain(line)
    return parse_strictly(line) if record is None else record


def kind_of(value: object) -> str:
    """What a JSON value is called in a sentence."""
    kinds = {dict: "an object", list: "a list", str: "a string", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")


def parse_plain(line: bytes) -> dict[str, Any] | None:
    """What `parse_strictly` returns, in a fraction of its time; None where there is any doubt.

    orjson is as strict, but for two things: it takes the last of duplicate keys, and reads integers of more
    than 64 bits as floats.
    """
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    # For each duplicate key, the line has a string more than the record.
    if type(record) is dict and _strings(record) * 2 == _quotes_around_strings(line):
        return record
    return None


def _strings(record: dict[str, Any]) -> int:
    """How many keys and texts the record has at any depth; -1 where one of its values is in doubt."""
    strings, containers = 0, [record]
    for container in containers:
        values: Iterable[Any] = container
        if type(container) is dict:
            strings += len(container)
            values = container.values()
        for value in values:
            kind = type(value)
            if kind is str:
                strings += 1
            elif kind is dict or kind is list:
                containers.append(value)
            elif kind is float and not -_PLAIN_FLOAT < value < _PLAIN_FLOAT:
                return _IN_DOUBT
    return strings if len(containers) <= _PLAIN_CONTAINERS else _IN_DOUBT


def _quotes_around_strings(line: bytes) -> int:
    """How many quotes begin or end a string, in a line of valid JSON."""
    quotes = line.count(b'"')
    if b"\\" in line:
        # Without the escaped backslashes, a backslash before a quote escapes it.
        quotes -= line.replace(b"\\\\", b"").count(b'\\"')
    return quotes


def parse_strictly(line: bytes) -> dict[str, Any]:
    """What `parse_object` returns or raises, at several times the cost."""
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        raise StrictJsonError(f"it is not UTF-8 at byte {error.start + 1}") from None
    try:
        record = json.loads(
            text,
            object_pairs_hook=_object_without_duplicates,
            parse_constant=_refuse_constant,
            parse_float=_finite_float,
            parse_int=_whole_number,
        )
        text.encode() if "\\ud" not in text.lower() else json.dumps(record, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise StrictJsonError(f"it is not JSON: {error.msg} at character {error.colno}") from None
    except UnicodeEncodeError:
        raise StrictJsonError("it holds half of a surrogate pair (\\ud800 to \\udfff alone)") from None
    except RecursionError:
        raise StrictJsonError("it is nested too deeply") from None
    if not isinstance(record, dict):
        raise StrictJsonError(f"it is not a JSON object but {kind_of(record)}")
    return record


def _object_without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise StrictJsonError(f"it has the key {twice!r} twice")
    return record


def _refuse_constant(name: str) -> None:
    raise StrictJsonError(f"it holds {name}, which is not JSON")


def _finite_float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise _too_large(text)
    return value


def _whole_number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        # Python turns no more than a few thousand digits into a number.
        raise _too_large(text) from None


def _too_large(number: str) -> StrictJsonError:
    return StrictJsonError(f"it holds the number {number[:40]}, which is too large for JSON readers")
