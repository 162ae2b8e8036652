"""Downloads of every single answer, for reviewers and owners."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response, StreamingResponse

from labelloop.workbench.answer_export import Format, exported
from labelloop.workbench.api import Reviewer, TheWorkbench
from labelloop.workbench.errors import RefusedError

router = APIRouter(prefix="/api")
BatchId = Annotated[str, Query(max_length=256)]
_TYPES: dict[Format, str] = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}


@router.get("/answers.csv")
def answers_as_csv(
    request: Request, workbench: TheWorkbench, _reviewer: Reviewer, batch: BatchId = ""
) -> Response:
    return _download(request, exported(workbench.store, "csv", batch or None), "csv")


@router.get("/answers.jsonl")
def answers_as_json_lines(
    request: Request, workbench: TheWorkbench, _reviewer: Reviewer, batch: BatchId = ""
) -> Response:
    return _download(request, exported(workbench.store, "jsonl", batch or None), "jsonl")


def _download(request: Request, lines: Iterator[bytes], form: Format) -> Response:
    most: int | None = request.app.state.largest_download
    ended = (line + b"\n" for line in lines)
    content = ended if most is None else _within(ended, most)
    headers = {"Content-Disposition": f'attachment; filename="answers.{form}"'}
    return StreamingResponse(content, media_type=_TYPES[form], headers=headers)


def _within(lines: Iterator[bytes], most: int) -> Iterator[bytes]:
    """The same lines. Raises RefusedError, before the first is sent, if they are longer than `most` bytes."""
    read, length = [], 0
    for line in lines:
        length += len(line)
        if length > most:
            raise RefusedError(
                "these are too many answers for one download: choose a batch, or use the command "
                "`labelloop answers`"
            )
        read.append(line)
    return iter(read)
