"""Checks a request against the service's own model: names, types, lengths, ranges, patterns, enums.

botocore checks only names and types, and moto nothing; AWS refuses the rest with a `ValidationException`.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import botocore.session
from botocore.model import (
    ListShape,
    MapShape,
    OperationModel,
    ServiceModel,
    Shape,
    StringShape,
    StructureShape,
)

from labelloop.local.service_error import ServiceError

_PYTHON_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "structure": (dict,),
    "map": (dict,),
    "list": (list, tuple),
}


@cache
def service_model(service: str) -> ServiceModel:
    """Botocore's model of a service, read once."""
    return botocore.session.Session().get_service_model(service)


def check_request(service: str, operation: str, request: Any) -> None:
    """Raises `ServiceError` (`ValidationException`), which names everything that AWS would refuse."""
    model: OperationModel = service_model(service).operation_model(operation)
    problems = list(find_problems(request, model.input_shape)) if model.input_shape is not None else []
    if problems:
        count = "1 validation error" if len(problems) == 1 else f"{len(problems)} validation errors"
        raise ServiceError("ValidationException", f"{count} detected: " + "; ".join(problems))


def find_problems(value: Any, shape: Shape, at: str = "") -> Iterator[str]:
    """What is wrong with `value` as a `shape`: one sentence each, which begins with the place."""
    if getattr(shape, "is_document_type", False):
        return  # any JSON
    expected = _PYTHON_TYPES.get(shape.type_name)
    if expected is not None and not _is_of_type(value, expected):
        yield f"{at or 'the request'} must be a {shape.type_name}, not {type(value).__name__} {value!r:.80}"
    elif isinstance(shape, StructureShape):
        yield from _problems_in_structure(value, shape, at)
    elif isinstance(shape, MapShape):
        yield from _problems_in_map(value, shape, at)
    elif isinstance(shape, ListShape):
        yield from _problems_with_size(len(value), "items", shape, at)
        for index, item in enumerate(value):
            yield from find_problems(item, shape.member, f"{at}[{index}]")
    else:
        yield from _problems_in_scalar(value, shape, at)


def _is_of_type(value: Any, expected: tuple[type, ...]) -> bool:
    # In Python, True is an int; for AWS it is not.
    return isinstance(value, expected) and (bool in expected or not isinstance(value, bool))


def _problems_in_structure(value: Mapping[str, Any], shape: StructureShape, at: str) -> Iterator[str]:
    for name in shape.required_members:
        if value.get(name) is None:
            yield f"{_join(at, name)} is required"
    for name, item in value.items():
        member = shape.members.get(name)
        if member is None:
            yield f"{_join(at, name)} is not a field of {shape.name}"
        elif item is None:
            # Whether AWS treats null as a missing field depends on the SDK.
            if name not in shape.required_members:
                yield f"{_join(at, name)} must not be null"
        else:
            yield from find_problems(item, member, _join(at, name))


def _problems_in_map(value: Mapping[Any, Any], shape: MapShape, at: str) -> Iterator[str]:
    yield from _problems_with_size(len(value), "entries", shape, at)
    for key, item in value.items():
        yield from find_problems(key, shape.key, f"{at}'s key {key!r}")
        yield from find_problems(item, shape.value, f"{at}[{key!r}]")


def _problems_in_scalar(value: Any, shape: Shape, at: str) -> Iterator[str]:
    if isinstance(shape, StringShape):
        yield from _problems_in_string(value, shape, at)
    elif shape.type_name in ("integer", "long", "float", "double"):
        yield from _problems_with_size(value, "", shape, at)


def _problems_in_string(value: str, shape: StringShape, at: str) -> Iterator[str]:
    if shape.enum and value not in shape.enum:
        yield f"{at} must be one of {', '.join(shape.enum)}, not {value!r:.80}"
    yield from _problems_with_size(len(value), "characters", shape, at)
    pattern = _compiled(shape.metadata.get("pattern", ""))
    if pattern is not None and not pattern.fullmatch(value):
        yield f"{at} must match {pattern.pattern}, not {value!r:.80}"


def _problems_with_size(size: float, unit: str, shape: Shape, at: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    what = f"{size} {unit}".rstrip()
    if least is not None and size < least:
        yield f"{at} must have at least {least}, has {what}"
    if most is not None and size > most:
        yield f"{at} must have at most {most}, has {what}"


@cache
def _compiled(pattern: str) -> re.Pattern[str] | None:
    # A few models have patterns that only Java knows (\p{Print}); only AWS checks those.
    try:
        return re.compile(pattern) if pattern else None
    except re.error:
        return None


def _join(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name
