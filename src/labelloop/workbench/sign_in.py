"""Signing in on a laptop: a person opens the printed address, then enters a name."""

from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from labelloop.workbench.api import written_by_our_page
from labelloop.workbench.errors import NotAllowedError, RefusedError
from labelloop.workbench.sessions import LaptopSessions, cleaned_name, key_of_name

router = APIRouter()


class SignInRequest(BaseModel):
    """The name under which a person's labels are stored."""

    name: str


@router.get("/enter")
def enter(request: Request, key: str = "") -> Response:
    """The printed address. Raises NotAllowedError for another key."""
    sessions = _sessions(request)
    if not sessions.accepts(key):
        raise NotAllowedError("this address is not valid (any more): use the one that the workbench printed")
    known = sessions.session(request)
    response = RedirectResponse("/" if known and known.name else "/sign-in", 303)
    if known is None:
        sessions.sign_in(response, "")
    return response


@router.post("/api/sign-in", dependencies=[Depends(written_by_our_page)])
def sign_in(request: Request, response: Response, given: SignInRequest) -> dict[str, Any]:
    name = cleaned_name(given.name)
    if not name:
        raise RefusedError("enter a name: your labels are stored under it")
    # Whoever wrote the name differently before is the same person, and keeps the first name.
    name = request.app.state.workbench.store.known_as(key_of_name(name), name)
    _sessions(request).sign_in(response, name)
    return {"name": name}


@router.post("/api/sign-out", dependencies=[Depends(written_by_our_page)])
def sign_out(request: Request, response: Response) -> dict[str, Any]:
    _sessions(request).sign_in(response, "")
    return {"name": None}


def _sessions(request: Request) -> LaptopSessions:
    sessions: LaptopSessions = request.app.state.sessions
    return sessions
