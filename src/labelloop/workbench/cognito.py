"""Signing in to the stack's workbench: Cognito's hosted pages, with its ID token as the session.

The cookie holds the ID token itself, and each request checks its signature. So the stack keeps no secret. The
app client is public, with PKCE (RFC 7636) instead of a client secret.
"""

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import urllib3
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from labelloop.workbench.api import written_by_our_page
from labelloop.workbench.errors import NotAllowedError, RefusedError, UnavailableError
from labelloop.workbench.sessions import ANNOTATOR, OWNER, REVIEWER, Session, cleaned_name, roles_of
from labelloop.workbench.tasks import Role

SESSION_COOKIE = "__Host-labelloop-session"
SIGNING_IN_COOKIE = "__Host-labelloop-signing-in"
GROUPS: dict[str, Role] = {"annotators": ANNOTATOR, "reviewers": REVIEWER, "owners": OWNER}
_SIGN_IN_SECONDS = 600
_KEYS_AGAIN_AFTER_SECONDS = 60.0
# Together less than the HTTP API waits for an answer.
_RETRIES = 1
_TIMEOUT = urllib3.Timeout(connect=3, read=5)
# The clocks of two machines differ a little.
_LEEWAY_SECONDS = 30

Post = Callable[[str, Mapping[str, str]], dict[str, Any]]
Get = Callable[[str], dict[str, Any]]


@dataclass(frozen=True)
class UserPool:
    """A Cognito user pool with its app client; `domain` is that of the hosted pages (`https://...`)."""

    issuer: str
    client_id: str
    domain: str


