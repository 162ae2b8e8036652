"""The owner's page `/guidelines`: what people of a run read, to be edited, and its earlier versions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse, Response

from labelloop.reporting.text import printable
from labelloop.workbench.guidelines import LONGEST_DESCRIPTION, LONGEST_SHORT, LONGEST_TEXT, Guidelines
from labelloop.workbench.pages.answers_view import class_name, name_of_batch
from labelloop.workbench.pages.rendering import page, session_or_refusal
from labelloop.workbench.service import Workbench
from labelloop.workbench.sessions import OWNER
from labelloop.workbench.tasks import Batch, GuidelinesVersion, iso

router = APIRouter(default_response_class=HTMLResponse)


@dataclass(frozen=True)
class VersionView:
    """A version; `by` is empty for the first one, which is the request's. `classes` are names and lines."""

    number: int
    by: str
    time: str
    short: str
    text: str
    classes: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class GuidelinesView:
    """The page: the newest version first. `limits` are how many letters the fields take."""

    batch: str
    name: str
    versions: Sequence[VersionView]
    limits: Mapping[str, int]


@router.get("/guidelines")
def guidelines(request: Request, batch: Annotated[str, Query(max_length=256)] = "") -> Response:
    """Of the run of the given batch, or of the one that people label now."""
    session = session_or_refusal(request, OWNER)
    if isinstance(session, Response):
        return session
    workbench: Workbench = request.app.state.workbench
    shown = workbench.shown_batch(batch)
    return page("guidelines.html.j2", session, view=_view(workbench, shown) if shown else None)


def _view(workbench: Workbench, batch: Batch) -> GuidelinesView:
    names = workbench.store.people()
    return GuidelinesView(
        batch=batch.id,
        name=name_of_batch(batch),
        versions=[_version(batch, one, names) for one in Guidelines(workbench.store).versions(batch)],
        limits={"short": LONGEST_SHORT, "text": LONGEST_TEXT, "classes": LONGEST_DESCRIPTION},
    )


def _version(batch: Batch, version: GuidelinesVersion, names: Mapping[str, str]) -> VersionView:
    described = zip(range(len(batch.classes)), version.classes, strict=True)
    return VersionView(
        number=version.number,
        by="" if version.by is None else printable(names.get(version.by, version.by), 64),
        time=iso(version.at),
        short=version.short,
        text=version.text,
        classes=[(class_name(batch, label), line) for label, line in described],
    )
