"""Signing in on a laptop: by a printed address and a name, or by a link of one's own."""

from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from labelloop.workbench.api import session_of, written_by_our_page
from labelloop.workbench.errors import NotAllowedError, RefusedError
from labelloop.workbench.invitations import Invitations
from labelloop.workbench.pages.rendering import comes_from_elsewhere, once_more
from labelloop.workbench.sessions import LaptopSessions, Session, cleaned_name, key_of_name
from labelloop.workbench.store import TaskStore

router = APIRouter()


class SignInRequest(BaseModel):
    """The name under which a person's labels are stored."""

    name: str


@router.get("/enter")
def enter(request: Request, key: str = "") -> Response:
    """A printed address, or a person's own link. Raises NotAllowedError for any other key."""
    if comes_from_elsewhere(request):
        # It is not known who is signed in here already.
        page = once_more(request, f"/enter?{urlencode({'key': key, 'again': ''})}")
        if page is None:
            raise NotAllowedError(
                "open the whole address in a new tab of this browser, rather than from a link"
            )
        return page
    sessions, response = _sessions(request), RedirectResponse("/", 303)
    if sessions.enter(request, response, key):
        return response
    member = Invitations(_store(request)).whose(key)
    if member is None:
        raise NotAllowedError(
            "this address is not valid (any more): use the one that the workbench printed, or ask its owner "
            "for a new link"
        )
    known = session_of(request)
    if known and known.name and known.name != member.id:
        # Nobody must be able to sign somebody in as another person by sending a link.
        raise NotAllowedError(
            f"you are signed in here as {known.name}, and this link is for {member.id}: sign out first, then "
            "open the link again"
        )
    sessions.enter_as(response, member)
    return response


@router.post("/api/sign-in", dependencies=[Depends(written_by_our_page)])
def sign_in(request: Request, response: Response, given: SignInRequest) -> dict[str, Any]:
    session, name = _required_session(request), cleaned_name(given.name)
    if session.by_link:
        raise RefusedError(f"your link is for {session.name}: to label under another name, use another link")
    if not name:
        raise RefusedError("enter a name: your labels are stored under it")
    # Whoever wrote the name differently before is the same person, and keeps the first name.
    name = _store(request).known_as(key_of_name(name), name)
    if _store(request).member(name).role is not None:
        raise RefusedError(f"{name} has a link of their own: open that link, or enter another name")
    _sessions(request).sign_in(response, session, name)
    return {"name": name}


@router.post("/api/sign-out", dependencies=[Depends(written_by_our_page)])
def sign_out(request: Request, response: Response) -> dict[str, Any]:
    _sessions(request).sign_out(response, _required_session(request))
    return {"name": None}


def _required_session(request: Request) -> Session:
    session = session_of(request)
    assert session is not None, "written_by_our_page has looked"
    return session


def _store(request: Request) -> TaskStore:
    store: TaskStore = request.app.state.workbench.store
    return store


def _sessions(request: Request) -> LaptopSessions:
    sessions: LaptopSessions = request.app.state.sessions
    return sessions
