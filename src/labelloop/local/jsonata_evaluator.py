"""JSONata as in Step Functions: jsonata-python, the functions of Step Functions, plain JSON results.

Raises only `JSONataError`, which callers can turn into `States.QueryEvaluationError`.
"""

import hashlib
import json
import math
import random
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from jsonata import Jsonata
from jsonata.jexception import JException
from jsonata.utils import Utils

# Above this, floats cannot represent every integer, so they stay floats.
_EXACT_INTEGERS = 2**53

_HASH_NAMES = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


class JSONataError(Exception):
    """Raised when an expression cannot be parsed or evaluated, or its result is not JSON."""


def evaluate_jsonata(expression: str, bindings: Mapping[str, Any]) -> Any:
    """The JSON value of `expression` (without its `{% %}`), with `bindings` as its `$name` variables.

    Raises `JSONataError` when the expression is malformed, fails, or is undefined.
    """
    try:
        # Parsed every time: a parsed expression belongs to the thread that made it.
        parsed = Jsonata(expression)
        parsed.set_output_convert_nulls(False)
        result = parsed.evaluate(None, {**_STEP_FUNCTIONS, **_as_bindings(bindings)})
    except (JException, ArithmeticError, ValueError, TypeError, LookupError, RecursionError) as error:
        raise JSONataError(f"The JSONata expression '{expression}' failed: {error}") from error
    if result is None:
        raise JSONataError(f"The JSONata expression '{expression}' returned nothing (undefined).")
    try:
        return _to_json_value(result)
    except TypeError as error:
        raise JSONataError(
            f"The JSONata expression '{expression}' returned an unsupported result type: {error}"
        ) from error


def _as_bindings(bindings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: Utils.NULL_VALUE if value is None else value for name, value in bindings.items()}


def _to_json_value(value: Any) -> Any:
    """A copy of `value` in plain JSON types: the library has its own lists and its own null."""
    if value is None or value is Utils.NULL_VALUE:
        return None
    if isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return _to_json_number(value)
    if isinstance(value, Mapping):
        return {str(key): _to_json_value(item) for key, item in value.items()}
    if isinstance(value, list):
        # By index: iterating the library's lazy range misses the last element.
        return [_to_json_value(value[index]) for index in range(len(value))]
    raise TypeError(f"a {type(value).__name__} is not JSON")


def _to_json_number(value: float) -> float | int:
    if not math.isfinite(value):
        raise TypeError("a number out of range")
    # JSON from JavaScript has only one kind of number: 2.0 is 2.
    return int(value) if value.is_integer() and abs(value) < _EXACT_INTEGERS else value


def _partition(array: Any = None, size: Any = None) -> Any:
    if array is None:
        return None
    step = int(size)
    if step < 1:
        raise ValueError("$partition needs a chunk size of at least 1")
    items = array if isinstance(array, list) else [array]
    return [[items[i] for i in range(at, min(at + step, len(items)))] for at in range(0, len(items), step)]


def _range(first: Any = None, last: Any = None, step: Any = None) -> Any:
    if step == 0:
        raise ValueError("$range needs a step other than 0")
    count = math.floor((last - first) / step) + 1
    return [first + index * step for index in range(max(count, 0))]


def _hash(data: Any = None, algorithm: Any = None) -> str:
    name = _HASH_NAMES.get(str(algorithm))
    if name is None:
        raise ValueError(f"$hash knows {', '.join(_HASH_NAMES)}, not {algorithm!r}")
    text = data if isinstance(data, str) else json.dumps(_to_json_value(data), separators=(",", ":"))
    return hashlib.new(name, text.encode(), usedforsecurity=False).hexdigest()


def _random(seed: Any = None) -> float:
    return random.random() if seed is None else random.Random(seed).random()  # noqa: S311 - no secret


def _uuid() -> str:
    return str(uuid.uuid4())


def _parse(text: Any = None) -> Any:
    if text is None:
        return None
    value = json.loads(text)
    return Utils.NULL_VALUE if value is None else value


def _refuse_eval(*_arguments: Any) -> Any:
    raise ValueError("Step Functions does not allow $eval; use $parse to read JSON")


def _native(function: Callable[..., Any]) -> Any:
    return Jsonata.JLambda(function)


# https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html lists them.
_STEP_FUNCTIONS: Mapping[str, Any] = {
    "partition": _native(_partition),
    "range": _native(_range),
    "hash": _native(_hash),
    "random": _native(_random),
    "uuid": _native(_uuid),
    "parse": _native(_parse),
    "eval": _native(_refuse_eval),
}
