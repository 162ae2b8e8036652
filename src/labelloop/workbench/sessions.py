"""Who sends a request: sessions in cookies, roles, and the token that every write must have."""

import hashlib
import hmac
import secrets
import unicodedata
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote, unquote

from fastapi import Request, Response

ANNOTATOR, OWNER = "annotator", "owner"
ROLES = frozenset({ANNOTATOR, OWNER})
LONGEST_NAME = 60
_DAY = 24 * 3600


@dataclass(frozen=True)
class Session:
    """Who is signed in; `name` is None for a person who has the address but has not given a name yet.

    Answers are stored under `identity`: the `subject` if there is one, since it never changes, else the name.
    """

    name: str | None
    roles: frozenset[str]
    csrf_token: str
    subject: str | None = None

    @property
    def identity(self) -> str | None:
        return self.subject or self.name


class Sessions(Protocol):
    """How people sign in."""

    def session(self, request: Request) -> Session | None:
        """None for a request without a valid session."""
        ...


class LaptopSessions:
    """Everyone who has the printed address, with its key, may sign in with a name.

    The cookie holds the name and a signature made with the key. It is valid as long as the address is. What
    the cookie is called depends on the key too: browsers send cookies to every port of a host, where another
    workbench may be served.
    """

    def __init__(self, key: str | None = None) -> None:
        self.key = key or secrets.token_urlsafe(16)
        self.cookie = f"labelloop-session-{self._sign('cookie', '')[:12]}"

    def session(self, request: Request) -> Session | None:
        value = request.cookies.get(self.cookie, "")
        name, _, signature = value.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._sign("session", name).encode()):
            return None
        return Session(unquote(name) or None, ROLES, self._sign("csrf", value))

    def accepts(self, key: str) -> bool:
        """Whether this is the printed address's key."""
        return hmac.compare_digest(key.encode(), self.key.encode())

    def sign_in(self, response: Response, name: str) -> None:
        """Set the session's cookie; the name is empty for a person who has not given one yet."""
        quoted = quote(name, safe="")
        response.set_cookie(
            self.cookie,
            f"{quoted}.{self._sign('session', quoted)}",
            max_age=30 * _DAY,
            httponly=True,
            samesite="strict",
        )

    def sign_out(self, response: Response) -> None:
        response.delete_cookie(self.cookie)

    def _sign(self, purpose: str, value: str) -> str:
        return hmac.new(self.key.encode(), f"{purpose}\n{value}".encode(), hashlib.sha256).hexdigest()


def cleaned_name(name: str) -> str:
    """A person's name as it is shown and kept: without control characters, one space between words."""
    printable = "".join(letter if letter.isprintable() else " " for letter in name)
    return " ".join(unicodedata.normalize("NFC", printable).split())[:LONGEST_NAME].rstrip()


def key_of_name(name: str) -> str:
    """The same for all ways to write a name: "Ann" and "ann" are one person."""
    return unicodedata.normalize("NFC", cleaned_name(name).casefold())
