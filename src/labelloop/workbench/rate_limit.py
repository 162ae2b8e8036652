"""How many requests one sender may send on a laptop. In the stack, the HTTP API limits them."""

import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

# Many times what a page sends, whose person answers as fast as keys can be pressed.
A_SECOND = 50
BURST = 500
# Who sent nothing for longest is forgotten first.
_MOST_SENDERS = 10_000


class RateLimit:
    """ASGI middleware: a token bucket for each sender."""

    def __init__(
        self, app: ASGIApp, sender: Callable[[Scope], str], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`sender` names who sends a request."""
        self._app = app
        self._sender = sender
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, and when there were

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._admits(self._sender(scope)):
            told = {"error": "too many requests at once: wait a moment"}
            await JSONResponse(told, 429, headers={"Retry-After": "1"})(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _admits(self, sender: str) -> bool:
        now = self._clock()
        tokens, since = self._buckets.pop(sender, (float(BURST), now))
        tokens = min(BURST, tokens + (now - since) * A_SECOND)
        admitted = tokens >= 1
        self._buckets[sender] = (tokens - admitted, now)
        if len(self._buckets) > _MOST_SENDERS:
            self._buckets.popitem(last=False)
        return admitted
