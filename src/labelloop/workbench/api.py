"""The workbench's JSON API."""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import asdict
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import unquote

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field

from labelloop.reporting.text import printable
from labelloop.workbench.comments import LONGEST_COMMENT, Comments, Unread
from labelloop.workbench.corrections import Corrections
from labelloop.workbench.errors import NotAllowedError, NotFoundError, RefusedError
from labelloop.workbench.farewell import Farewell
from labelloop.workbench.guidelines import Guidelines
from labelloop.workbench.markdown import as_html
from labelloop.workbench.service import LONGEST_REASON, MOST_HELD, Handed, Progress, Workbench
from labelloop.workbench.sessions import OWNER, REVIEWER, Session
from labelloop.workbench.tasks import Batch, DataObject, GuidelinesVersion, Role, Task, iso

if TYPE_CHECKING:
    # Liquid takes a tenth of a second to load, and most runs have no template.
    from labelloop.workbench.worker_template import WorkerTemplate

# Separates the batch's id from the task's own id, in the ids that pages use.
_SEPARATOR = "~"
LONGER_DAYS = (1, 7)
ImageUrls = Callable[[str], str]
WorkerTemplates = Callable[[str], "WorkerTemplate"]
# Takes the id of the batch whose run is wanted, or nothing.
RunOverview = Callable[..., dict[str, Any]]


class NextRequest(BaseModel):
    """How many tasks a page wants, and which ones it holds."""

    count: int = Field(default=5, ge=0, le=MOST_HELD)
    holding: list[str] = Field(default_factory=list, max_length=2 * MOST_HELD)


class ReleaseRequest(BaseModel):
    """The tasks that a page gives back."""

    tasks: list[str] = Field(max_length=2 * MOST_HELD)


class AnswerRequest(BaseModel):
    """A class index, how long the person looked at the object, and the version of the guidelines shown."""

    label: int
    seconds: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    guidelines: int | None = None


class DecideRequest(BaseModel):
    """The class index that a reviewer decides for."""

    label: int


class FlagRequest(BaseModel):
    """What a person writes about an object."""

    comment: str = Field(default="", max_length=4 * LONGEST_COMMENT)


class ReplyRequest(BaseModel):
    """A reply, and the identity of the person whom it is for."""

    to: str = Field(max_length=256)
    comment: str = Field(max_length=4 * LONGEST_COMMENT)


class SkipRequest(BaseModel):
    """Why a person skips an object, and the version of the guidelines shown."""

    reason: str = Field(default="", max_length=4 * LONGEST_REASON)
    guidelines: int | None = None


def session_of(request: Request) -> Session | None:
    """The request's session, or None. Pages redirect people without a session to the sign-in."""
    if not hasattr(request.state, "session"):
        request.state.session = request.app.state.sessions.session(request)
    session: Session | None = request.state.session
    return session


# These are coroutines although they wait for nothing: FastAPI runs other functions in threads, and a request
# would wait for three of them. In the stack, a key may have to be fetched, which blocks the process. But
# there each process handles only one request at a time.
async def workbench_of(request: Request) -> Workbench:
    workbench: Workbench = request.app.state.workbench
    return workbench


async def annotator(request: Request) -> str:
    """The identity of the person who is signed in. Raises NotAllowedError."""
    session = session_of(request)
    if session is None or session.identity is None:
        raise NotAllowedError("you are signed out: load the page again and sign in")
    if not session.roles:
        raise NotAllowedError("you may not label here yet: ask an owner to add you to the group annotators")
    return session.identity


async def reviewer(request: Request) -> str:
    """The identity of the reviewer or owner who is signed in. Raises NotAllowedError."""
    return await _with_role(request, REVIEWER, "reviewers and owners")


async def owner(request: Request) -> str:
    """The identity of the owner who is signed in. Raises NotAllowedError."""
    return await _with_role(request, OWNER, "owners")


async def _with_role(request: Request, role: Role, who: str) -> str:
    session = session_of(request)
    if session is None or not session.is_allowed(role):
        raise NotAllowedError(f"only {who} may do this: ask an owner for that role")
    return await annotator(request)


