"""Asking at Amazon Bedrock, which behaves or does not: AWS's own client, and a server in place of Bedrock."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.session import get_session
from botocore.validate import ParamValidator

from labelloop.cli.asked_server import BedrockServer
from labelloop.foundation_model.answer_cache import AnswerCache
from labelloop.foundation_model.asking import Asking
from labelloop.foundation_model.converse_form import ConverseForm
from labelloop.foundation_model.converse_reply import read_converse_reply
from labelloop.foundation_model.errors import ModelServerError
from labelloop.foundation_model.model_client import Patience
from labelloop.foundation_model.reading import AnswerReader, Outcome, Reading
from labelloop.foundation_model.replies import Usage
from labelloop.foundation_model.row_labeler import ConfidenceFrom
from labelloop.foundation_model.spending import Spending
from labelloop.operations.cloud import Cloud

from .bedrock_stand_in import (
    ENDPOINT,
    MODEL,
    SECRET,
    BedrockStandIn,
    aws_environment,
    refusal,
    text,
    told,
    used,
)
from .cats_and_dogs import IMPATIENT, PRICES, TEXTS, TRUTH, labels, row_labeler
from .stand_in import Answer, Chat

REGION = "eu-central-1"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    aws_environment(monkeypatch)
    return monkeypatch


@pytest.fixture(scope="module")
def cloud() -> Cloud:
    """One for all tests: it reads the description of the service once."""
    return Cloud(None, REGION)


@pytest.fixture
def server(environment: pytest.MonkeyPatch) -> Iterator[BedrockStandIn]:
    with BedrockStandIn(TRUTH).serving() as stand_in:
        environment.setenv(ENDPOINT, stand_in.url)
        yield stand_in


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[AnswerCache]:
    with AnswerCache.open(tmp_path / "a.answers.sqlite") as opened:
        yield opened


Ask = Callable[..., Asking]


@pytest.fixture
def asking(server: BedrockStandIn, cache: AnswerCache, cloud: Cloud) -> Ask:
    def make(
        *,
        spending: Spending | None = None,
        patience: Patience = IMPATIENT,
        model: str = MODEL,
        at_once: int = 4,
    ) -> Asking:
        labeler = row_labeler(cache, model, ConfidenceFrom.STATED)
        client = BedrockServer(cloud).client(model, at_once=at_once, patience=patience)
        return Asking(
            labeler,
            client,
            cache,
            spending or Spending(),
            server=f"Amazon Bedrock in {REGION}",
            at_once=at_once,
        )

    return make


def validated(shape: str, document: Mapping[str, Any]) -> None:
    """By the description of the service that AWS's own client has."""
    model = get_session().get_service_model("bedrock-runtime").shape_for(shape)
    report = ParamValidator().validate(dict(document), model)
    assert not report.has_errors(), report.generate_report()


# What goes well ---------------------------------------------------------------------------------------------


def test_all_texts_are_labeled_several_at_a_time(server: BedrockStandIn, asking: Ask) -> None:
    server.switch = lambda chat: replace(told(used(label="cat"), stop="tool_use"), after_seconds=0.01)
    spending = Spending()
    answered = dict(asking(spending=spending).ask(TEXTS))
    assert labels(answered) == dict.fromkeys(TEXTS, "cat")
    assert 2 <= server.most_at_once <= 4
    assert len(server.chats) == len(TEXTS) == spending.requests
    assert spending.usage == Usage(100 * len(TEXTS), 10 * len(TEXTS))


def test_a_request_is_what_the_service_describes(server: BedrockStandIn, asking: Ask) -> None:
    (reading,) = dict(asking().ask(TEXTS[:1])).values()
    assert (reading.label, reading.confidence) == ("cat", 0.95)
    (chat,) = server.chats
    body = chat.body
    assert set(body) == {"messages", "system", "inferenceConfig", "toolConfig"}
    assert body["inferenceConfig"] == {"maxTokens": 50, "temperature": 0.0}
    assert [message["role"] for message in body["messages"]] == ["user"]
    assert "The classes:" in chat.system
    assert "text 0" not in chat.system
    tool = body["toolConfig"]["tools"][0]["toolSpec"]
    assert body["toolConfig"]["toolChoice"] == {"tool": {"name": tool["name"]}}
    assert tool["inputSchema"]["json"]["properties"]["label"]["enum"] == ["cat", "dog"]
    assert chat.headers["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/")
    assert "labelloop/" in chat.headers["User-Agent"]
    validated("ConverseRequest", {"modelId": MODEL, **body})
    validated("ConverseResponse", json.loads(server.answer(chat).body))