class CognitoSessions:
    """People who signed in at Cognito; their groups are their roles."""

    def __init__(
        self, pool: UserPool, *, get: Get | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self.pool = pool
        self._keys = _Keys(f"{pool.issuer}/.well-known/jwks.json", get or _get)
        self._clock = clock

    def session(self, request: Request) -> Session | None:
        token = request.cookies.get(SESSION_COOKIE)
        claims = self.claims(token) if token else None
        if token is None or claims is None:
            return None
        groups = claims.get("cognito:groups", [])
        roles = frozenset[str]().union(*(roles_of(GROUPS[group]) for group in groups if group in GROUPS))
        csrf_token = hmac.new(token.encode(), b"csrf", hashlib.sha256).hexdigest()
        return Session(_name_of(claims), roles, csrf_token, subject=str(claims["sub"]))

    def claims(self, token: str) -> dict[str, Any] | None:
        """The claims of an ID token; None if it is expired or from another pool or client."""
        try:
            decoded = jwt.decode(token, self._keys.find, algorithms=["RS256"])
            jwt.JWTClaimsRegistry(
                now=int(self._clock()),
                leeway=_LEEWAY_SECONDS,
                iss={"essential": True, "value": self.pool.issuer},
                aud={"essential": True, "value": self.pool.client_id},
                exp={"essential": True},
                token_use={"essential": True, "value": "id"},
                sub={"essential": True},
            ).validate(decoded.claims)
        except (JoseError, ValueError):
            return None
        return dict(decoded.claims)


class _Keys:
    """The pool's public keys, fetched again when a token names an unknown key."""

    def __init__(self, url: str, get: Get) -> None:
        self._url = url
        self._get = get
        self._lock = threading.Lock()
        self._known: KeySet | None = None
        self._looked_up = -_KEYS_AGAIN_AFTER_SECONDS

    def find(self, token: Any) -> Any:
        key_id = token.headers().get("kid")
        with self._lock:
            if not self._has(key_id) and time.monotonic() - self._looked_up >= _KEYS_AGAIN_AFTER_SECONDS:
                self._known = self._fetched()
                self._looked_up = time.monotonic()
            return self._known or KeySet([])

    def _fetched(self) -> KeySet:
        try:
            return KeySet.import_key_set(self._get(self._url))  # type: ignore[arg-type]
        except (urllib3.exceptions.HTTPError, JoseError, RefusedError, ValueError, KeyError) as error:
            raise UnavailableError(
                "the user pool's keys cannot be read now, so nobody can be recognized: try again in a minute"
            ) from error

    def _has(self, key_id: str | None) -> bool:
        return self._known is not None and any(key.kid == key_id for key in self._known.keys)


def sign_in_router(sessions: CognitoSessions, post: Post | None = None) -> APIRouter:
    """`/sign-in` redirects to Cognito, and Cognito redirects back to `/signed-in`.

    `/api/sign-out` ends our session, and names the address that ends Cognito's.
    """
    router = APIRouter()
    pool, exchange = sessions.pool, post or _post

    @router.get("/sign-in")
    def sign_in(request: Request) -> Response:
        state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
        query = {
            "response_type": "code",
            "client_id": pool.client_id,
            "redirect_uri": _callback(request),
            "scope": "openid email",
            "state": state,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
        }
        response = RedirectResponse(f"{pool.domain}/oauth2/authorize?{urlencode(query)}", 303)
        _set_cookie(response, SIGNING_IN_COOKIE, f"{state}.{verifier}", _SIGN_IN_SECONDS)
        return response

    @router.get("/signed-in")
    def signed_in(request: Request, code: str = "", state: str = "", error: str = "") -> Response:
        expected, _, verifier = request.cookies.get(SIGNING_IN_COOKIE, "").partition(".")
        if error or not code or not expected or not hmac.compare_digest(state.encode(), expected.encode()):
            raise NotAllowedError("signing in did not work: start again at /sign-in")
        form = {
            "grant_type": "authorization_code",
            "client_id": pool.client_id,
            "redirect_uri": _callback(request),
            "code": code,
            "code_verifier": verifier,
        }
        token = exchange(f"{pool.domain}/oauth2/token", form).get("id_token")
        claims = sessions.claims(token) if isinstance(token, str) else None
        if not isinstance(token, str) or claims is None:
            raise NotAllowedError("signing in did not work: start again at /sign-in")
        response = RedirectResponse("/", 303)
        _set_cookie(response, SESSION_COOKIE, token, max(0, int(claims["exp"] - time.time())))
        response.delete_cookie(SIGNING_IN_COOKIE, secure=True, httponly=True)
        return response

    @router.post("/api/sign-out", dependencies=[Depends(written_by_our_page)])
    def sign_out(request: Request, response: Response) -> dict[str, Any]:
        query = urlencode({"client_id": pool.client_id, "logout_uri": f"{_origin(request)}/"})
        response.delete_cookie(SESSION_COOKIE, secure=True, httponly=True)
        return {"location": f"{pool.domain}/logout?{query}"}

    return router


def _name_of(claims: Mapping[str, Any]) -> str | None:
    """Only to be shown: a person may change the address, and nobody has checked it."""
    return cleaned_name(str(claims.get("email") or claims.get("cognito:username") or claims["sub"])) or None


def _origin(request: Request) -> str:
    return f"https://{request.url.netloc}"


def _callback(request: Request) -> str:
    return f"{_origin(request)}/signed-in"


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _set_cookie(response: Response, name: str, value: str, seconds: int) -> None:
    # Lax, because Cognito's page redirects back here, and browsers would not send a strict cookie then.
    response.set_cookie(name, value, max_age=seconds, httponly=True, secure=True, samesite="lax")


def _get(url: str) -> dict[str, Any]:
    return _answer(urllib3.request("GET", url, timeout=_TIMEOUT, retries=_RETRIES))


def _post(url: str, form: Mapping[str, str]) -> dict[str, Any]:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    try:
        response = urllib3.request(
            "POST", url, body=urlencode(form), headers=headers, timeout=_TIMEOUT, redirect=False
        )
    except urllib3.exceptions.HTTPError as error:
        raise UnavailableError("the user pool cannot be reached now: try again in a minute") from error
    return _answer(response)


def _answer(response: urllib3.BaseHTTPResponse) -> dict[str, Any]:
    if response.status != 200:
        raise RefusedError("signing in did not work, because Cognito refused it: start again at /sign-in")
    answer: dict[str, Any] = json.loads(response.data)
    return answer
