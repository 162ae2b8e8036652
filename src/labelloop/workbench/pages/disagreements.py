"""The page `/disagreements` of reviewers: what people disagree about, one object at a time, to be decided."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse, Response

from labelloop.reporting.text import counted, printable
from labelloop.workbench.answer_search import HITS_A_PAGE, Answered, AnswerSearch, Found, Search, Spot
from labelloop.workbench.api import ImageUrls, public_id
from labelloop.workbench.guidelines import LONGEST_SHORT, Guidelines
from labelloop.workbench.pages.answers_view import class_name, image_address, whole_text
from labelloop.workbench.pages.rendering import page, session_or_refusal
from labelloop.workbench.service import NOT_DECIDABLE, Workbench
from labelloop.workbench.sessions import REVIEWER
from labelloop.workbench.tasks import Batch

router = APIRouter(default_response_class=HTMLResponse)


@dataclass(frozen=True)
class Said:
    """What one person said, without saying who."""

    who: str
    what: str


@dataclass(frozen=True)
class ToDecide:
    """An object that people disagree about. `later` is the address of the next one."""

    task: str
    text: str
    image: str | None
    said: Sequence[Said]
    classes: Sequence[tuple[str, str]]  # key and name
    instructions: str
    later: str


@dataclass(frozen=True)
class DisagreementsView:
    """The page; `object` is None where there is nothing to decide, and `again` leads to what was left."""

    told: str
    object: ToDecide | None
    again: str


@router.get("/disagreements")
def disagreements(
    request: Request,
    batch: Annotated[str, Query(max_length=256)] = "",
    after: Annotated[str, Query(max_length=512)] = "",
) -> Response:
    """Of the given batch, or of the one that people label now."""
    session = session_or_refusal(request, REVIEWER)
    if isinstance(session, Response):
        return session
    workbench: Workbench = request.app.state.workbench
    images: ImageUrls = request.app.state.image_urls
    return page("disagreements.html.j2", session, view=_view(workbench, images, batch, after))


def _view(workbench: Workbench, images: ImageUrls, chosen: str, after: str) -> DisagreementsView:
    batch = workbench.batch(chosen) if chosen else workbench.current_batch()
    if batch is None:
        return DisagreementsView("No batch is open, so there is nothing to decide.", None, "")
    if batch.state in ("closing", "closed"):
        return DisagreementsView("This batch is closed, so there is nothing to decide any more.", None, "")
    if not batch.decidable:
        return DisagreementsView(f"{NOT_DECIDABLE[0].upper()}{NOT_DECIDABLE[1:]}.", None, "")
    spot = Spot.read(after) if after else None
    search = Search(batch=batch.id, kind="undecided", newest_first=False)
    # Of a batch that is closed now, the page was at another one.
    found = AnswerSearch(workbench.store, {}).find(
        search, spot if spot and spot.batch_id == batch.id else None
    )
    if not found.hits:
        return _nothing(batch, found, after)
    told = counted(len(found.hits), "object")
    more = " or more" if found.stopped and len(found.hits) == HITS_A_PAGE else ""
    instructions = Guidelines(workbench.store).of(batch).short
    return DisagreementsView(f"{told}{more} to decide.", _to_decide(found.hits[0], images, instructions), "")


def _nothing(batch: Batch, found: Found, after: str) -> DisagreementsView:
    if found.stopped is not None:
        address = _address(batch, str(found.stopped))
        return DisagreementsView("Nothing so far. There are more objects to look through.", None, address)
    if after:
        return DisagreementsView("That was the last one.", None, _address(batch))
    waits = " The batch stays open until you have decided." if batch.adjudicate else ""
    return DisagreementsView(f"There is nothing to decide now.{waits}", None, "")


def _to_decide(one: Answered, images: ImageUrls, instructions: str) -> ToDecide:
    task, batch = one.task, one.batch
    # In an order that tells nothing of who they are, and differs from object to object.
    answers = sorted(task.answers.items(), key=lambda item: _shuffled(task.id, item[0]))
    said = [class_name(batch, label) for _, label in answers]
    said += [f"skipped: {printable(reason)}" for reason in task.skips.values()]
    digits = len(str(len(batch.classes)))
    return ToDecide(
        task=public_id(batch, task),
        text=whole_text(one),
        image=image_address(one, images),
        said=[Said(f"Person {number}", what) for number, what in enumerate(said, start=1)],
        classes=[
            (str(number).zfill(digits), class_name(batch, number - 1))
            for number in range(1, len(batch.classes) + 1)
        ],
        instructions=printable(instructions, LONGEST_SHORT),
        later=_address(batch, str(Spot(batch.id, task.place))),
    )


def _address(batch: Batch, after: str = "") -> str:
    return f"/disagreements?{urlencode({'batch': batch.id} | ({'after': after} if after else {}))}"


def _shuffled(task_id: str, person: str) -> str:
    return hashlib.sha256(f"{task_id}\n{person}".encode()).hexdigest()
