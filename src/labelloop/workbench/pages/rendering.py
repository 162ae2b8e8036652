"""How pages are rendered, and who gets those of the owner."""

from fastapi import Request
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse, Response

from labelloop.workbench.api import session_of
from labelloop.workbench.sessions import OWNER, Session

# People come back to these after they have signed in.
OWNERS_PAGES = ("/run", "/answers", "/disagreements")


def owner_or_refusal(request: Request) -> Session | Response:
    """The session of an owner, or what anybody else gets instead of the page."""
    session = session_of(request)
    if session is None or session.name is None:
        return sign_in_first(request)
    if OWNER not in session.roles:
        return page("refused.html.j2", session, status=403)
    return session


def sign_in_first(request: Request) -> Response:
    wanted = request.url.path
    return RedirectResponse(f"/sign-in?next={wanted}" if wanted in OWNERS_PAGES else "/sign-in", 303)


def page(template: str, session: Session | None, *, status: int = 200, **values: object) -> Response:
    text = render(
        template,
        session=session,
        name=session.name if session is not None else None,
        visitor=session.identity if session is not None else None,
        is_owner=session is not None and OWNER in session.roles,
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
