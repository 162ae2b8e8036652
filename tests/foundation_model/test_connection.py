"""What stands between this machine and a model: proxies, encryption, answers that do not end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from labelloop.foundation_model.chat_client import ChatClient
from labelloop.foundation_model.errors import ModelServerError, NoAnswerError
from labelloop.foundation_model.model_client import Patience
from labelloop.foundation_model.server_address import ServerAddress

from .stand_in import Answer, StandIn, fault, said

ELSEWHERE = "http://models.example/v1"
BODY = b'{"model": "tiny", "messages": []}'


@pytest.fixture
def server() -> Iterator[StandIn]:
    with StandIn({}).serving() as stand_in:
        stand_in.switch = lambda chat: said("cat")
        yield stand_in


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


def client(url: str, timeout_seconds: float = 5) -> ChatClient:
    return ChatClient(
        ServerAddress.parse(url), "tiny", "", at_once=1, patience=Patience(timeout_seconds=timeout_seconds)
    )


def test_the_proxy_of_the_environment_is_used(server: StandIn, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("http_proxy", server.url.removesuffix("/v1").replace("//", "//me:secret@"))
    through = client(ELSEWHERE)
    through.check()
    assert through.complete(BODY).content == "cat"
    assert server.chats[0].headers["Host"] == "models.example"
    assert server.chats[0].headers["proxy-authorization"].startswith("Basic ")


def test_no_proxy_is_used_for_this_machine(server: StandIn, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("http_proxy", "http://127.0.0.1:9")
    assert client(server.url).complete(BODY).content == "cat"


def test_a_proxy_that_is_not_there_is_told_as_such(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("http_proxy", "http://me:secret@127.0.0.1:9")
    with pytest.raises(ModelServerError, match="no connection through the proxy") as told:
        client(ELSEWHERE).check()
    assert "secret" not in str(told.value)


def test_a_proxy_of_another_kind_is_refused(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("all_proxy", "socks5://127.0.0.1:9")
    with pytest.raises(ModelServerError, match="none of HTTP or HTTPS"):
        client(ELSEWHERE)


def test_a_server_without_encryption_is_not_taken_for_one_with_it(server: StandIn) -> None:
    with pytest.raises(ModelServerError, match="no secure connection"):
        client(server.url.replace("http:", "https:")).check()


def test_an_address_that_does_not_exist_is_told() -> None:
    with pytest.raises(ModelServerError, match=r"no server at http://models\.invalid/v1: no connection"):
        client("http://models.invalid/v1").check()


def test_an_answer_may_come_in_chunks(server: StandIn) -> None:
    """Ollama sends long ones so."""
    server.switch = lambda chat: replace(said("cat " * 1_000), chunked=True)
    same = client(server.url)
    assert [same.complete(BODY).content for _ in range(3)] == ["cat " * 1_000] * 3


def test_an_answer_that_trickles_in_ends_with_the_time(server: StandIn) -> None:
    """Each byte comes in time, and all of them never would."""
    server.switch = lambda chat: Answer(body=b" " * 1_000, seconds_a_byte=0.02)
    with pytest.raises(NoAnswerError, match=r"no answer within 0\.1 seconds") as told:
        client(server.url, 0.1).complete(BODY)
    assert told.value.slow


def test_an_answer_without_end_is_not_read_to_it(server: StandIn) -> None:
    server.switch = lambda chat: Answer(body=b" " * 5_000_000)
    with pytest.raises(NoAnswerError, match="too long"):
        client(server.url).complete(BODY)


@pytest.mark.parametrize(
    "listed", [fault(404), Answer(body=b"[]"), Answer(body=b'{"data": [1]}'), Answer(hang_up=True)]
)
def test_where_no_models_are_listed_a_wrong_path_is_told_too(server: StandIn, listed: Answer) -> None:
    server.listed, server.switch = listed, lambda chat: fault(404, "page not found")
    with pytest.raises(
        ModelServerError, match=r"answered 404: page not found. Does --server end in /v1, and is"
    ):
        client(server.url).complete(BODY)
