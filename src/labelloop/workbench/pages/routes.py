"""The pages' addresses `/`, `/run` and `/sign-in`."""

from collections.abc import Mapping
from importlib import resources
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from labelloop.workbench.api import run_overview_of, session_of
from labelloop.workbench.pages import answers, charts, disagreements, guidelines, people
from labelloop.workbench.pages.content_security import task_frame_policy
from labelloop.workbench.pages.rendering import (
    ADDRESSES,
    once_more,
    page,
    render,
    session_or_refusal,
    sign_in_first,
)
from labelloop.workbench.sessions import OWNER, LaptopSessions

_PROBLEMS = {403: "You cannot enter here", 404: "There is no such page"}


def mount(app: FastAPI) -> None:
    """Add the pages and their static files to the application.

    The sign-in page exists only on a laptop. In the stack, that address redirects to the identity provider.
    """
    static = resources.files(__package__).joinpath("static")
    app.mount("/static", _Static(directory=str(static)), name="static")
    app.include_router(router)
    app.include_router(answers.router)
    app.include_router(charts.router)
    app.include_router(disagreements.router)
    app.include_router(people.router)
    app.include_router(guidelines.router)
    if isinstance(app.state.sessions, LaptopSessions):
        app.include_router(laptop)


router = APIRouter(default_response_class=HTMLResponse)
laptop = APIRouter(default_response_class=HTMLResponse)


@router.get("/")
def label(request: Request) -> Response:
    session = session_of(request)
    if session is None or session.name is None:
        return sign_in_first(request)
    if not session.roles:
        return page("no_role.html.j2", session, status=403)
    if session.subject is not None:
        # So that the owner's page can show the name of whoever labels.
        request.app.state.workbench.store.known_as(session.subject, session.name)
    return page("label.html.j2", session)


@router.get("/run")
def run(request: Request) -> Response:
    return _run_page("run.html.j2", request)


@router.get("/run/parts")
def run_parts(request: Request) -> Response:
    """The parts that the run's page replaces while it is open."""
    return _run_page("run_parts.html.j2", request)


@laptop.get("/sign-in")
def sign_in(request: Request) -> Response:
    session = session_of(request)
    if session is None:
        return once_more(request, "/sign-in?again=") or page("no_key.html.j2", None, status=403)
    if session.by_link or (session.name and "again" in request.query_params):
        return RedirectResponse("/", 303)
    # Only our own pages, never an address from an outside link.
    wanted = request.query_params.get("next")
    return page("sign_in.html.j2", session, next=wanted if wanted in ADDRESSES else "/")


@router.get("/task-frame")
def task_frame(request: Request) -> Response:
    """The frame that shows a worker template's task. It contains no data and requests none."""
    policy = task_frame_policy(request.app.state.image_sources)
    headers = {"Content-Security-Policy": policy, "Cross-Origin-Opener-Policy": "unsafe-none"}
    return HTMLResponse(render("task_frame.html.j2"), headers=headers)


def problem_page(sentence: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    """For a person who opens an address that does not exist or that they may not open."""
    text = render(
        "problem.html.j2",
        title=_PROBLEMS.get(status, "That did not work"),
        sentence=f"{sentence[:1].upper()}{sentence[1:].rstrip('.')}.",
        session=None,
        name=None,
        visitor=None,
    )
    return HTMLResponse(text, status_code=status, headers=headers)


def _run_page(template: str, request: Request) -> Response:
    session = session_or_refusal(request, OWNER)
    if isinstance(session, Response):
        return session
    # Loads the loop, for the run's state. No other page needs it.
    from labelloop.workbench.pages.run_view import run_view

    document = run_overview_of(request, session.identity or "", request.query_params.get("batch"))
    return page(template, session, view=run_view(document))


class _Static(StaticFiles):
    """Files that a browser revalidates each time, and downloads only if they have changed."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        # The task's frame has its own origin.
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return response
