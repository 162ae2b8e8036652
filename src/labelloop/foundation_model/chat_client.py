"""HTTP to a server that speaks the chat-completions protocol, and what its refusals mean."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

import orjson
import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    InvalidHeader,
    NewConnectionError,
    ProxyError,
    SSLError,
)
from urllib3.exceptions import TimeoutError as TimedOutError

import labelloop
from labelloop.core.near_names import nearest_name
from labelloop.foundation_model.chat_form import ChatForm
from labelloop.foundation_model.errors import ModelServerError, NoAnswerError, RequestRefusedError
from labelloop.foundation_model.model_client import (
    CONNECT_SECONDS,
    DEFAULT_PATIENCE,
    ModelClient,
    Patience,
    hung_up,
    not_readable,
)
from labelloop.foundation_model.quoting import quoted
from labelloop.foundation_model.replies import Reply, read_reply
from labelloop.foundation_model.request_form import RequestForm
from labelloop.foundation_model.server_address import ServerAddress
from labelloop.foundation_model.setting_names import OF_COMMAND, SettingNames

# 529: overloaded, at some companies.
_PASSING = (408, 409, 425, 429, 529)
_NO_CREDIT = b"insufficient_quota"
# No label takes more.
_MOST_BYTES = 4_000_000
_CHUNK = 65_536
_SHOWN = 300
_MODELS_SHOWN = 8
# A server that asks for more has nothing for today.
_LONGEST_PAUSE_SECONDS = 300.0
_CHECK_SECONDS = 10.0
# What is shorter is a word such as "none", for servers that want some key.
_SHORTEST_SECRET = 8


@dataclass(frozen=True, slots=True)
class _Response:
    status: int
    headers: Mapping[str, str]
    body: bytes


class ChatClient(ModelClient):
    """One model on one server, for many threads."""

    def __init__(
        self,
        server: ServerAddress,
        model: str,
        key: str,
        *,
        at_once: int,
        patience: Patience = DEFAULT_PATIENCE,
        names: SettingNames = OF_COMMAND,
    ) -> None:
        super().__init__(patience, names)
        self._server, self._model, self._key = server, model, key
        self._pool = _pool(server, at_once)
        self._accepted = False  # a request was answered: so the key is right

    @property
    def form(self) -> RequestForm:
        return ChatForm()

    def check(self) -> None:
        """Before any text is sent. Raises ModelServerError if nobody is there, or the key is refused."""
        try:
            response = self._send("GET", self._server.models, b"", _CHECK_SECONDS)
        except NoAnswerError as error:
            if error.slow:
                return  # it is there, and busy
            raise ModelServerError(self._unreachable(str(error))) from error
        # Any other status says little: not every server lists its models, or to everybody.
        if response.status == HTTPStatus.UNAUTHORIZED:
            raise ModelServerError(self._key_refused(response.status))

    def complete(self, body: bytes) -> Reply:
        return self._reply(self._send("POST", self._server.completions, body, self._patience.timeout_seconds))

    # One request ------------------------------------------------------------------------------------------

    def _send(self, method: str, url: str, body: bytes, seconds: float) -> _Response:
        headers = {"User-Agent": f"labelloop/{labelloop.__version__}"}
        if body:
            headers["Content-Type"] = "application/json"
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        until = time.monotonic() + seconds
        try:
            response = self._pool.request(
                method, url, body=body or None, headers=headers, redirect=False, retries=False,
                timeout=urllib3.Timeout(connect=min(seconds, CONNECT_SECONDS), read=seconds),
                preload_content=False,
            )  # fmt: skip
            content = _content(response, until)
        except (NewConnectionError, ConnectTimeoutError) as error:
            raise NoAnswerError(f"no connection ({_cause(error)})") from error
        except SSLError as error:
            raise ModelServerError(f"{self._server.url}: no secure connection ({_cause(error)}).") from error
        except TimedOutError as error:
            raise self._too_slow(seconds) from error
        except ProxyError as error:
            raise NoAnswerError(f"no connection through the proxy ({_cause(error)})") from error
        except (HTTPError, OSError) as error:
            raise hung_up() from error
        return _Response(response.status, response.headers, self._without_key(content))

    def _reply(self, response: _Response) -> Reply:
        status = response.status
        if status == HTTPStatus.OK:
            try:
                reply = read_reply(response.body)
            except ValueError as error:
                raise not_readable(error) from error
            self._accepted = True
            return reply
        said = self._said(response)
        self._refuse_all(status, said)
        if status == HTTPStatus.PAYMENT_REQUIRED or _NO_CREDIT in response.body:
            raise ModelServerError(f"{self._server.url} wants to be paid first: {said}")
        self._pause_as_asked(response)
        if status in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise NoAnswerError(f"the server answered {status}: {said}")
        raise RequestRefusedError(f"the server answered {status}: {said}")

    def _refuse_all(self, status: int, said: str) -> None:
        """Raises ModelServerError for a status that any other request would get too."""
        # Where others went through, some companies forbid a text by 403.
        if status == HTTPStatus.UNAUTHORIZED or (status == HTTPStatus.FORBIDDEN and not self._accepted):
            raise ModelServerError(self._key_refused(status))
        if status in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED):
            raise ModelServerError(self._not_found(status, said))
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            raise ModelServerError(
                f"{self._server.url} sends elsewhere ({status}): give the address it has now as "
                f"{self._names.server}."
            )

    def _pause_as_asked(self, response: _Response) -> None:
        """Nobody sends before the time that the server asks for."""
        try:
            seconds = urllib3.Retry().parse_retry_after(response.headers.get("Retry-After", "0"))
        except InvalidHeader:
            return
        if seconds > _LONGEST_PAUSE_SECONDS:
            raise ModelServerError(
                f"{self._server.url} asks to wait {seconds:,.0f} seconds ({response.status}): "
                f"{self._said(response)} {self._names.repeat} then."
            )
        self._pause(seconds)

    # Words ------------------------------------------------------------------------------------------------

    def _said(self, response: _Response) -> str:
        """The server's own words."""
        try:
            answer = orjson.loads(response.body)
        except ValueError:
            answer = response.body.decode(errors="replace")
        if isinstance(answer, dict):
            answer = answer.get("error") or answer.get("message") or answer.get("detail") or ""
        if isinstance(answer, dict):
            named = (answer.get(name) for name in ("message", "param", "code"))
            answer = " ".join(str(one) for one in named if one)
        words = str(answer)
        if len(self._key) >= _SHORTEST_SECRET:
            words = words.replace(self._key, "[key]")
        return quoted(words, _SHOWN) or "no words"

    def _without_key(self, content: bytes) -> bytes:
        """Some servers repeat it in their errors."""
        key = self._key.encode()
        return content.replace(key, b"[key]") if len(key) >= _SHORTEST_SECRET else content

    def _unreachable(self, reason: str) -> str:
        start = " Is it running? `ollama serve` starts Ollama." if self._server.on_this_machine else ""
        return (
            f"There is no server at {self._server.url}: {reason}.{start} {self._names.server} names another "
            "address."
        )

    def _key_refused(self, status: int) -> str:
        with_key = "refuses the key" if self._key else "wants a key"
        return (
            f"{self._server.url} {with_key} ({status}). --key-variable names the environment variable that "
            "has the right one."
        )

    def _not_found(self, status: int, said: str) -> str:
        models = self._models()
        if not models:
            return (
                f"{self._server.completions} answered {status}: {said}. Does {self._names.server} end in "
                f"/v1, and is {self._names.model} {self._model!r} right?"
            )
        near = nearest_name(self._model, models)
        meant = f" Did you mean {near!r}?" if near else ""
        more = f" and {len(models) - _MODELS_SHOWN} more" if len(models) > _MODELS_SHOWN else ""
        shown = ", ".join(map(repr, models[:_MODELS_SHOWN]))
        return (
            f"{self._server.url} has no model {self._model!r}.{meant} It has {shown}{more}. Ollama fetches "
            "others with `ollama pull`."
        )

    def _models(self) -> list[str]:
        """The names of the models, where the server tells them."""
        try:
            listed = orjson.loads(self._send("GET", self._server.models, b"", _CHECK_SECONDS).body)
            return [str(model["id"]) for model in listed["data"]]
        except (NoAnswerError, ValueError, KeyError, TypeError):
            return []


