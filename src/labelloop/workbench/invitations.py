"""Invitations on a laptop: a link for one person, with a role."""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable

from labelloop.workbench.errors import ConflictError, RefusedError
from labelloop.workbench.sessions import SHARED, cleaned_name, key_of_name
from labelloop.workbench.store import TaskStore
from labelloop.workbench.tasks import Member, Role


class Invitations:
    """Makes and withdraws links. The store has only a hash of each key: nobody can read a link there."""

    def __init__(self, store: TaskStore, *, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock

    def invite(self, name: str, role: Role, *, by: str | None, again: bool = False) -> tuple[Member, str]:
        """A new link's key, and whom it is for. With `again`, it takes the place of an earlier link.

        Raises RefusedError for a name that cannot be invited.
        """
        name = cleaned_name(name)
        if not name:
            raise RefusedError("enter a name: the person's answers are stored under it")
        name = self._store.known_as(key_of_name(name), name)
        before = self._store.member(name)
        if name == by and before.role is None:
            raise RefusedError(f"you are {name} yourself here: invite others under other names")
        if before.link and not again:
            raise RefusedError(
                f"{name} has a link already: make a new one in the list below, or choose another name"
            )
        # 128 random bits cannot be guessed, so a slow hash would protect nothing.
        key = secrets.token_urlsafe(16)
        changes = {"role": role, "key_hash": _hash(key), "invited": self._clock(), "withdrawn": False}
        self._save(before, changes)
        return before.model_copy(update=changes), key

    def withdraw(self, member_id: str) -> None:
        """End a person's link, and all sessions that it began. The name stays the person's.

        Raises RefusedError.
        """
        member = self._store.member(member_id)
        if member.role is None:
            raise RefusedError(f"{member_id} has no link: load the page again")
        self._save(member, {"key_hash": None, "withdrawn": True})

    def close_shared(self, *, closed: bool) -> None:
        """Close the address that people share, or open it again. Closing signs out who came by it."""
        self._save(self._store.member(SHARED), {"withdrawn": closed})

    def whose(self, key: str) -> Member | None:
        """The person with the link that has this key."""
        given, found = _hash(key), None
        for member in self._store.members():
            if member.key_hash and hmac.compare_digest(member.key_hash, given):
                found = member
        return found

    def _save(self, member: Member, changes: dict[str, object]) -> None:
        try:
            self._store.save_member(member.model_copy(update=changes))
        except ConflictError as error:
            raise RefusedError("another owner has just changed this: load the page again") from error


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
