"""The HTTP contract, with a classifier that needs no training."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import httpx
import numpy as np
import pytest
from classifier.application import build_application
from classifier.contract import Contract
from classifier.predictions import Predictions
from classifier.prior_labels import PriorLabels
from starlette.applications import Starlette

JSON_LINES = {"content-type": "application/jsonlines"}
ONE = b'{"source": "x"}'


class FirstLetter:
    """Is sure of class 0 for texts that start with `a`, of 1 for `b`, of 2 for all others."""

    contract = Contract("text", 3, "source", 0.0, 1.0, 2, {}, {})

    def __init__(self, embedding_size: int = 2) -> None:
        self._embedding_size = embedding_size

    def predict(self, texts: Sequence[str], priors: PriorLabels | None = None) -> Predictions:
        if "boom" in texts:
            raise RuntimeError("boom")
        best = ["ab".find(text[0]) % 3 for text in texts]
        probabilities = (np.eye(3)[best] * 0.7 + 0.1).astype(np.float32).reshape(-1, 3)
        embedding = np.full((len(texts), self._embedding_size), 1 / 3, np.float32)
        return Predictions(probabilities, embedding, np.full(len(texts), 1 / 3, np.float32))


class Client:
    """Sends requests to an application in this process."""

    def __init__(self, application: Starlette) -> None:
        # As a server does, which answers 500 where the application raises.
        self._transport = httpx.ASGITransport(application, raise_app_exceptions=False)

    def request(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> httpx.Response:
        async def send() -> httpx.Response:
            async with httpx.AsyncClient(transport=self._transport, base_url="http://container") as client:
                return await client.request(method, path, content=body, headers=headers)

        return asyncio.run(send())


@pytest.fixture
def client() -> Client:
    return Client(build_application(FirstLetter(), max_payload_mb=1, default_k=None))


def post(client: Client, body: bytes, **headers: str) -> httpx.Response:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.request("POST", "/invocations", body, {**JSON_LINES, **given})


def answers(response: httpx.Response) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text
    assert response.content.endswith(b"\n")
    return [json.loads(line) for line in response.content.decode("ascii").removesuffix("\n").split("\n")]


def best(response: httpx.Response) -> list[str | None]:
    return [line["label"][0] if "label" in line else None for line in answers(response)]


def refusal(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]


def test_ping_answers_200(client: Client) -> None:
    assert client.request("GET", "/ping").status_code == 200


def test_execution_parameters_ask_for_many_records_one_request_at_a_time(client: Client) -> None:
    wishes = client.request("GET", "/execution-parameters").json()
    assert wishes == {"MaxConcurrentTransforms": 1, "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": 1}


def test_an_answer_names_all_classes_best_first(client: Client) -> None:
    response = post(client, b'{"source": "bee"}\n')
    assert answers(response) == [
        {
            "label": ["__label__1", "__label__0", "__label__2"],
            "prob": [0.8, 0.1, 0.1],
            "embedding": [0.333, 0.333],
            "disagreement": 0.3333,
        }
    ]
    assert response.headers["content-type"] == "application/jsonlines"


def test_a_model_without_an_embedding_answers_none() -> None:
    client = Client(build_application(FirstLetter(embedding_size=0), max_payload_mb=1, default_k=None))
    (line,) = answers(post(client, ONE))
    assert set(line) == {"label", "prob", "disagreement"}


def test_each_record_has_its_line_in_order(client: Client) -> None:
    texts = ["a", "b", "c", "a"] * 700
    body = "\n".join(json.dumps({"source": text, "labelloop-id": 1}) for text in texts)
    assert best(post(client, body.encode())) == ["__label__0", "__label__1", "__label__2", "__label__0"] * 700


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{broken", "not JSON"),
        (b"", "not JSON"),
        (b"[1, 2]", "not a JSON object"),
        (b'{"title": "x"}', "'source' is missing"),
        (b'{"source": 5}', "'source' is not a string"),
        (b'{"source": " "}', "'source' is empty"),
        (b'{"source": "\xff"}', "not UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_a_bad_record_gets_an_error_on_its_line_and_fails_no_other(
    client: Client, line: bytes, reason: str
) -> None:
    first, bad, last = answers(post(client, b'{"source": "a"}\n' + line + b'\n{"source": "b"}'))
    assert (first["label"][0], last["label"][0]) == ("__label__0", "__label__1")
    assert list(bad) == ["error"]
    assert reason in bad["error"]


class Believer(FirstLetter):
    """Is sure of what the first of two sources says."""

    contract = Contract("text", 3, "source", 0.0, 1.0, 2, {}, {}, ["gpt", "rule"])

    def predict(self, texts: Sequence[str], priors: PriorLabels | None = None) -> Predictions:
        assert priors is not None
        assert priors.labels.shape == (len(texts), 2)
        return super().predict(["abc"[label] for label in priors.labels[:, 0]])


def test_prior_labels_reach_the_model_and_bad_ones_are_an_error_of_their_record() -> None:
    client = Client(build_application(Believer(), max_payload_mb=1, default_k=None))
    lines = [
        b'{"source": "a", "gpt": 1, "gpt-metadata": {"confidence": 0.9}}',
        b'{"source": "a", "gpt": 3}',
        b'{"source": "a", "gpt": 2, "gpt-metadata": {"confidence": "x"}}',
        b'{"source": "a", "gpt": 2}',
        b'{"source": "a"}',
    ]
    found = answers(post(client, b"\n".join(lines)))
    assert [line["label"][0] if "label" in line else None for line in found] == [
        *("__label__1", None, None, "__label__2", "__label__2")
    ]
    assert "the prior label under 'gpt' is 3" in found[1]["error"]
    assert "the confidence in 'gpt-metadata' is 'x'" in found[2]["error"]


def test_a_request_of_bad_records_alone_is_answered(client: Client) -> None:
    assert best(post(client, b"{\n{\n")) == [None, None]


@pytest.mark.parametrize(
    "body",
    [
        '{"source": "a\u2028b\u2029\x85"}\n{"source": "b"}'.encode(),
        b'{"source": "a"}\r\n{"source": "b"}\r\n',
        b'\xef\xbb\xbf{"source": "a"}\n{"source": "b"}\n',
        b'{"source":\r"a"}\n{"source": "b"}',
    ],
    ids=["separators of Unicode are text", "CRLF", "byte-order mark", "a lone CR is white space"],
)
def test_lines_end_at_line_feeds_only(client: Client, body: bytes) -> None:
    assert best(post(client, body)) == ["__label__0", "__label__1"]


@pytest.mark.parametrize(("k", "classes"), [(1, 1), (2, 2), (9, 3), (0, 3), (-1, 3), ("2", 3), (True, 3)])
def test_a_record_may_ask_for_its_k_best_classes(client: Client, k: object, classes: int) -> None:
    (line,) = answers(post(client, json.dumps({"source": "b", "k": k}).encode()))
    assert (len(line["label"]), len(line["prob"]), line["label"][0]) == (classes, classes, "__label__1")


def test_the_number_of_classes_can_be_limited_for_records_that_do_not_ask() -> None:
    client = Client(build_application(FirstLetter(), max_payload_mb=1, default_k=1))
    one, two = answers(post(client, b'{"source": "b"}\n{"source": "b", "k": 2}'))
    assert (len(one["label"]), len(two["label"])) == (1, 2)


def test_one_record_may_come_as_json(client: Client) -> None:
    body = b'\xef\xbb\xbf{\n  "source":\r\n "b"\n}\n'
    assert best(post(client, body, content_type="application/json; charset=UTF-8")) == ["__label__1"]


def test_one_record_as_json_is_answered_as_json_on_request(client: Client) -> None:
    response = post(client, ONE, content_type="application/json", accept="application/json")
    assert response.headers["content-type"] == "application/json"
    assert response.json()["label"][0] == "__label__2"


@pytest.mark.parametrize(
    "content_type", ["", "text/csv", "application/jsonlines; charset=latin-1", "json", ";"]
)
def test_other_content_types_are_refused(client: Client, content_type: str) -> None:
    status, sentence = refusal(post(client, ONE, content_type=content_type))
    assert status == 415
    assert "Content-Type must be application/jsonlines" in sentence


@pytest.mark.parametrize(
    "accept", ["*/*", "application/*", "text/html, */*;q=0.1", "application/jsonlines;q=0.9", ""]
)
def test_an_accept_header_that_leaves_json_lines_open_is_answered(client: Client, accept: str) -> None:
    assert post(client, ONE, accept=accept).headers["content-type"] == "application/jsonlines"


@pytest.mark.parametrize("accept", ["text/csv", "application/json", "text/*"])
def test_an_accept_header_without_json_lines_is_refused(client: Client, accept: str) -> None:
    status, sentence = refusal(post(client, ONE, accept=accept))
    assert status == 406
    assert "application/jsonlines" in sentence


@pytest.mark.parametrize("body", [b"", b"\n", b" \r\n ", b"\xef\xbb\xbf"])
def test_an_empty_body_is_refused(client: Client, body: bytes) -> None:
    assert refusal(post(client, body)) == (400, "The body is empty: send at least one record.")


def test_a_body_at_the_limit_is_answered_and_one_byte_more_is_refused(client: Client) -> None:
    body = ONE + b" " * (1024 * 1024 - len(ONE))
    assert best(post(client, body)) == ["__label__2"]
    status, sentence = refusal(post(client, body + b" "))
    assert (status, sentence) == (413, "The body is larger than 1 MB: send fewer records.")


def test_a_failing_prediction_is_told_as_such_and_the_next_is_answered(client: Client) -> None:
    status, sentence = refusal(post(client, b'{"source": "boom"}'))
    assert (status, sentence) == (500, "The prediction failed unexpectedly (RuntimeError).")
    assert best(post(client, ONE)) == ["__label__2"]


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/", 404), ("GET", "/invocations", 405)])
def test_other_paths_and_methods_are_refused_in_json(
    client: Client, method: str, path: str, status: int
) -> None:
    assert refusal(client.request(method, path))[0] == status
