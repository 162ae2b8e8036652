"""The owner's page `/people`: who labels here, with which role and which link."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from labelloop.reporting.text import printable
from labelloop.workbench.pages.rendering import page, session_or_refusal
from labelloop.workbench.people_api import entrance
from labelloop.workbench.sessions import OWNER, SHARED, LaptopSessions
from labelloop.workbench.store import TaskStore
from labelloop.workbench.tasks import Member, iso

ROLES = {
    "annotator": ("Annotator", "labels"),
    "reviewer": ("Reviewer", "also sees all answers, and decides what people disagree about"),
    "owner": ("Owner", "can do all of it: also pause, close, and invite"),
}

router = APIRouter(default_response_class=HTMLResponse)


@dataclass(frozen=True)
class PersonView:
    """A person: `id` is what answers are stored under, and empty texts are not shown."""

    id: str
    name: str
    role: str
    invited: str  # when the link was made that works now
    is_withdrawn: bool


@dataclass(frozen=True)
class SharedView:
    """The address that people share; empty where it is closed."""

    address: str


@dataclass(frozen=True)
class PeopleView:
    """The page; without `shared`, people are invited elsewhere."""

    roles: Sequence[tuple[str, str, str]]
    is_alone: bool  # whether no other machine reaches the workbench
    shared: SharedView | None
    people: Sequence[PersonView]


@router.get("/people")
def people(request: Request) -> Response:
    session = session_or_refusal(request, OWNER)
    if isinstance(session, Response):
        return session
    store: TaskStore = request.app.state.workbench.store
    members = [member for member in store.members() if member.id != SHARED]
    view = PeopleView(
        roles=[(role, name, rights) for role, (name, rights) in ROLES.items()],
        is_alone=_is_alone(request.app.state.address),
        shared=_shared(request),
        people=[_person(member) for member in members],
    )
    return page("people.html.j2", session, view=view)


def _is_alone(address: str | None) -> bool:
    host = urlsplit(address or "").hostname or ""
    return host == "::1" or host.startswith("127.")


def _shared(request: Request) -> SharedView | None:
    sessions = request.app.state.sessions
    if not isinstance(sessions, LaptopSessions):
        return None
    return SharedView("" if sessions.shared_is_closed() else entrance(request, sessions.shared_key))


def _person(member: Member) -> PersonView:
    return PersonView(
        id=member.id,
        name=printable(member.id, 64),
        role=member.role or "",
        invited=iso(member.invited) if member.link and member.invited else "",
        is_withdrawn=member.withdrawn,
    )
