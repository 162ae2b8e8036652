"""A chat-completions server in the place of Amazon Bedrock, as `labelloop run --model-server` has it."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import orjson
import pytest

from labelloop.cli.served_model import ServedModel, served_model
from labelloop.foundation_model.converse_form import ConverseForm
from labelloop.foundation_model.errors import ModelServerError
from labelloop.foundation_model.prompt import DescribedClass, Prompt
from labelloop.foundation_model.request_form import RequestSettings
from labelloop.local.service_error import ServiceError
from tests.foundation_model.cats_and_dogs import CLASSES, TEXTS, TRUTH
from tests.foundation_model.stand_in import Answer, Chat, StandIn, fault, said


@pytest.fixture
def server() -> Iterator[StandIn]:
    with StandIn(TRUTH).serving() as server:
        yield server


@contextlib.contextmanager
def served(server: StandIn, folder: Path, model: str = "tiny") -> Iterator[ServedModel]:
    with served_model(server.url, model, None, folder / "a.answers.sqlite") as found:
        yield found


def request(text: str) -> dict[str, Any]:
    """As a step sends it to Bedrock."""
    prompt = Prompt([DescribedClass(name) for name in CLASSES], mark="0123", asks_confidence=True)
    settings = RequestSettings("tiny", CLASSES, True, False, 0.0, most_tokens=50)
    sent: dict[str, Any] = orjson.loads(ConverseForm().body(settings, prompt.messages(text)))
    return {key: value for key, value in sent.items() if key != "modelId"}


def label(answer: dict[str, Any]) -> str:
    found: str = json.loads(answer["output"]["message"]["content"][0]["text"])["label"]
    return found


def formats(server: StandIn) -> list[str]:
    return [chat.body.get("response_format", {}).get("type", "none") for chat in server.chats]


def fails_at_a_schema(chat: Chat) -> Answer | None:
    """As llama-cpp-python does."""
    if chat.body["response_format"]["type"] == "json_schema":
        return fault(500, "validation error: {'loc': ('body', 'response_format', 'type')}")
    return None


def test_a_server_that_fails_at_what_it_does_not_know_is_asked_otherwise(
    server: StandIn, tmp_path: Path
) -> None:
    server.switch = fails_at_a_schema
    with served(server, tmp_path) as model:
        assert [label(model.converse("tiny", request(text))) for text in TEXTS[:2]] == ["cat", "dog"]
    assert formats(server) == ["json_schema", "json_object", "json_object"]
    with served(server, tmp_path) as model:
        assert [label(model.converse("tiny", request(text))) for text in TEXTS[:3]] == ["cat", "dog", "cat"]
    assert formats(server)[3:] == ["json_object"], "what was answered is kept, and what the server accepts"


def test_a_server_that_fails_for_another_reason_is_asked_again_by_the_step(
    server: StandIn, tmp_path: Path
) -> None:
    server.switch = lambda chat: fault(500, "out of memory") if chat.number == 0 else None
    with served(server, tmp_path) as model:
        with pytest.raises(ServiceError, match="out of memory") as raised:
            model.converse("tiny", request(TEXTS[0]))
        assert (raised.value.code, raised.value.status) == ("ServiceUnavailableException", 503)
        assert label(model.converse("tiny", request(TEXTS[0]))) == "cat"
    assert formats(server) == ["json_schema"] * 2


def test_a_text_that_is_refused_changes_nothing_for_the_others(server: StandIn, tmp_path: Path) -> None:
    server.switch = lambda chat: fault(400, "too long") if chat.text == TEXTS[0] else None
    with served(server, tmp_path) as model:
        for _ in range(2):
            with pytest.raises(ServiceError, match="too long") as raised:
                model.converse("tiny", request(TEXTS[0]))
            assert raised.value.code == "ValidationException"
            assert label(model.converse("tiny", request(TEXTS[1]))) == "dog"
    assert formats(server) == ["json_schema", "none", "json_schema", "json_schema"]


def test_a_request_that_is_refused_while_another_is_answered_is_sent_as_that_one_was(
    server: StandIn, tmp_path: Path
) -> None:
    waits, another_is_answered = threading.Event(), threading.Event()

    def slow_to_refuse(chat: Chat) -> Answer | None:
        if chat.text == TEXTS[0] and "response_format" in chat.body:
            waits.set()
            assert another_is_answered.wait(60)
        return fault(400, "I do not understand") if "response_format" in chat.body else None

    server.switch = slow_to_refuse
    with served(server, tmp_path) as model, ThreadPoolExecutor(1) as beside:
        first = beside.submit(model.converse, "tiny", request(TEXTS[0]))
        assert waits.wait(60)
        assert label(model.converse("tiny", request(TEXTS[1]))) == "dog"
        another_is_answered.set()
        assert label(first.result(60)) == "cat"


def test_messages_name_the_fields_of_the_request(server: StandIn, tmp_path: Path) -> None:
    server.listed = fault(404)
    with served(server, tmp_path, "llama") as model, pytest.raises(ModelServerError) as unknown:
        model.converse("llama", request(TEXTS[0]))
    assert "Does --model-server end in /v1, and is ModelId 'llama' right?" in str(unknown.value)
    kept = tmp_path / "b.answers.sqlite"
    with pytest.raises(ModelServerError) as no_address, served_model("nowhere", "tiny", None, kept):
        pass
    assert "--model-server is an address such as http://127.0.0.1:11434/v1; not" in str(no_address.value)
    nobody = served_model("http://127.0.0.1:9/v1", "tiny", None, kept)
    with pytest.raises(ModelServerError, match="--model-server names another address"), nobody:
        pass


def test_answers_are_counted_kept_ones_too(server: StandIn, tmp_path: Path) -> None:
    kept, numbers = tmp_path / "a.answers.sqlite", list[int]()
    for _ in range(2):
        with served_model(server.url, "tiny", None, kept, numbers.append) as model:
            for text in TEXTS[:3]:
                model.converse("tiny", request(text))
    assert numbers == [1, 2, 3] * 2
    assert len(server.chats) == 3


def test_the_end_of_an_answer_is_told_in_the_words_of_bedrock(server: StandIn, tmp_path: Path) -> None:
    ends = dict(
        zip(
            TEXTS,
            [("length", "max_tokens"), ("content_filter", "content_filtered"), ("stop", "end_turn")],
            strict=False,
        )
    )
    server.switch = lambda chat: said('{"label": "cat"}', finish_reason=ends[chat.text][0])
    with served(server, tmp_path) as model:
        for text, (_, told) in ends.items():
            assert model.converse("tiny", request(text))["stopReason"] == told