def test_a_model_may_be_named_by_the_arn_of_a_profile(server: BedrockStandIn, asking: Ask) -> None:
    arn = f"arn:aws:bedrock:{REGION}:123456789012:application-inference-profile/a1b2"
    server.models = [arn]
    assert labels(dict(asking(model=arn).ask(TEXTS[:2]))) == {text: TRUTH[text] for text in TEXTS[:2]}


def test_what_was_answered_is_never_sent_again(server: BedrockStandIn, asking: Ask) -> None:
    interrupted = asking().ask(TEXTS)
    early = dict(next(interrupted) for _ in range(9))
    interrupted.close()
    spending = Spending()
    again = asking(spending=spending)
    kept = dict(again.kept(TEXTS))
    assert labels(kept).items() >= labels(early).items()
    rest = dict(again.ask([text for text in TEXTS if text not in kept]))
    assert labels({**kept, **rest}) == TRUTH
    assert len({chat.raw for chat in server.chats}) == len(server.chats) == len(TEXTS)
    assert spending.usage.tokens_in == 100 * len(TEXTS), "also what an earlier call paid for"
    assert not dict(asking(model="another").kept(TEXTS))


# What a model accepts ---------------------------------------------------------------------------------------


def refusing(*fields: tuple[str, str]) -> Callable[[Chat], Answer | None]:
    """Refuses a request that has one of these, in these words."""

    def switch(chat: Chat) -> Answer | None:
        has = {*chat.body, *chat.body["inferenceConfig"]}
        words = [words for name, words in fields if name in has]
        return refusal("ValidationException", words[0]) if words else None

    return switch


TOOLS = ("toolConfig", "This model doesn't support tool use.")
CHOICE = ("toolConfig", "This model doesn't support the toolConfig.toolChoice.tool field. Remove it.")
HEAT = ("temperature", "`temperature` is deprecated for this model.")
SYSTEM = ("system", "This model doesn't support system messages. Try again without a system message.")


@pytest.mark.parametrize("fields", [(TOOLS,), (CHOICE,), (HEAT,), (SYSTEM,), (SYSTEM, HEAT, TOOLS)])
def test_what_a_model_does_not_accept_is_left_out_and_remembered(
    server: BedrockStandIn, asking: Ask, fields: tuple[tuple[str, str], ...]
) -> None:
    server.switch = refusing(*fields)
    assert labels(dict(asking().ask(TEXTS[:6]))) == {text: TRUTH[text] for text in TEXTS[:6]}
    assert len(server.chats) == 6 + len(fields), "each refused once"
    assert "The classes:" in server.chats[-1].system + server.chats[-1].user
    assert len(dict(asking().kept(TEXTS))) == 6
    dict(asking().ask(TEXTS[6:9]))
    assert len(server.chats) == 9 + len(fields), "and never tried again"


def test_a_text_that_is_refused_changes_nothing_for_others(server: BedrockStandIn, asking: Ask) -> None:
    too_long = refusal("ValidationException", "Input is too long for requested model.")
    server.switch = lambda chat: too_long if chat.text == TEXTS[0] else None
    answered = dict(asking().ask(TEXTS))
    assert answered[TEXTS[0]].outcome is Outcome.REFUSED
    assert answered[TEXTS[0]].fault == (
        "Bedrock answered ValidationException: Input is too long for requested model."
    )
    assert labels({**answered, TEXTS[0]: Reading(Outcome.LABELED, "cat")}) == TRUTH
    assert all("toolConfig" in chat.body for chat in server.chats[2:])


