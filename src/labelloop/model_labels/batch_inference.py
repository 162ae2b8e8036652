"""Batch inference at Amazon Bedrock: for about half the price, of texts that can wait for hours.

A job reads requests from S3, each a line with a `recordId` and a `modelInput`, and writes each with its
answer. The input is that of the Converse operation. Such a job takes no tools, so that an answer's form is
left to the prompt; what comes back unreadable is asked again one by one, with a tool.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from labelloop.foundation_model.answer_cache import request_digest
from labelloop.foundation_model.converse_reply import read_converse_reply
from labelloop.foundation_model.quoting import quoted
from labelloop.foundation_model.replies import Reply
from labelloop.storage import s3
from labelloop.workflow.request import MOST_BATCH_RECORDS
from labelloop.workflow.run_files import BatchJobFiles, is_batch_output

# A file may have 1 GB, unless AWS has set another limit.
_MOST_BYTES = 500_000_000
_SERVER = "batch inference"
_SHOWN = 200
_RECORD_ID = re.compile(r"r(\d{10})")


@dataclass
class BatchAnswers:
    """What the jobs that ended have answered, by the digests of their requests."""

    replies: dict[bytes, Reply] = field(default_factory=dict)
    asked: set[bytes] = field(default_factory=set)  # those too that came back with an error
    first_error: str = ""


def batch_digest(model_input: bytes) -> bytes:
    return request_digest(_SERVER, model_input, 0)


def as_model_input(body: bytes) -> bytes:
    """Of a request to the Converse operation, what a record has: the model is the job's."""
    fields = orjson.loads(body)
    fields.pop("modelId")
    return orjson.dumps(fields)


def parts_of(model_inputs: Iterable[bytes]) -> Iterator[list[bytes]]:
    """As many as a job takes."""
    part: list[bytes] = []
    size = 0
    for one in model_inputs:
        if part and (len(part) == MOST_BATCH_RECORDS or size + len(one) > _MOST_BYTES):
            yield part
            part, size = [], 0
        part.append(one)
        size += len(one)
    if part:
        yield part


def write_requests(files: BatchJobFiles, model_inputs: Sequence[bytes]) -> None:
    s3.write_lines(
        files.requests,
        (b'{"recordId":"%s","modelInput":%s}' % (_record_id(n), one) for n, one in enumerate(model_inputs)),
    )


def read_answers(files: BatchJobFiles, into: BatchAnswers) -> int:
    """Take what a job has answered, in whatever order. Returns how many answers there are.

    A line that cannot be read, or of a record that the job was not asked, is nothing: it is asked again.
    """
    digests = [batch_digest(_model_input(line)) for line in s3.read_lines(files.requests)]
    answered = 0
    for uri in filter(is_batch_output, s3.list_uris(files.output)):
        for line in s3.read_lines(uri):
            record = _record(line)
            number = _number(record)
            if number is None or number >= len(digests):
                continue
            into.asked.add(digests[number])
            reply = _reply(record)
            if reply is None:
                into.first_error = into.first_error or quoted(str(record.get("error", "")), _SHOWN)
            else:
                answered += 1
                into.replies.setdefault(digests[number], reply)
    return answered


def _record_id(number: int) -> bytes:
    """Eleven letters and digits, as Bedrock's documentation has it."""
    return b"r%010d" % number


def _model_input(line: bytes) -> bytes:
    return orjson.dumps(orjson.loads(line)["modelInput"])


def _record(line: bytes) -> Mapping[str, Any]:
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return record if isinstance(record, dict) else {}


def _number(record: Mapping[str, Any]) -> int | None:
    match = _RECORD_ID.fullmatch(str(record.get("recordId")))
    return int(match[1]) if match else None


def _reply(record: Mapping[str, Any]) -> Reply | None:
    """None where there is an error in place of an answer."""
    try:
        return read_converse_reply(record["modelOutput"])
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
