"""Who sends a request: sessions in cookies, roles, and the token that every write must have."""

import hashlib
import hmac
import secrets
import unicodedata
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote, unquote

from fastapi import Request, Response
from starlette.types import Scope

from labelloop.workbench.retrying import until_written
from labelloop.workbench.store import TaskStore
from labelloop.workbench.tasks import Member, Role

ANNOTATOR: Role = "annotator"
REVIEWER: Role = "reviewer"
OWNER: Role = "owner"
# Each has the rights of those before it.
_LADDER: tuple[Role, ...] = (ANNOTATOR, REVIEWER, OWNER)
ROLES: frozenset[str] = frozenset(_LADDER)
LONGEST_NAME = 60
_DAY = 24 * 3600
# How somebody came in: by the owner's address, by the one that people share, or by a link of their own.
_BY_OWNERS, _BY_SHARED, _BY_LINK = "owner", "shared", "link"
# The member that stands for all who come by the shared address, and keeps the sessions that have ended.
SHARED = ""
# That many ended sessions are remembered, the newest ones.
_MOST_ENDED = 1000


def roles_of(role: Role) -> frozenset[str]:
    """The role with those that it includes."""
    return frozenset(_LADDER[: _LADDER.index(role) + 1])


@dataclass(frozen=True)
class Session:
    """Who is signed in; `name` is None for a person who has the address but has not given a name yet.

    Answers are stored under `identity`: the `subject` if there is one, since it never changes, else the name.
    `by_link` is true for a person with a link of their own, who cannot take another name.
    """

    name: str | None
    roles: frozenset[str]
    csrf_token: str
    subject: str | None = None
    by_link: bool = False
    id: str = ""

    @property
    def identity(self) -> str | None:
        return self.subject or self.name

    def is_allowed(self, role: Role) -> bool:
        """Whether the person has this role, or one that includes it."""
        return not self.roles.isdisjoint(_LADDER[_LADDER.index(role) :])


class Sessions(Protocol):
    """How people sign in."""

    def session(self, request: Request) -> Session | None:
        """None for a request without a valid session."""
        ...


class LaptopSessions:
    """Cookies for who came by the owner's address, by the shared one, or by a link of their own.

    A cookie holds the way in, the session's id and the name, with a signature made with the key. It never
    holds a role: what a person may do is looked up at each request, so a withdrawn link ends its sessions at
    once. Who signs out ends the session, and a copy of its cookie is worth nothing. What the cookie
    is called depends on the key too: browsers send cookies to every port of a host, where another workbench
    may be served.
    """

    def __init__(self, store: TaskStore, key: str | None = None) -> None:
        self.key = key or secrets.token_urlsafe(16)
        # Whoever has it cannot find out the owner's.
        self.shared_key = self._sign("shared", "")[:32]
        self.cookie = f"labelloop-session-{self._sign('cookie', '')[:12]}"
        self._store = store

    def session(self, request: Request) -> Session | None:
        value = request.cookies.get(self.cookie, "")
        body = self._signed_body(value)
        if body is None:
            return None
        way, link, number, name = body.split(".", 3)
        shared = self._store.member(SHARED)
        if number in shared.ended_sessions or (way == _BY_SHARED and shared.withdrawn):
            return None
        return self._session(way, link, number, unquote(name), self._sign("csrf", value))

    def _session(self, way: str, link: str, number: str, name: str, csrf_token: str) -> Session | None:
        member = self._store.member(name) if name else None
        if way == _BY_LINK:
            if member is None or member.role is None or member.link != link:
                return None
            return Session(name, roles_of(member.role), csrf_token, by_link=True, id=number)
        # The name of a person who was invited is for the invitation's link alone.
        is_free = member is not None and member.role is None
        role = OWNER if way == _BY_OWNERS else ANNOTATOR
        return Session(name if is_free else None, roles_of(role), csrf_token, id=number)

    def sender(self, scope: Scope) -> str:
        """Who sends a request: the session that its cookie proves, else the address it comes from."""
        body = self._signed_body(Request(scope).cookies.get(self.cookie, ""))
        return f"session {body}" if body is not None else f"address {(scope.get('client') or ('',))[0]}"

    def _signed_body(self, cookie: str) -> str | None:
        body, _, signature = cookie.rpartition(".")
        signed = hmac.compare_digest(signature.encode(), self._sign("a session", body).encode())
        return body if signed else None

    def shared_is_closed(self) -> bool:
        """Whether an owner has closed the address that people share."""
        return self._store.member(SHARED).withdrawn

    def enter(self, request: Request, response: Response, key: str) -> bool:
        """Let somebody in who opens an address; False if there is no such address (any more).

        Who is signed in already stays so, except that the owner's address makes anybody an owner.
        """
        known = self.session(request)
        if hmac.compare_digest(key.encode(), self.key.encode()):
            if known is None or not known.is_allowed(OWNER):
                name = known.name if known and not known.by_link else None
                self._set_cookie(response, _BY_OWNERS, name=name or "")
            return True
        if not hmac.compare_digest(key.encode(), self.shared_key.encode()) or self.shared_is_closed():
            return False
        if known is None:
            self._set_cookie(response, _BY_SHARED)
        return True

    def enter_as(self, response: Response, member: Member) -> None:
        """Sign in a person who opens a link of their own."""
        self._set_cookie(response, _BY_LINK, member.link or "", member.id)

    def sign_in(self, response: Response, session: Session, name: str) -> None:
        """Give a session, which was not made by a link, this name."""
        way = _BY_OWNERS if session.is_allowed(OWNER) else _BY_SHARED
        self._set_cookie(response, way, name=name)

    def sign_out(self, response: Response, session: Session) -> None:
        """End a session. Who came by an address that others have too may come in under another name."""

        def end() -> None:
            shared = self._store.member(SHARED)
            ended = (*shared.ended_sessions, session.id)[-_MOST_ENDED:]
            self._store.save_member(shared.model_copy(update={"ended_sessions": ended}))

        until_written(end)
        if session.by_link:
            response.delete_cookie(self.cookie)
        else:
            self.sign_in(response, session, "")

    def _set_cookie(self, response: Response, way: str, link: str = "", name: str = "") -> None:
        body = f"{way}.{link}.{secrets.token_hex(8)}.{quote(name, safe='')}"
        response.set_cookie(
            self.cookie,
            f"{body}.{self._sign('a session', body)}",
            max_age=30 * _DAY,
            httponly=True,
            samesite="strict",
        )

    def _sign(self, purpose: str, value: str) -> str:
        return hmac.new(self.key.encode(), f"{purpose}\n{value}".encode(), hashlib.sha256).hexdigest()


def cleaned_name(name: str) -> str:
    """A person's name as it is shown and kept: without control characters, one space between words."""
    printable = "".join(letter if letter.isprintable() else " " for letter in name)
    return " ".join(unicodedata.normalize("NFC", printable).split())[:LONGEST_NAME].rstrip()


def key_of_name(name: str) -> str:
    """The same for all ways to write a name: "Ann" and "ann" are one person."""
    return unicodedata.normalize("NFC", cleaned_name(name).casefold())
