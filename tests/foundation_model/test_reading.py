"""What is read from an answer: a class with a confidence, or the reason why not."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelloop.foundation_model.confidence import from_logprobs, from_samples
from labelloop.foundation_model.reading import AnswerReader, Outcome, Reading, read_confidence
from labelloop.foundation_model.replies import Reply, Token, read_reply

CLASSES = ("business", "health", "arts and crafts", "1")


def read(content: str, finish_reason: str = "stop", refusal: str = "") -> Reading:
    return AnswerReader(CLASSES).read(Reply(content, finish_reason, refusal))


@pytest.mark.parametrize(
    ("content", "label", "confidence"),
    [
        ('{"label": "business", "confidence": 0.9}', "business", 0.9),
        ('{"label": " Business ", "confidence": "0,9"}', "business", 0.9),
        ('{"confidence": 1, "label": "arts and crafts"}', "arts and crafts", 1),
        ('{"Category": "health"}', "health", None),
        ('{"label": ["health"], "confidence": "87 %"}', "health", 0.87),
        ('{"label": 1, "confidence": 95}', "1", 0.95),
        ('```json\n{"label": "health", "confidence": 0.5}\n```', "health", 0.5),
        ('Sure! {"label": "health", "confidence": 0.5} I hope this helps.', "health", 0.5),
        ('{} {"a": {}} {"label": "health"}', "health", None),
        ('<think>business? {"label": "business"} no</think>\n{"label": "health"}', "health", None),
        ("health", "health", None),
        ('"Health."', "health", None),
        ("Label: **business**", "business", None),
        ('{"label": "health", "label": "health"}', "health", None),
    ],
)
def test_a_class_is_read_however_it_is_written(content: str, label: str, confidence: float | None) -> None:
    reading = read(content)
    assert (reading.outcome, reading.label, reading.confidence) == (Outcome.LABELED, label, confidence)
    assert reading.fault == ""


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("", "the answer is empty"),
        ("  \n", "the answer is empty"),
        ('{"label": "sports", "confidence": 1}', "'sports' is not one of the classes"),
        ('{"label": "Wirtschaft"}', "'Wirtschaft' is not one of the classes"),
        ('{"label": ["business", "health"]}', "names several classes"),
        ('{"label": "business", "label": "health"}', "names several classes"),
        ('{"label": "business"} {"label": "health"}', "names several classes"),
        ("business, health", "names several classes"),
        ("business or health", "names several classes"),
        ('{"label": null}', "the answer's label is not a text"),
        ('{"label": []}', "the answer's label is not a text"),
        ('{"label": {"label": "health"}}', "the answer's label is not a text"),
        ('{"confidence": 0.9}', "the answer has no label"),
        ("It is not about business.", "'It is not about business.' is not one of the classes"),
        ("NaN", "'NaN' is not one of the classes"),
        pytest.param("[" * 100_000, "is not one of the classes", id="brackets"),
        pytest.param('{"label":' * 100_000, "is not one of the classes", id="braces"),
    ],
)
def test_what_is_no_class_has_its_reason_and_may_be_asked_again(content: str, fault: str) -> None:
    reading = read(content)
    assert (reading.outcome, reading.label, reading.confidence) == (Outcome.UNREADABLE, "", None)
    assert fault in reading.fault
    assert reading.mendable


def test_what_could_steer_a_terminal_is_not_told() -> None:
    reading = read("\x1b[2J\x07 business?\u202e" * 9)
    assert reading.fault.isprintable()
    assert len(reading.fault) < 120


def test_a_refusal_is_told_in_the_model_s_words() -> None:
    refused = read("", refusal="I cannot help with that.")
    assert (refused.outcome, refused.fault) == (Outcome.REFUSED, "refused: I cannot help with that.")
    assert not refused.mendable
    assert read("", "content_filter").outcome is Outcome.REFUSED


def test_what_is_cut_off_is_read_only_if_it_is_whole() -> None:
    cut = read('{"label": "business", "confi', "length")
    assert cut.outcome is Outcome.UNREADABLE
    assert "--max-answer-tokens" in cut.fault
    assert not cut.mendable, "it would be cut off again"
    assert read('{"label": "business"}   \n\n', "length").label == "business"


@pytest.mark.parametrize("stated", [7, 2, "high", -0.5, 101, True, "7 of 10", [0.9], "1e400", 1e999])
def test_what_is_no_confidence_leaves_the_label_and_a_reason(stated: object) -> None:
    reading = read(json.dumps({"label": "health", "confidence": stated}))
    assert (reading.outcome, reading.label, reading.confidence) == (Outcome.LABELED, "health", None)
    assert "no confidence" in reading.fault


@pytest.mark.parametrize(("stated", "number"), [(0, 0), ("100%", 1), (11, 0.11), (".5", 0.5), ("7 %", 0.07)])
def test_a_confidence_is_a_share_or_what_can_only_be_a_percentage(stated: object, number: float) -> None:
    read_as, fault = read_confidence(stated)
    assert read_as == pytest.approx(number)
    assert fault == ""


@settings(max_examples=50)
@given(st.text() | st.recursive(st.none() | st.floats() | st.text(), lambda of: st.lists(of)).map(json.dumps))
def test_no_answer_breaks_the_reader(content: str) -> None:
    reading = read(content)
    assert (reading.outcome is Outcome.LABELED) == (reading.label in CLASSES)


# Confidence from elsewhere ---------------------------------------------------------------------------------


def tokens(*pairs: tuple[str, float]) -> tuple[Token, ...]:
    return tuple(Token(text, math.log(probability)) for text, probability in pairs)


def test_the_probability_of_a_label_is_that_of_its_tokens() -> None:
    content = '{"label": "business"}'
    reply = Reply(
        content, tokens=tokens(('{"', 0.5), ('label": "', 0.9), ("bus", 0.8), ("iness", 0.9), ('"}', 0.1))
    )
    reading = from_logprobs(reply, AnswerReader(CLASSES).read(reply))
    assert reading.confidence == pytest.approx(0.72)


def test_a_label_whose_tokens_are_not_found_has_no_confidence() -> None:
    reply = Reply("business", tokens=tokens(("b\\u0075siness", 0.5)))
    reading = from_logprobs(reply, AnswerReader(CLASSES).read(reply))
    assert (reading.label, reading.confidence) == ("business", None)
    assert "tokens were not found" in reading.fault


def test_samples_count_also_where_they_cannot_be_read() -> None:
    reader = AnswerReader(CLASSES)
    said = ["health", "business", "health", "cow", "health"]
    reading = from_samples([reader.read(Reply(one)) for one in said], CLASSES)
    assert (reading.label, reading.confidence) == ("health", 0.6)
    none = from_samples([reader.read(Reply("cow"))] * 3, CLASSES)
    assert none.outcome is Outcome.UNREADABLE
    tie = from_samples([reader.read(Reply(one)) for one in ("health", "business")], CLASSES)
    assert tie.label == "business", "the first class, whatever came first"


# The protocol ----------------------------------------------------------------------------------------------


def test_a_reply_is_read_with_what_servers_add_and_leave_out() -> None:
    parts = [{"type": "text", "text": "hea"}, {"type": "text", "text": "lth"}]
    message = {"content": parts}
    assert read_reply(json.dumps({"choices": [{"message": message}]}).encode()) == Reply("health")
    logprobs = {"content": [{"token": "a", "logprob": -1, "bytes": [97]}]}
    document = {
        "choices": [{"message": {"content": "a"}, "finish_reason": "stop", "logprobs": logprobs}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 1},
    }
    reply = read_reply(json.dumps(document).encode())
    assert (reply.usage and reply.usage.tokens_in, reply.tokens) == (3, (Token("a", -1.0),))
    assert Reply.of_document(reply.as_document()) == reply, "as it is kept"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"choices": []}',
        b'{"choices": [{"message": "a"}]}',
        pytest.param(b"[" * 99_999, id="brackets"),
    ],
)
def test_what_is_no_reply_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_reply(body)
