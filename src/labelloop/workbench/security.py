"""Headers of every response (no inline scripts or styles, no framing, no caching), and limits of requests."""

from collections.abc import Sequence

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# What pages send is far shorter: the ids of some dozen tasks, or a reason of some hundred letters.
MOST_BYTES = 64 * 1024
_TOO_LONG = f"the request is too long: at most {MOST_BYTES // 1024} KB are read"

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def content_security_policy(image_sources: Sequence[str] = ()) -> str:
    """What pages may load: their own files, and images from `image_sources`."""
    images = " ".join(("'self'", "data:", *image_sources))
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; font-src 'self'; "
        f"img-src {images}; frame-src 'self'; manifest-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


class SecurityHeaders:
    """ASGI middleware. A route may set its own policy instead."""

    def __init__(self, app: ASGIApp, *, image_sources: Sequence[str] = (), https: bool = False) -> None:
        self._app = app
        self._headers = {**_HEADERS, "Content-Security-Policy": content_security_policy(image_sources)}
        if https:
            self._headers["Strict-Transport-Security"] = "max-age=63072000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                if not scope["path"].startswith("/static/"):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)


class LimitedBodies:
    """ASGI middleware. It reads no long body, because a request's body is read before its sender is known."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _announced_bytes(scope) > MOST_BYTES:
            await JSONResponse({"error": _TOO_LONG}, 413)(scope, receive, send)
            return
        read = 0

        async def receive_some() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > MOST_BYTES:
                raise HTTPException(413, _TOO_LONG)
            return message

        await self._app(scope, receive_some, send)


def _announced_bytes(scope: Scope) -> int:
    given = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(given) if given.isdigit() else MOST_BYTES + 1
