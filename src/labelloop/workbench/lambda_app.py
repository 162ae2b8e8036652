"""The workbench as a Lambda function behind an HTTP API."""

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from mangum import Mangum

from labelloop.workbench.application import create_app
from labelloop.workbench.cognito import CognitoSessions, UserPool, sign_in_router
from labelloop.workbench.deployment import CLOSE_BATCH, close_elsewhere, opened_workbench
from labelloop.workbench.errors import NotFoundError
from labelloop.workbench.images import image_source, presigned_url
from labelloop.workbench.service import Workbench
from labelloop.workbench.tasks import Batch

if TYPE_CHECKING:
    from labelloop.workbench.overview import Overview
    from labelloop.workbench.store import TaskStore
    from labelloop.workbench.worker_template import WorkerTemplate

# How a run ends that does not wait for its batch, by the execution's status.
ENDS = {"ABORTED": "its run was stopped", "FAILED": "its run failed", "TIMED_OUT": "its run timed out"}

# Lambda answers with at most 6 MB, and what is not text becomes a third longer on the way.
LARGEST_DOWNLOAD = 4_000_000


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer a request of the HTTP API (payload format 2.0), or close a batch.

    A batch is closed for an earlier request, or because EventBridge tells that its run has ended.
    """
    if CLOSE_BATCH in event:
        return close_batch(event[CLOSE_BATCH])
    if event.get("source") == "aws.states":
        return close_batches_of_ended_run(event["detail"])
    return application()(event, context)  # type: ignore[arg-type]


def close_batch(batch_id: str) -> dict[str, Any]:
    """Complete what a request began: the batch accepts no more answers."""
    with opened_workbench() as parts:
        batch = parts.store.batch(batch_id)
        if batch is None:
            raise NotFoundError(f"there is no batch {batch_id}")
        closed = parts.closing.close(batch, batch.closed_because or "")
    _log(closed)
    return {}


def close_batches_of_ended_run(execution: dict[str, Any]) -> dict[str, Any]:
    """`execution` is the detail of an event: a run was stopped, or it failed or timed out."""
    with opened_workbench() as parts:
        for closed in parts.closing.close_run(execution["name"], ENDS[execution["status"]]):
            _log(closed)
    return {}


def _log(closed: Batch) -> None:
    Logger(service="labelloop").info(
        "closed", extra={"batch": closed.id, "tasks": closed.total, "undone": closed.undone}
    )


@cache
def application() -> Mangum:
    """Made once in a process, so that later requests find clients and keys ready."""
    pool = UserPool(
        os.environ["USER_POOL_ISSUER"], os.environ["USER_POOL_CLIENT_ID"], os.environ["USER_POOL_DOMAIN"]
    )
    sessions = CognitoSessions(pool)
    parts = opened_workbench(close_elsewhere).__enter__()  # For as long as the process lives.
    app = create_app(
        Workbench(parts.store, parts.closing),
        sessions,
        image_urls=presigned_url,
        image_sources=[image_source(bucket) for bucket in _buckets()],
        worker_templates=_worker_template,
        run_overview=_OverviewLater(parts.store),
        largest_download=LARGEST_DOWNLOAD,
        https=True,
    )
    app.include_router(sign_in_router(sessions))
    return Mangum(app, lifespan="off")


def _buckets() -> list[str]:
    """The buckets that the stack reads. The input may be in a bucket outside the stack."""
    return [bucket for name in ("DATA_BUCKET", "INPUT_BUCKET") if (bucket := os.environ.get(name))]


# A cold start is part of somebody's first click: what few requests need is loaded by the first of them.


class _OverviewLater:
    """An `Overview` that is loaded when the first page asks for it."""

    def __init__(self, store: "TaskStore") -> None:
        self._store = store
        self._overview: Overview | None = None

    def __call__(self, batch: str | None = None) -> dict[str, Any]:
        if self._overview is None:
            from labelloop.workbench.overview import Overview

            self._overview = Overview(self._store)
        return self._overview(batch)


def _worker_template(uri: str) -> "WorkerTemplate":
    from labelloop.workbench.worker_template import template_in_s3

    return template_in_s3(uri)
