"""Signing in at Cognito, with a user pool whose keys the test holds; the deployed function, on moto."""

import asyncio
import base64
import csv
import hashlib
import hmac
import io
import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
import urllib3
from fastapi.testclient import TestClient
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from moto import mock_aws

from labelloop.local.template import Template
from labelloop.workbench import cognito, lambda_app
from labelloop.workbench.application import create_app
from labelloop.workbench.cognito import GROUPS, SESSION_COOKIE, CognitoSessions, UserPool, sign_in_router
from labelloop.workbench.dynamodb_store import DynamoDbTaskStore
from labelloop.workbench.errors import RefusedError

from .conftest import ROOT, Desk, declared_table

POOL = UserPool(
    "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_abc",
    "client-1",
    "https://labelloop.auth.us-east-1.amazoncognito.com",
)


class Cognito:
    """The user pool's side: its keys, its tokens, its token endpoint."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "key-1"}, private=True)
        self.asked: list[str] = []
        self.posted: dict[str, str] = {}
        self.answer: dict[str, Any] = {"id_token": self.token()}

    def token(self, *, key: RSAKey | None = None, claims: dict[str, Any] | None = None) -> str:
        key = key or self.key
        now = int(time.time())
        given = {
            "iss": POOL.issuer,
            "aud": POOL.client_id,
            "token_use": "id",
            "sub": "1234",
            "email": "ann@example.com",
            "cognito:groups": ["annotators"],
            "iat": now,
            "exp": now + 3600,
            **(claims or {}),
        }
        return jwt.encode({"alg": "RS256", "kid": key.kid}, given, key)

    def get(self, url: str) -> dict[str, Any]:
        self.asked.append(url)
        return dict(KeySet([self.key]).as_dict(private=False))

    def post(self, url: str, form: Any) -> dict[str, Any]:
        self.asked.append(url)
        self.posted = dict(form)
        return self.answer


@pytest.fixture(scope="module")
def pool() -> Cognito:
    return Cognito()


@pytest.fixture
def client(sqlite_desk: Desk, pool: Cognito) -> TestClient:
    sqlite_desk.open(["a"])
    pool.answer = {"id_token": pool.token()}
    sessions = CognitoSessions(POOL, get=pool.get)
    app = create_app(sqlite_desk.workbench, sessions, https=True)
    app.include_router(sign_in_router(sessions, pool.post))
    return TestClient(app, base_url="https://workbench.example", follow_redirects=False)


def signed_in(client: TestClient, token: str) -> int:
    client.cookies.set(SESSION_COOKIE, token)
    return client.get("/api/batch").status_code


def test_signing_in_leads_to_cognito_and_back(client: TestClient, pool: Cognito) -> None:
    away = client.get("/sign-in")
    assert away.status_code == 303
    location = urlsplit(away.headers["location"])
    query = {name: values[0] for name, values in parse_qs(location.query).items()}
    assert f"{location.scheme}://{location.netloc}{location.path}" == f"{POOL.domain}/oauth2/authorize"
    assert query["redirect_uri"] == "https://workbench.example/signed-in"
    back = client.get("/signed-in", params={"code": "code-1", "state": query["state"]})
    assert (back.status_code, back.headers["location"]) == (303, "/")
    verifier = pool.posted["code_verifier"]
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    assert query["code_challenge"] == digest
    cookie = next(
        value for value in back.headers.get_list("set-cookie") if value.startswith(f"{SESSION_COOKIE}=")
    )
    for attribute in ("HttpOnly", "Secure", "Path=/", "SameSite=lax"):
        assert attribute in cookie
    assert client.get("/api/batch").json()["batch"]["id"] == "batch-1"
    assert client.get("/api/run").status_code == 403


def test_coming_back_with_another_state_or_none_is_refused(client: TestClient) -> None:
    for query in ({"code": "c", "state": "x"}, {"code": "c"}, {"error": "access_denied"}, {}):
        assert client.get("/signed-in", params=query).status_code == 403
    client.get("/sign-in")
    assert client.get("/signed-in", params={"code": "c", "state": "forged"}).status_code == 403


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://cognito-idp.us-east-1.amazonaws.com/another"},
        {"aud": "another"},
        {"token_use": "access"},
        {"exp": int(time.time()) - 60},
    ],
    ids=lambda claims: next(iter(claims)),
)
def test_a_token_of_another_pool_client_or_time_is_refused(
    client: TestClient, pool: Cognito, claims: dict[str, Any]
) -> None:
    assert signed_in(client, pool.token()) == 200
    assert signed_in(client, pool.token(claims=claims)) == 403


def test_a_forged_token_is_refused(client: TestClient, pool: Cognito) -> None:
    forger = RSAKey.generate_key(2048, {"kid": "key-1"}, private=True)
    assert signed_in(client, pool.token(key=forger)) == 403
    header, payload, _ = pool.token().split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    for token in (f"{header}.{payload}.", f"{none}.{payload}.", "x", "a.b.c", ""):
        assert signed_in(client, token) == 403


def test_an_unknown_key_is_looked_up_once_a_minute_at_most(client: TestClient, pool: Cognito) -> None:
    pool.asked.clear()
    stranger = RSAKey.generate_key(2048, {"kid": "unknown"}, private=True)
    for _ in range(5):
        assert signed_in(client, pool.token(key=stranger)) == 403
    assert pool.asked == [f"{POOL.issuer}/.well-known/jwks.json"]


@pytest.mark.parametrize(
    ("groups", "batch", "answers", "run"),
    [
        (["owners"], 200, 200, 200),
        (["reviewers"], 200, 200, 403),
        (["annotators", "reviewers", "other"], 200, 200, 403),
        (["annotators"], 200, 403, 403),
        (["other"], 403, 403, 403),
    ],
)
def test_groups_are_roles(
    client: TestClient, pool: Cognito, groups: list[str], batch: int, answers: int, run: int
) -> None:
    assert signed_in(client, pool.token(claims={"cognito:groups": groups})) == batch
    for path in ("/api/answers.csv", "/api/answers.jsonl", "/answers", "/disagreements"):
        assert client.get(path).status_code == answers, path
    for path in ("/api/run", "/people"):
        assert client.get(path).status_code == run, path


def test_the_template_has_a_group_for_each_role() -> None:
    resources = Template(ROOT / "template.yaml").resources.values()
    groups = {
        one["Properties"]["GroupName"] for one in resources if one["Type"] == "AWS::Cognito::UserPoolGroup"
    }
    assert groups == set(GROUPS)


def test_people_are_invited_to_the_user_pool_and_paused_here(
    client: TestClient, pool: Cognito, sqlite_desk: Desk
) -> None:
    ann = pool.token(claims={"sub": "sub-ann", "email": "ann@example.com"})
    signed_in(client, ann)
    client.get("/")
    client.post("/api/tasks/next", json={"count": 1}, headers=csrf_of(client))
    signed_in(client, pool.token(claims={"cognito:groups": ["owners"], "sub": "sub-olga"}))
    page = client.get("/people").text
    assert "invited to the user pool" in page
    assert "<bdi>ann@example.com</bdi>" in page
    for absent in ("Make a link", "shared address"):
        assert absent not in page
    for path in ("invite", "withdraw", "shared"):
        body = {"name": "Eve", "role": "owner", "person": "sub-ann", "closed": True}
        assert client.post(f"/api/people/{path}", json=body, headers=csrf_of(client)).status_code == 404
    paused = client.post("/api/people/pause", json={"person": "sub-ann"}, headers=csrf_of(client))
    assert paused.json() == {"paused": True}
    signed_in(client, ann)
    handed = client.post("/api/tasks/next", json={"count": 1}, headers=csrf_of(client)).json()
    assert (handed["state"], handed["tasks"]) == ("suspended", [])
    assert [one.id for one in sqlite_desk.store.members()] == ["sub-ann"]


def csrf_of(client: TestClient) -> dict[str, str]:
    found = re.search(r'name="csrf-token" content="(\w+)"', client.get("/").text)
    assert found is not None
    return {"X-CSRF-Token": found[1]}


def test_whoever_signs_out_is_out(client: TestClient, pool: Cognito) -> None:
    assert signed_in(client, pool.token()) == 200
    assert client.get("/sign-out").status_code == 404
    assert client.post("/api/sign-out", json={}).status_code == 403, "only our own pages sign people out"
    csrf = re.search(r'name="csrf-token" content="(\w+)"', client.get("/").text)
    assert csrf is not None
    away = client.post("/api/sign-out", json={}, headers={"X-CSRF-Token": csrf[1]})
    assert away.json()["location"].startswith(f"{POOL.domain}/logout?client_id=client-1")
    assert f'{SESSION_COOKIE}=""' in away.headers["set-cookie"]


def test_a_cookie_with_other_letters_is_no_session(client: TestClient) -> None:
    for value in ("\u00e4.\u00f6.\u00fc", "\u00e4"):
        headers = {"Cookie": f"{SESSION_COOKIE}={value}".encode("latin-1")}
        assert client.get("/api/batch", headers=headers).status_code == 403  # type: ignore[arg-type]
        assert client.get("/", headers=headers).status_code == 303  # type: ignore[arg-type]


@pytest.mark.parametrize("failure", [urllib3.exceptions.ReadTimeoutError, ValueError, RefusedError])
def test_keys_that_cannot_be_read_are_told_and_looked_up_again(
    desk: Desk, pool: Cognito, failure: type[Exception]
) -> None:
    def broken(url: str) -> dict[str, Any]:
        if failure is urllib3.exceptions.ReadTimeoutError:
            raise urllib3.exceptions.MaxRetryError(urllib3.HTTPSConnectionPool("x"), url)
        raise failure("no")

    def get(url: str) -> dict[str, Any]:
        return answers.pop()(url)

    answers = [pool.get, broken, broken]
    sessions = CognitoSessions(POOL, get=get)
    client = TestClient(create_app(desk.workbench, sessions), base_url="https://workbench.example")
    client.cookies.set(SESSION_COOKIE, pool.token())
    told = client.get("/api/batch")
    assert (told.status_code, "keys cannot be read now" in told.json()["error"]) == (503, True)
    page = client.get("/", headers={"Accept": "text/html"})
    assert (page.status_code, "<h1>That did not work</h1>" in page.text) == (503, True)
    assert client.get("/api/batch").status_code == 200


@pytest.fixture
def deployed(pool: Cognito, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The function's surroundings: table, bucket and user pool."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "DATA_BUCKET": "bucket",
        "WORKBENCH_TABLE": "workbench",
        "USER_POOL_ISSUER": POOL.issuer,
        "USER_POOL_CLIENT_ID": POOL.client_id,
        "USER_POOL_DOMAIN": POOL.domain,
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("WORKBENCH_DATABASE", raising=False)
    monkeypatch.setattr(cognito, "_get", pool.get)
    lambda_app.application.cache_clear()
    with mock_aws():
        boto3.client("dynamodb").create_table(TableName="workbench", **declared_table())
        boto3.client("s3").create_bucket(Bucket="bucket")
        yield
    lambda_app.application.cache_clear()


def http_event(
    method: str, path: str, *, cookies: list[str], body: Any = None, **headers: str
) -> dict[str, Any]:
    """An event of an HTTP API, payload format 2.0."""
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "cookies": cookies,
        "headers": {"host": "api.example", "content-type": "application/json", **headers},
        "requestContext": {
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"},
            "stage": "$default",
        },
        "body": json.dumps(body) if body is not None else None,
        "isBase64Encoded": False,
    }


def answer_to(event: dict[str, Any]) -> dict[str, Any]:
    """Its answer, given in a thread of its own: Playwright leaves its event loop running in ours."""

    def answer() -> dict[str, Any]:
        context: Any = None
        with closing(asyncio.new_event_loop()) as loop:
            asyncio.set_event_loop(loop)
            return lambda_app.handler(event, context)

    with ThreadPoolExecutor(1) as lambda_thread:
        return lambda_thread.submit(answer).result()


def test_the_deployed_function_answers_the_http_api(deployed: None, pool: Cognito) -> None:
    cookies = [f"{SESSION_COOKIE}={pool.token()}"]
    answer = answer_to(http_event("GET", "/api/batch", cookies=cookies))
    assert (answer["statusCode"], json.loads(answer["body"])) == (200, {"batch": None})
    assert "https://bucket.s3.us-east-1.amazonaws.com" in answer["headers"]["content-security-policy"]
    assert "max-age" in answer["headers"]["strict-transport-security"]
    refused = answer_to(
        http_event("POST", "/api/tasks/next", cookies=cookies, body={}, **{"x-csrf-token": "x"})
    )
    assert refused["statusCode"] == 403
    nobody = answer_to(http_event("GET", "/api/batch", cookies=[]))
    assert nobody["statusCode"] == 403


def test_people_are_told_apart_by_their_subject_and_shown_by_name(deployed: None, pool: Cognito) -> None:
    store = DynamoDbTaskStore("workbench")
    batch = Desk(store).open(["a", "b"], people_per_object=2)

    def ask(email: str, subject: str, method: str, path: str, body: Any = None) -> Any:
        token = pool.token(claims={"email": email, "sub": subject, "cognito:groups": ["owners"]})
        csrf = hmac.new(token.encode(), b"csrf", hashlib.sha256).hexdigest()
        cookies = [f"{SESSION_COOKIE}={token}"]
        answer = answer_to(http_event(method, path, cookies=cookies, body=body, **{"x-csrf-token": csrf}))
        assert answer["statusCode"] == 200, answer
        return answer["body"]

    assert "ann@example.com" in ask("ann@example.com", "sub-1", "GET", "/")
    tasks = json.loads(ask("ann@example.com", "sub-1", "POST", "/api/tasks/next", {}))["tasks"]
    ask("ann@example.com", "sub-1", "POST", f"/api/tasks/{tasks[0]['id']}/skip", {"reason": "why"})
    renamed = json.loads(ask("bob@example.com", "sub-1", "POST", "/api/tasks/next", {}))["tasks"]
    assert [task["id"] for task in renamed] == [tasks[1]["id"]], "a changed address is no second person"
    stored = {name for task in store.tasks(batch.id) for name in task.entries}
    assert stored == {"sub-1"}
    run = json.loads(ask("olga@example.com", "sub-2", "GET", "/api/run"))
    assert [one["name"] for one in run["annotators"]] == ["ann@example.com"]
    assert [one["by"] for one in run["skipped"]] == ["ann@example.com"]
    assert "ann@example.com" in ask("olga@example.com", "sub-2", "GET", "/answers")
    rows = list(csv.DictReader(io.StringIO(ask("olga@example.com", "sub-2", "GET", "/api/answers.csv")[1:])))
    assert [(row["person"], row["person_id"], row["reason"]) for row in rows] == [
        ("ann@example.com", "sub-1", "why")
    ]
    lines = ask("olga@example.com", "sub-2", "GET", "/api/answers.jsonl")
    assert json.loads(lines)["kind"] == "skip"
