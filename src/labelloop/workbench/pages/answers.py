"""The pages of what people answered: `/answers`, and one object's history."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse, Response

from labelloop.workbench.answer_search import AnswerSearch, Kind, Search, Spot
from labelloop.workbench.comments import Comments
from labelloop.workbench.corrections import Corrections
from labelloop.workbench.pages.answers_view import Choices, history_view, search_view
from labelloop.workbench.pages.rendering import page, session_or_refusal
from labelloop.workbench.sessions import REVIEWER
from labelloop.workbench.store import TaskStore

# The batches that a page offers to choose from.
_BATCHES_OFFERED = 30
_LONGEST_KEY = 256  # four bytes a letter: no store takes a longer key than this
router = APIRouter(default_response_class=HTMLResponse)
Text = Annotated[str, Query(max_length=_LONGEST_KEY)]
Key = Annotated[str, Query(min_length=1, max_length=_LONGEST_KEY)]
Percent = Annotated[Literal["", "50", "60", "70", "80", "90", "95", "99"], Query()]


@router.get("/answers")
def answers(
    request: Request,
    text: Text = "",
    label: Annotated[str, Query(alias="class", max_length=1000)] = "",
    person: Text = "",
    batch: Text = "",
    kind: Annotated[Kind, Query()] = "",
    confidence: Percent = "",
    order: Annotated[Literal["newest", "oldest"], Query()] = "newest",
    after: Annotated[str, Query(max_length=2 * _LONGEST_KEY)] = "",
) -> Response:
    session = session_or_refusal(request, REVIEWER)
    if isinstance(session, Response):
        return session
    store = _store(request)
    names = store.people()
    search = Search(
        words=text,
        label=label,
        person=person,
        batch=batch,
        kind=kind,
        confidence=int(confidence) / 100 if confidence else None,
        newest_first=order == "newest",
    )
    found = AnswerSearch(store, names).find(search, Spot.read(after) if after else None)
    choices = Choices.of(store.some_batches(_BATCHES_OFFERED), names.values())
    images = request.app.state.image_urls
    view = search_view(search, found, choices, names, images, is_first=not after)
    return page("answers.html.j2", session, view=view)


@router.get("/answers/object")
def answers_to_an_object(request: Request, batch: Key, task: Key) -> Response:
    session = session_or_refusal(request, REVIEWER)
    if isinstance(session, Response):
        return session
    store = _store(request)
    names = store.people()
    history = AnswerSearch(store, names).history(batch, task)
    images, no_reply = request.app.state.image_urls, Comments(store).no_reply_because
    view = history_view(history, names, images, no_reply, Corrections(store).of)
    return page("answers_object.html.j2", session, view=view)


def _store(request: Request) -> TaskStore:
    store: TaskStore = request.app.state.workbench.store
    return store
