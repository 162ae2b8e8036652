"""How pages are rendered, and who gets those that not everybody may see."""

from typing import NamedTuple

from fastapi import Request
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse, Response

from labelloop.workbench.api import session_of
from labelloop.workbench.sessions import ANNOTATOR, OWNER, REVIEWER, Session
from labelloop.workbench.tasks import Role


class Link(NamedTuple):
    """A page, and the least role that opens it."""

    address: str
    text: str
    role: Role


PAGES = (
    Link("/", "Label", ANNOTATOR),
    Link("/run", "Run", OWNER),
    Link("/answers", "Answers", REVIEWER),
    Link("/disagreements", "Disagreements", REVIEWER),
    Link("/people", "People", OWNER),
    Link("/guidelines", "Guidelines", OWNER),
)
# People come back to these after they have signed in.
ADDRESSES = frozenset(link.address for link in PAGES)


def session_or_refusal(request: Request, role: Role) -> Session | Response:
    """The session of a person with the role, or what anybody else gets instead of the page."""
    session = session_of(request)
    if session is None or session.name is None:
        return sign_in_first(request)
    if not session.is_allowed(role):
        return page("refused.html.j2", session, status=403, role=role)
    return session


def sign_in_first(request: Request) -> Response:
    wanted = request.url.path
    known = wanted in ADDRESSES and wanted != "/"
    return RedirectResponse(f"/sign-in?next={wanted}" if known else "/sign-in", 303)


def comes_from_elsewhere(request: Request) -> bool:
    """Whether somebody follows a link on another site: the first request then lacks our strict cookie."""
    return request.headers.get("Sec-Fetch-Site") == "cross-site"


def once_more(request: Request, address: str) -> Response | None:
    """A page of ours that loads an address with the cookie, for who comes from another site; else None.

    The address must say `again`, so that nobody is sent in circles.
    """
    if not comes_from_elsewhere(request) or "again" in request.query_params:
        return None
    return page("once_more.html.j2", None, address=address)


def page(template: str, session: Session | None, *, status: int = 200, **values: object) -> Response:
    text = render(
        template,
        session=session,
        name=session.name if session is not None else None,
        visitor=session.identity if session is not None else None,
        links=[link for link in PAGES if session is not None and session.is_allowed(link.role)],
        **values,
    )
    return HTMLResponse(text, status_code=status)


def render(template: str, **values: object) -> str:
    return _ENVIRONMENT.get_template(template).render(**values)


_ENVIRONMENT = Environment(
    loader=ChoiceLoader([PackageLoader("labelloop.workbench.pages"), PackageLoader("labelloop.reporting")]),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