async def written_by_our_page(request: Request) -> None:
    """Raises NotAllowedError unless a write has the session's token, which only our own pages know."""
    session = session_of(request)
    token = request.headers.get("X-CSRF-Token", "")
    if session is None or not hmac.compare_digest(token.encode(), session.csrf_token.encode()):
        raise NotAllowedError(_why_out_of_date(session, unquote(request.headers.get("X-Visitor", ""))))


def _why_out_of_date(session: Session | None, visitor: str) -> str:
    """`visitor` is whose page it is; empty if it does not say so."""
    if session is None or not visitor or session.identity == visitor:
        return "this page is out of date: load it again"
    if session.name is None:
        return "you signed out in another tab of this browser: load this page again, and sign in"
    return (
        f"in another tab of this browser, {session.name} has signed in: load this page again to go on as "
        f"{session.name}, or sign in with the name you had"
    )


TheWorkbench = Annotated[Workbench, Depends(workbench_of)]
Person = Annotated[str, Depends(annotator)]
Reviewer = Annotated[str, Depends(reviewer)]
Owner = Annotated[str, Depends(owner)]

reads = APIRouter(prefix="/api")
writes = APIRouter(prefix="/api", dependencies=[Depends(written_by_our_page)])


@reads.get("/batch")
def batch(workbench: TheWorkbench, person: Person) -> dict[str, Any]:
    current = workbench.current_batch()
    if current is None:
        return {"batch": None}
    progress = workbench.progress(current, person)
    guidelines = guidelines_document(Guidelines(workbench.store).of(current))
    return {
        "batch": {**batch_document(current), "guidelines": guidelines},
        "progress": _progress(progress),
    }


@writes.post("/tasks/next")
def next_tasks(
    workbench: TheWorkbench, person: Person, request: Request, wanted: NextRequest
) -> dict[str, Any]:
    holding = [_split(task_id)[1] for task_id in wanted.holding]
    if _is_over(request, workbench, f"label {person}"):
        handed = Handed([], "ended", None, None)
    else:
        handed = workbench.next_tasks(person, wanted.count, holding)
    return {
        "tasks": [
            _task_document(request, handed.batch, task, shown) for task, shown in handed.tasks if handed.batch
        ],
        "held": [task_id for task_id in wanted.holding if _split(task_id)[1] in handed.held],
        "state": handed.state,
        "batch": handed.batch.id if handed.batch else None,
        "guidelines": handed.batch.guidelines if handed.batch else None,
        "ahead": handed.ahead,
        "progress": _progress(handed.progress),
        "wait": asdict(handed.wait) if handed.wait else None,
    }


@writes.post("/tasks/release")
def release(workbench: TheWorkbench, person: Person, given: ReleaseRequest) -> dict[str, Any]:
    for batch_id, task_ids in groupby(sorted(map(_split, given.tasks)), key=itemgetter(0)):
        workbench.release(batch_id, [own_id for _, own_id in task_ids], person)
    return {"released": True}


@writes.post("/tasks/{task_id}/answer")
def answer(workbench: TheWorkbench, person: Person, task_id: str, given: AnswerRequest) -> dict[str, Any]:
    progress = workbench.answer(
        *_split(task_id), person, given.label, given.seconds, guidelines=given.guidelines
    )
    return {"accepted": True, "progress": _progress(progress)}


@writes.post("/tasks/{task_id}/skip")
def skip(workbench: TheWorkbench, person: Person, task_id: str, given: SkipRequest) -> dict[str, Any]:
    progress = workbench.skip(*_split(task_id), person, given.reason, guidelines=given.guidelines)
    return {"accepted": True, "progress": _progress(progress)}


@writes.post("/tasks/{task_id}/flag")
def flag(workbench: TheWorkbench, person: Person, task_id: str, given: FlagRequest) -> dict[str, Any]:
    Comments(workbench.store).flag(*_split(task_id), person, given.comment)
    return {"accepted": True}


@writes.post("/tasks/{task_id}/reply")
def reply(workbench: TheWorkbench, reviewer: Reviewer, task_id: str, given: ReplyRequest) -> dict[str, Any]:
    Comments(workbench.store).reply(*_split(task_id), reviewer, given.to, given.comment)
    return {"accepted": True}


