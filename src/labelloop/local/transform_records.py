"""How a transform job splits its input into records and requests, and assembles the answers.

https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform-data-processing.html
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

# The part of JSONPath that SageMaker documents: $, $.a.b, $['a'], $['a','b'].
_STEP = re.compile(r"\.([A-Za-z_][\w-]*)|\[((?:'[^']*'|\"[^\"]*\")(?:\s*,\s*(?:'[^']*'|\"[^\"]*\"))*)\]")
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")


class RecordsError(Exception):
    """Raised when records cannot be split, filtered, sent or joined as the transform job asks."""


@dataclass(frozen=True)
class MiniBatch:
    """The records of one request, numbered from `first` (1 is the first of the file)."""

    first: int
    records: Sequence[bytes]

    @property
    def numbers(self) -> str:
        """For messages: `record 3` or `records 3-9`."""
        last = self.first + len(self.records) - 1
        return f"record {self.first}" if last == self.first else f"records {self.first}-{last}"


def read_records(file: BinaryIO, *, by_line: bool) -> Iterator[bytes]:
    """The records of a file: its lines without line ends and without blank lines, or the whole file."""
    if by_line:
        lines = (line.rstrip(b"\r\n") for line in file)
        return (line for line in lines if line)
    return iter([file.read()])


def make_mini_batches(
    records: Iterable[bytes], *, most_bytes: int, many: bool, prepare: Callable[[bytes], bytes]
) -> Iterator[tuple[MiniBatch, bytes]]:
    """Requests of at most `most_bytes`: the records of each, and its body (`prepare`d, one per line).

    Raises `RecordsError` when a single record is larger.
    """
    first, batch, bodies, size = 1, [], [], 0  # type: int, list[bytes], list[bytes], int
    for number, record in enumerate(records, start=1):
        body = prepare(record)
        if len(body) > most_bytes:
            raise RecordsError(
                f"record {number} has {len(body)} bytes, more than the {most_bytes} of MaxPayloadInMB"
            )
        if batch and (not many or size + 1 + len(body) > most_bytes):
            yield MiniBatch(first, batch), b"\n".join(bodies)
            first, batch, bodies, size = number, [], [], 0
        size += len(body) + (1 if batch else 0)
        batch.append(record)
        bodies.append(body)
    if batch:
        yield MiniBatch(first, batch), b"\n".join(bodies)


def compile_filter(path: str | None) -> Callable[[Any], Any]:
    """The function of an InputFilter or OutputFilter: what the JSONPath selects from a value.

    Raises `RecordsError` for a path outside the part of JSONPath that SageMaker documents.
    """
    path = path or "$"
    steps: list[list[str]] = []
    at = 1
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None:
            break
        steps.append([match[1]] if match[1] else [a or b for a, b in _QUOTED.findall(match[2])])
        at = match.end()
    if path[:1] != "$" or at != len(path):
        raise RecordsError(f"the filter {path!r} is not known here: use $, $.a, $['a'] or $['a','b']")
    return lambda value: _select(value, steps, path)


def _select(value: Any, steps: Sequence[Sequence[str]], path: str) -> Any:
    for names in steps:
        if not isinstance(value, Mapping) or any(name not in value for name in names):
            raise RecordsError(f"the filter {path!r} finds nothing in {json.dumps(value)[:200]}")
        value = value[names[0]] if len(names) == 1 else {name: value[name] for name in names}
    return value


def join_record(record: Any, output: Any) -> dict[str, Any]:
    """A record and the model's answer to it, joined as with `JoinSource: Input`."""
    if isinstance(record, dict):
        return {**record, "SageMakerOutput": output}
    return {"SageMakerInput": record, "SageMakerOutput": output}


def parse_json(text: bytes, what: str) -> Any:
    """`text` as JSON. Raises `RecordsError`, which says that `what` is not JSON."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise RecordsError(f"{what} is not JSON ({error}): {text[:200].decode(errors='replace')}") from error


def to_json(value: Any) -> bytes:
    """`value` as one line of JSON, text as UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