# Answers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "outcome", "why"),
    [
        (told(used(label="cat", confidence=0.9), stop="tool_use"), Outcome.LABELED, ""),
        (told(text("It is a"), used(label="cat"), stop="tool_use"), Outcome.LABELED, ""),
        (told(text('{"label": '), text('"cat"}')), Outcome.LABELED, ""),
        (
            told({"reasoningContent": {"reasoningText": {"text": "A dog?"}}}, text('{"label": "cat"}')),
            Outcome.LABELED,
            "",
        ),
        (told(used(label="cat"), used(label="cat"), stop="tool_use"), Outcome.LABELED, ""),
        (told(used(label="cat"), used(label="dog"), stop="tool_use"), Outcome.UNREADABLE, "several classes"),
        (told(used(label="Katze"), stop="tool_use"), Outcome.UNREADABLE, "'Katze' is not one of the classes"),
        (told(used(confidence=1), stop="tool_use"), Outcome.UNREADABLE, "no label"),
        (told(used(label="cat", confidence=7)), Outcome.LABELED, "no confidence: '7'"),
        (told(text('{"label": "ca'), stop="max_tokens"), Outcome.UNREADABLE, "raise --max-answer-tokens"),
        (told(stop="max_tokens"), Outcome.UNREADABLE, "cut off"),
        (told(), Outcome.UNREADABLE, "empty"),
        (told(stop="malformed_tool_use"), Outcome.UNREADABLE, "empty"),
        (told(text("Blocked."), stop="guardrail_intervened"), Outcome.REFUSED, "refused: by the filter"),
        (told(stop="content_filtered"), Outcome.REFUSED, "refused: by the filter"),
        (told(text("I cannot."), stop="refusal"), Outcome.REFUSED, "refused: I cannot."),
        (told(stop="refusal"), Outcome.REFUSED, "refused: by the model"),
        (told(stop="model_context_window_exceeded"), Outcome.REFUSED, "longer than the model can read"),
    ],
)
def test_an_answer_is_read_as_any_other(answer: Answer, outcome: Outcome, why: str) -> None:
    reading = AnswerReader(("cat", "dog")).read(read_converse_reply(json.loads(answer.body)))
    assert reading.outcome is outcome
    assert why in reading.fault
    assert (reading.label == "cat") == (outcome is Outcome.LABELED)


@pytest.mark.parametrize("answer", [{}, {"output": {}}, {"output": {"message": {"content": None}}}])
def test_what_is_no_answer_is_told(answer: Mapping[str, Any]) -> None:
    with pytest.raises(ValueError, match="not an answer of the Converse operation"):
        read_converse_reply(answer)


def test_bad_answers_by_the_hundred_lose_no_row(server: BedrockStandIn, asking: Ask) -> None:
    bad = [
        (told(text("Katze")), Outcome.UNREADABLE),
        (told(text("I cannot."), stop="refusal"), Outcome.REFUSED),
        (refusal("ValidationException", "Input is too long"), Outcome.REFUSED),
        (refusal("ThrottlingException", "Too many requests", 429), Outcome.FAILED),
        (Answer(200, b"<html>"), Outcome.FAILED),
        (Answer(hang_up=True), Outcome.FAILED),
        (told(used(label="cat"), stop="tool_use"), Outcome.LABELED),
    ]
    texts = [f"text {number}" for number in range(len(bad) * 15)]
    server.switch = lambda chat: bad[-1 - int(chat.text[5:]) % len(bad)][0]
    answered = dict(asking().ask(texts))
    assert set(answered) == set(texts)
    for text_, reading in answered.items():
        assert reading.outcome is bad[-1 - int(text_[5:]) % len(bad)][1], text_
        assert reading.label or reading.fault


# Trouble ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trouble",
    [
        refusal("ThrottlingException", "Too many requests, please wait before trying again.", 429),
        refusal("ServiceUnavailableException", "busy", 503),
        refusal("InternalServerException", "oh", 500),
        refusal("ModelNotReadyException", "not yet", 429),
        refusal("ModelErrorException", "model", 424),
        refusal("ModelTimeoutException", "late", 408),
        Answer(503, b"<html>bad gateway</html>"),
        Answer(hang_up=True),
        Answer(200, b'{"output'),
        Answer(200, b"{}"),
        Answer(200, b"[1]"),
        Answer(200, b'{"output": {"message": {"content": "cat"}}, "stopReason": "end_turn"}'),
    ],
)
def test_passing_trouble_is_waited_for(server: BedrockStandIn, asking: Ask, trouble: Answer) -> None:
    server.switch = lambda chat: trouble if chat.number < 1 else None
    assert labels(dict(asking().ask(TEXTS[:4]))) == {text: TRUTH[text] for text in TEXTS[:4]}
    assert len(server.chats) == 5, "AWS's client tries nothing again by itself"


def test_who_waited_in_vain_twice_does_not_wait_again(server: BedrockStandIn, asking: Ask) -> None:
    server.switch = lambda chat: replace(told(), after_seconds=0.5)
    spending = Spending(PRICES)
    patience = replace(IMPATIENT, timeout_seconds=0.05)
    answered = dict(asking(patience=patience, spending=spending).ask(TEXTS[:1]))
    assert answered[TEXTS[0]].fault == "no answer within 0.05 seconds (--timeout), in 2 attempts"
    assert spending.cost, "it may be charged for"