@writes.post("/tasks/{task_id}/correct")
def correct(
    workbench: TheWorkbench, request: Request, reviewer: Reviewer, task_id: str, given: DecideRequest
) -> dict[str, Any]:
    batch_id, own_id = _of_a_run_under_way(request, task_id)
    Corrections(workbench.store).correct(batch_id, own_id, reviewer, given.label)
    return {"accepted": True}


@writes.post("/tasks/{task_id}/ask-others")
def ask_others(workbench: TheWorkbench, request: Request, reviewer: Reviewer, task_id: str) -> dict[str, Any]:
    batch_id, own_id = _of_a_run_under_way(request, task_id)
    Corrections(workbench.store).ask_others(batch_id, own_id, reviewer)
    return {"accepted": True}


def _of_a_run_under_way(request: Request, task_id: str) -> tuple[str, str]:
    """The batch and the task. Raises RefusedError where their run has ended."""
    batch_id, own_id = _split(task_id)
    run = request.app.state.run_overview(batch_id).get("run")
    if run and run.get("ended"):
        raise RefusedError(
            "the run has ended, so no merge would take the correction: labelloop check asks about labels of "
            "an ended run again"
        )
    return batch_id, own_id


@reads.get("/replies")
def replies(workbench: TheWorkbench, person: Person) -> dict[str, Any]:
    """The replies that the person has not seen."""
    unread = Comments(workbench.store).unread(person)
    names = workbench.store.people() if unread else {}
    return {"replies": [_reply_document(one, names) for one in unread]}


@writes.post("/tasks/{task_id}/reply-seen")
def reply_seen(workbench: TheWorkbench, person: Person, task_id: str) -> dict[str, Any]:
    Comments(workbench.store).seen(*_split(task_id), person)
    return {"accepted": True}


def _reply_document(unread: Unread, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "task": public_id(unread.batch, unread.task),
        "object": printable(unread.shown.words),
        "comment": printable(unread.comment, LONGEST_COMMENT),
        "reply": printable(unread.reply.text, LONGEST_COMMENT),
        "by": printable(names.get(unread.reply.by, unread.reply.by), 64),
        "time": iso(unread.reply.at),
    }


@writes.post("/tasks/{task_id}/undo")
def undo(workbench: TheWorkbench, person: Person, request: Request, task_id: str) -> dict[str, Any]:
    batch_id, own_id = _split(task_id)
    before = workbench.store.task(batch_id, own_id)
    task, shown = workbench.undo(batch_id, own_id, person)
    current = workbench.batch(batch_id)
    return {
        "task": _task_document(request, current, task, shown),
        "earlier": _said_by(person, before),
        "progress": _progress(workbench.progress(current, person)),
    }


def _said_by(person: str, task: Task | None) -> dict[str, Any] | None:
    entry = task.entries.get(person) if task else None
    if entry is None or entry.kind == "lease":
        return None
    return {"label": entry.label} if entry.kind == "answer" else {"reason": entry.reason}


@reads.get("/run")
def run(request: Request, owner: Owner, batch: str | None = None) -> dict[str, Any]:
    return run_overview_of(request, owner, batch)


def run_overview_of(request: Request, owner: str, batch: str | None = None) -> dict[str, Any]:
    """The state of the run that `batch` belongs to; `over` is true once the work has ended."""
    overview: RunOverview = request.app.state.run_overview
    over = _is_over(request, request.app.state.workbench, f"run {owner}")
    return {**(overview(batch) if batch else overview()), "over": over}


def _is_over(request: Request, workbench: Workbench, page: str) -> bool:
    farewell: Farewell = request.app.state.farewell
    return farewell.is_said_to(page) or workbench.is_over()


@writes.post("/batch/{batch_id}/pause")
def pause(workbench: TheWorkbench, _owner: Owner, batch_id: str) -> dict[str, Any]:
    return {"state": workbench.pause(batch_id).state}


@writes.post("/batch/{batch_id}/resume")
def resume(workbench: TheWorkbench, _owner: Owner, batch_id: str) -> dict[str, Any]:
    return {"state": workbench.resume(batch_id).state}


