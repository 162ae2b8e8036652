"""The owner's page `/people`: who labels here, and how; invitations, pauses, and answers to discard."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse, Response

from labelloop.workbench.pages.people_view import Addresses, people_view
from labelloop.workbench.pages.rendering import page, session_or_refusal
from labelloop.workbench.people_api import entrance
from labelloop.workbench.people_report import report_on_people
from labelloop.workbench.service import Workbench
from labelloop.workbench.sessions import OWNER, LaptopSessions

router = APIRouter(default_response_class=HTMLResponse)


@router.get("/people")
def people(request: Request, batch: Annotated[str, Query(max_length=256)] = "") -> Response:
    """In the run of the given batch, or of the one that people label now."""
    session = session_or_refusal(request, OWNER)
    if isinstance(session, Response):
        return session
    workbench: Workbench = request.app.state.workbench
    store = workbench.store
    shown = workbench.shown_batch(batch)
    view = people_view(
        shown,
        report_on_people(store, shown) if shown else None,
        store.members(),
        store.people(),
        _addresses(request),
        visitor=session.identity or "",
    )
    return page("people.html.j2", session, view=view)


def _addresses(request: Request) -> Addresses | None:
    sessions, address = request.app.state.sessions, request.app.state.address
    if not isinstance(sessions, LaptopSessions):
        return None
    shared = "" if sessions.shared_is_closed() else entrance(request, sessions.shared_key)
    host = urlsplit(address or "").hostname or ""
    return Addresses(shared, is_alone=host == "::1" or host.startswith("127."))
