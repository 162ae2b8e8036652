"""`docker run IMAGE serve`: what SageMaker's transform contract asks, of the built image."""

import json
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.container.conftest import Job
from tests.container_image.conftest import JSON_LINES, NOBODY, Client, Start, records

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.xdist_group("model image")]

LIMIT = 6 * 1024 * 1024


def body_of(size: int, **more: object) -> bytes:
    return b"\n".join(json.dumps({**record, **more}).encode() for record in records(size))


def labels(answers: "list[dict[str, list[str]]]") -> list[str]:
    return [answer["label"][0] for answer in answers]


def classes(size: int) -> list[str]:
    return [f"__label__{number % 3}" for number in range(size)]


def test_execution_parameters_tell_how_the_container_is_best_asked(server: Client) -> None:
    status, content = server.request("GET", "/execution-parameters")
    assert status == 200
    assert json.loads(content) == {
        "MaxConcurrentTransforms": 1,
        "BatchStrategy": "MULTI_RECORD",
        "MaxPayloadInMB": 6,
    }


def test_one_record_is_answered_by_one_line(server: Client) -> None:
    status, answers = server.invoke(body_of(1))
    assert (status, len(answers)) == (200, 1)
    assert sorted(answers[0]["label"]) == ["__label__0", "__label__1", "__label__2"]
    assert sum(answers[0]["prob"]) == pytest.approx(1, abs=0.01)


def test_10_000_records_are_answered_in_order_and_pings_meanwhile(server: Client) -> None:
    body = b"\n".join([body_of(300, k=1)] * 34)
    lines = body.splitlines()[:10_000]
    with ThreadPoolExecutor(1) as other:
        asked = other.submit(server.invoke, b"\n".join(lines))
        pings = []
        while not asked.done():
            pings.append(server.ping())
            time.sleep(0.1)
    status, answers = asked.result()
    assert status == 200
    assert labels(answers) == [classes(300)[number % 300] for number in range(10_000)]
    assert set(pings) == {200}


def test_a_payload_at_the_limit_is_answered_and_one_over_it_is_refused(server: Client) -> None:
    record = b'{"source": "bank and shares"}'
    at_the_limit = record + b" " * (LIMIT - len(record))
    assert server.invoke(at_the_limit)[0] == 200
    status, (refusal,) = server.invoke(at_the_limit + b" ")
    assert (status, refusal) == (413, {"error": "The body is larger than 6 MB: send fewer records."})


def test_one_bad_line_among_good_ones_gets_the_one_error(server: Client) -> None:
    lines = body_of(9).splitlines()
    lines[4] = b'{"source": broken'
    status, answers = server.invoke(b"\n".join(lines))
    assert (status, len(answers)) == (200, 9)
    assert [number for number, answer in enumerate(answers) if "error" in answer] == [4]
    assert labels(answers[:4] + answers[5:]) == classes(9)[:4] + classes(9)[5:]


def test_requests_at_the_same_time_get_their_own_answers(server: Client) -> None:
    bodies = body_of(60).splitlines()
    with ThreadPoolExecutor(12) as clients:
        answered = list(clients.map(server.invoke, bodies))
    assert [status for status, _ in answered] == [200] * 60
    assert [labels(answers)[0] for _, answers in answered] == classes(60)


@pytest.mark.parametrize("share_sent", [0.5, 1.0], ids=["while sending", "before the answer"])
def test_a_client_that_hangs_up_disturbs_nobody(server: Client, share_sent: float) -> None:
    body = body_of(2_000)
    head = (
        "POST /invocations HTTP/1.1\r\nHost: container\r\nContent-Type: application/jsonlines\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(head.encode() + body[: int(len(body) * share_sent)])
    assert server.ping() == 200
    status, answers = server.invoke(body_of(3))
    assert (status, labels(answers)) == (200, classes(3))


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status"),
    [
        ("POST", "/invocations", b"a,b", {"Content-Type": "text/csv"}, 415),
        ("POST", "/invocations", b'{"source": "x"}', {}, 415),
        ("POST", "/invocations", b"", JSON_LINES, 400),
        ("POST", "/invocations", b"{}", {**JSON_LINES, "Accept": "text/csv"}, 406),
        ("GET", "/invocations", b"", {}, 405),
        ("GET", "/models", b"", {}, 404),
    ],
)
def test_what_is_wrong_with_a_request_is_said_with_its_status(
    server: Client, method: str, path: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    found, content = server.request(method, path, body, headers=headers)
    assert found == status
    assert json.loads(content)["error"]


def test_it_serves_without_network_as_anybody_on_a_read_only_system_and_ends_at_once(
    start: Start, trained: "tuple[Job, subprocess.CompletedProcess[str]]"
) -> None:
    model = trained[0].model
    options = ["--network", "none", "--user", NOBODY, "--read-only", "--tmpfs", "/tmp"]
    container = start("serve", *options, "--volume", f"{model}:/opt/ml/model:ro")
    container.await_line("Serving on")
    asked = container.python(
        "import urllib.request as r; q = r.Request('http://127.0.0.1:8080/invocations', "
        'b\'{"source": "film and song"}\', {"Content-Type": "application/jsonlines"}); '
        "print(r.urlopen('http://127.0.0.1:8080/ping', timeout=2).status, r.urlopen(q).read().decode())"
    )
    assert asked.returncode == 0, asked.stderr
    status, answer = asked.stdout.split(" ", 1)
    assert (status, json.loads(answer)["label"][0]) == ("200", "__label__1")
    code, seconds = container.stop(120)
    assert code == 0
    assert seconds < 60


def test_without_a_model_serving_ends_with_a_sentence(start: Start) -> None:
    container = start("serve", "--network", "none")
    assert container.exit_code() == 1
    container.await_line("/opt/ml/model")