@writes.post("/batch/{batch_id}/longer-{days:int}")
def longer(workbench: TheWorkbench, _owner: Owner, batch_id: str, days: int) -> dict[str, Any]:
    if days not in LONGER_DAYS:
        raise RefusedError(f"a deadline is moved by {' or '.join(map(str, LONGER_DAYS))} days")
    return {"state": workbench.give_longer(batch_id, days).state}


@writes.post("/batch/{batch_id}/close")
def close(workbench: TheWorkbench, request: Request, owner: Owner, batch_id: str) -> dict[str, Any]:
    session = session_of(request)
    name = session.name if session and session.name else owner
    return {"state": _public_state(workbench.close(batch_id, f"closed by {name}"))}


@writes.post("/batch/{batch_id}/ask-again")
def ask_again(workbench: TheWorkbench, _owner: Owner, batch_id: str) -> dict[str, Any]:
    sent = workbench.ask_again(batch_id)
    return {"state": _public_state(workbench.batch(batch_id)), "sent": sent}


@writes.post("/tasks/{task_id}/decide")
def decide(workbench: TheWorkbench, reviewer: Reviewer, task_id: str, given: DecideRequest) -> dict[str, Any]:
    workbench.decide(*_split(task_id), reviewer, given.label)
    return {"accepted": True}


def batch_document(batch: Batch) -> dict[str, Any]:
    """A batch as pages see it."""
    return {
        "id": batch.id,
        "run": batch.run,
        "round": batch.round,
        "ahead": batch.ahead,
        "kind": batch.kind,
        "title": batch.title,
        "classes": [
            {"index": index, "name": name, "key": str(index + 1) if index < 9 else None}
            for index, name in enumerate(batch.classes)
        ],
        "show_guess": batch.show_guess,
        "grid": batch.grid,
        "state": _public_state(batch),
        "worker_template": batch.worker_template_uri is not None,
    }


def guidelines_document(version: GuidelinesVersion) -> dict[str, Any]:
    """A version of the guidelines as pages see it. `html` is safe to show."""
    return {
        "version": version.number,
        "short": version.short,
        "html": as_html(version.text),
        "classes": version.classes,
    }


def task_document(batch: Batch, task: Task, data_object: DataObject, image_urls: ImageUrls) -> dict[str, Any]:
    """A task as pages see it. It does not reveal why people are asked about the object."""
    document: dict[str, Any] = {
        "id": public_id(batch, task),
        "lease_seconds": batch.lease_seconds,
    }
    if data_object.source_ref is not None:
        document["image_url"] = image_urls(data_object.source_ref)
    else:
        document["text"] = data_object.text
    if batch.show_guess and data_object.guess is not None:
        label, confidence = data_object.guess
        document["guess"] = {"label": label, "confidence": round(confidence, 4)}
    if data_object.prior is not None:
        document["prior"] = dict(zip(("label", "confidence"), data_object.prior, strict=True))
    return document


def _task_document(request: Request, batch: Batch, task: Task, data_object: DataObject) -> dict[str, Any]:
    images: ImageUrls = request.app.state.image_urls
    document = task_document(batch, task, data_object, images)
    if batch.worker_template_uri is not None:
        templates: WorkerTemplates = request.app.state.worker_templates
        shown = data_object.source_ref if data_object.source_ref is not None else data_object.text
        template = templates(batch.worker_template_uri)
        document["html"] = template.render(shown or "", batch.classes, images)
    return document


def _progress(progress: Progress | None) -> dict[str, Any] | None:
    if progress is None:
        return None
    pace = None if progress.per_minute is None else round(progress.per_minute, 1)
    return {**asdict(progress), "per_minute": pace}


def _public_state(batch: Batch) -> str:
    return "closed" if batch.state == "closing" else batch.state


def public_id(batch: Batch, task: Task) -> str:
    """A task's id as pages use it."""
    return f"{batch.id}{_SEPARATOR}{task.id}"


def _split(task_id: str) -> tuple[str, str]:
    batch_id, separator, own_id = task_id.partition(_SEPARATOR)
    if not separator:
        raise NotFoundError(f"there is no task {task_id[:80]}: load the page again")
    return batch_id, own_id