def test_bedrock_that_fails_for_good_ends_it_and_keeps_what_was_paid_for(
    server: BedrockStandIn, asking: Ask
) -> None:
    broken = refusal("ServiceUnavailableException", "broken", 503)
    server.switch = lambda chat: None if chat.number < 6 else broken
    with pytest.raises(ModelServerError, match=r"10 texts one after the other have no answer; .*broken"):
        dict(asking().ask(TEXTS))
    assert len(dict(asking().kept(TEXTS))) == 6


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            refusal(
                "AccessDeniedException",
                "You don't have access to the model with the specified model ID.",
                403,
            ),
            "AWS denies eu.amazon.nova-lite-v1:0 in eu-central-1: You don't have access .* Open the model "
            "once in the Model catalog of the Amazon Bedrock console",
        ),
        (
            refusal("AccessDeniedException", "x is not authorized to perform: bedrock:InvokeModel", 403),
            r"not authorized .*\. Have bedrock:InvokeModel allowed: docs/foundation-model\.md",
        ),
        (
            refusal(
                "ValidationException",
                "Invocation of model ID x with on-demand throughput isn\u2019t supported. Retry.",
            ),
            r"only through an inference profile: give its id, such as --model eu\.eu\.amazon",
        ),
        (
            refusal("ValidationException", "The provided model identifier is invalid."),
            "has no model 'eu.amazon",
        ),
        (
            refusal("ResourceNotFoundException", "This model version has reached the end of its life.", 404),
            "has no model 'eu.amazon.nova-lite-v1:0' for this account: This model version has reached",
        ),
        (
            refusal(
                "ValidationException", "The maximum tokens you requested exceeds the model limit of 4096."
            ),
            "limit of 4096. Give a smaller --max-answer-tokens",
        ),
        (
            refusal("ThrottlingException", "Too many tokens per day, please wait before trying again.", 429),
            "no more for this account today: .* Give the same command again tomorrow",
        ),
        (
            refusal("ExpiredTokenException", "The security token included in the request is expired", 403),
            "AWS does not accept the credentials: The security token .* is expired. Sign in again",
        ),
        (
            refusal("UnrecognizedClientException", "The security token is invalid.", 403),
            "does not accept the cred",
        ),
        (refusal("ServiceQuotaExceededException", "Too much."), "AWS refuses Converse: Too much"),
    ],
)
def test_what_is_true_for_all_requests_ends_it_at_once_and_costs_nothing(
    server: BedrockStandIn, asking: Ask, answer: Answer, words: str
) -> None:
    server.switch = lambda chat: answer
    spending = Spending(PRICES)
    with pytest.raises(ModelServerError, match=words) as error:
        dict(asking(spending=spending).ask(TEXTS))
    assert len(server.chats) == 1
    assert spending.cost == 0
    assert ".." not in str(error.value)
    assert SECRET not in str(error.value)


def test_access_that_is_withdrawn_ends_it_too(server: BedrockStandIn, asking: Ask) -> None:
    denied = refusal("AccessDeniedException", "no", 403)
    server.switch = lambda chat: denied if chat.number > 5 else None
    with pytest.raises(ModelServerError, match="AWS denies"):
        dict(asking(at_once=1).ask(TEXTS))
    assert len(server.chats) == 7


def test_without_credentials_nothing_is_sent(
    server: BedrockStandIn, asking: Ask, environment: pytest.MonkeyPatch
) -> None:
    environment.delenv("AWS_ACCESS_KEY_ID")
    client = BedrockServer(Cloud(None, REGION)).client(MODEL, at_once=1, patience=IMPATIENT)
    with pytest.raises(ModelServerError, match=r"no usable AWS credentials .* `aws sso login`"):
        client.complete(b'{"modelId": "m", "messages": []}')
    assert not server.chats


def test_a_region_without_bedrock_is_told_at_once(cloud: Cloud, environment: pytest.MonkeyPatch) -> None:
    environment.setenv(ENDPOINT, "http://127.0.0.1:9")
    client = BedrockServer(cloud).client(MODEL, at_once=1, patience=IMPATIENT)
    with pytest.raises(ModelServerError, match=r"Amazon Bedrock does not answer in eu-central-1: .*--region"):
        client.complete(b'{"modelId": "m", "messages": []}')


# Money ------------------------------------------------------------------------------------------------------


def test_what_bedrock_adds_for_a_tool_is_within_the_limit(server: BedrockStandIn, asking: Ask) -> None:
    assert ConverseForm().added_tokens >= ConverseForm(tool=False).added_tokens + 530
    spending = Spending(PRICES, max_cost=0.05)
    answered = dict(asking(spending=spending).ask(TEXTS))
    assert {reading.outcome for reading in answered.values()} == {Outcome.LABELED, Outcome.NOT_ASKED}
    assert (spending.cost or 9) <= 0.05