def _pool(server: ServerAddress, at_once: int) -> urllib3.PoolManager:
    """Through the proxy of the environment, as other programs."""
    proxies = urllib.request.getproxies()
    proxy = proxies.get(server.url.partition(":")[0]) or proxies.get("all")
    if not proxy or server.on_this_machine or urllib.request.proxy_bypass(server.host):
        return urllib3.PoolManager(maxsize=at_once)
    try:
        user = urllib3.util.parse_url(proxy).auth
        headers = urllib3.make_headers(proxy_basic_auth=user) if user else None
        return urllib3.ProxyManager(proxy, maxsize=at_once, proxy_headers=headers)
    except (HTTPError, ValueError) as error:
        raise ModelServerError("The proxy that the environment names is none of HTTP or HTTPS.") from error


def _content(response: urllib3.BaseHTTPResponse, until: float) -> bytes:
    """All of it, in time: a byte now and then does not count as an answer under way."""
    content = bytearray()
    try:
        while chunk := response.read1(_CHUNK):
            content += chunk
            if time.monotonic() > until:
                raise TimedOutError
            if len(content) > _MOST_BYTES:
                raise NoAnswerError("the server's answer is too long", lost=True)
    except BaseException:
        response.close()
        raise
    response.release_conn()
    return bytes(content)


def _cause(error: Exception) -> str:
    """What the operating system says."""
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    return getattr(cause, "strerror", None) or str(cause)
