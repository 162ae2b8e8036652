"""What a batch inference job answered, in whatever order and with whatever between it."""

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelloop.model_labels import batch_inference
from labelloop.model_labels.batch_inference import (
    BatchAnswers,
    as_model_input,
    batch_digest,
    parts_of,
    read_answers,
)
from labelloop.workflow.run_files import BatchJobFiles

FILES = BatchJobFiles("s3://bucket/out/run/foundation-model/jobs/001/")
INPUTS = [json.dumps({"messages": number}, separators=(",", ":")).encode() for number in range(5)]


class Store:
    """S3 in a dictionary, for the calls that are made."""

    def __init__(self) -> None:
        self.lines: dict[str, list[bytes]] = {}

    def read_lines(self, uri: str) -> list[bytes]:
        return self.lines[uri]

    def write_lines(self, uri: str, lines: Any) -> None:
        self.lines[uri] = list(lines)

    def list_uris(self, prefix: str) -> list[str]:
        return sorted(uri for uri in self.lines if uri.startswith(prefix))


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    made = Store()
    monkeypatch.setattr(batch_inference, "s3", made)
    batch_inference.write_requests(FILES, INPUTS)
    return made


def line(number: int, said: str) -> bytes:
    output = {"output": {"message": {"content": [{"text": said}]}}, "stopReason": "end_turn"}
    return json.dumps({"recordId": f"r{number:010d}", "modelOutput": output}).encode()


def read(store: Store, *lines: bytes) -> BatchAnswers:
    store.lines[f"{FILES.output}job/requests.jsonl.out"] = list(lines)
    store.lines[f"{FILES.output}job/manifest.json.out"] = [b'{"totalRecordCount": 5}']
    answers = BatchAnswers()
    read_answers(FILES, answers)
    return answers


def test_an_answer_is_found_by_its_record_whatever_the_order(store: Store) -> None:
    lines = [line(number, f"answer {number}") for number in range(5)]
    random.Random(0).shuffle(lines)
    answers = read(store, *lines)
    assert [answers.replies[batch_digest(one)].content for one in INPUTS] == [f"answer {n}" for n in range(5)]


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"{",
        b"[]",
        b'{"recordId": "r0000000009", "modelOutput": {}}',
        b'{"recordId": 7, "modelOutput": {}}',
        b'{"recordId": "0000000001"}',
        b'{"modelOutput": {"output": {}}}',
    ],
)
def test_a_line_of_nothing_that_was_asked_is_nothing(store: Store, bad: bytes) -> None:
    answers = read(store, bad, line(1, "yes"), bad)
    assert list(answers.replies) == [batch_digest(INPUTS[1])]


def test_an_error_in_place_of_an_answer_was_asked_and_is_not_answered(store: Store) -> None:
    error = {"recordId": "r0000000002", "error": {"errorCode": 400, "errorMessage": "bad request"}}
    answers = read(store, json.dumps(error).encode(), line(3, "first"), line(3, "second"))
    assert answers.asked == {batch_digest(INPUTS[2]), batch_digest(INPUTS[3])}
    assert answers.replies[batch_digest(INPUTS[3])].content == "first"
    assert "bad request" in answers.first_error


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=60), st.integers(1, 9), st.integers(40, 200))
def test_parts_hold_all_in_order_and_none_is_too_large(inputs: list[bytes], most: int, size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch_inference, "MOST_BATCH_RECORDS", most)
        patch.setattr(batch_inference, "_MOST_BYTES", size)
        parts = list(parts_of(inputs))
    assert [one for part in parts for one in part] == inputs
    assert all(0 < len(part) <= most and sum(map(len, part)) <= size for part in parts)


def test_a_record_is_a_request_without_its_model() -> None:
    body = b'{"modelId":"m","messages":[],"inferenceConfig":{"maxTokens":9}}'
    assert as_model_input(body) == b'{"messages":[],"inferenceConfig":{"maxTokens":9}}'
