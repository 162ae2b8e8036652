"""The workbench's parts, named by the environment: a SQLite file on a laptop, a table in the stack."""

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from labelloop.core.errors import RequestError
from labelloop.storage import s3
from labelloop.workbench.closing import Closing, Elsewhere
from labelloop.workbench.dynamodb_store import DynamoDbTaskStore
from labelloop.workbench.sqlite_store import SqliteTaskStore
from labelloop.workbench.store import TaskStore
from labelloop.workbench.tasks import Batch

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

DATABASE, TABLE = "WORKBENCH_DATABASE", "WORKBENCH_TABLE"
# The event with which the web application's function has itself close a batch.
CLOSE_BATCH = "CloseBatch"
# Lets a step distinguish a batch that ended early from one that failed. Ground Truth reports a stopped job
# so.
STOPPED = {"Error": "Stopped", "Cause": json.dumps({"LabelingJobStatus": "Stopped"})}


@dataclass(frozen=True)
class OpenedWorkbench:
    """A store, and what closes its batches."""

    store: TaskStore
    closing: Closing


@contextlib.contextmanager
def opened_workbench(elsewhere: Elsewhere | None = None) -> Iterator[OpenedWorkbench]:
    """The parts that the environment names: the file WORKBENCH_DATABASE, or the table WORKBENCH_TABLE.

    elsewhere: where requests have batches of the table closed; by default, each closes what it ends
    """
    database = os.environ.get(DATABASE)
    if database is None:
        store = DynamoDbTaskStore(_table())
        yield OpenedWorkbench(store, Closing(store, s3, StateMachineWaits(), elsewhere=elsewhere))
        return
    with contextlib.closing(SqliteTaskStore(Path(database))) as file:
        yield OpenedWorkbench(file, Closing(file, s3, StateMachineWaits()))


def close_elsewhere(batch_id: str) -> None:
    """Have a batch closed by an invocation of this same function, which may take longer than a request.

    Another function could have been idle for weeks, and Lambda would refuse to invoke it. If this one cannot
    be invoked, the batch stays half closed, and the next requests find that and try again.
    """
    try:
        boto3.client("lambda").invoke(
            FunctionName=os.environ["AWS_LAMBDA_FUNCTION_NAME"],
            InvocationType="Event",
            Payload=json.dumps({CLOSE_BATCH: batch_id}).encode(),
        )
    except (BotoCoreError, ClientError) as error:
        Logger(service="labelloop").error(
            "the batch could not be handed over to be closed", extra={"batch": batch_id, "why": str(error)}
        )


def _table() -> str:
    table = os.environ.get(TABLE)
    if not table:
        raise RequestError(
            "this stack has no workbench: deploy it with LabelingBackend=workbench, or use another "
            "ActiveLearning.LabelingBackend in the request"
        )
    return table


class StateMachineWaits:
    """The state machine that waits with a task token.

    A token's task may be over already: the deadline has passed, the execution was stopped, or the token came
    back before. That is not an error: labels are kept, and the state machine has continued without the token.
    """

    def batch_closed(self, batch: Batch) -> None:
        if batch.task_token is None:
            return
        output: dict[str, Any] = {"OutputS3Uri": batch.output_uri}
        if batch.undone:
            output |= STOPPED
        with _token_may_be_over(batch):
            _states().send_task_success(taskToken=batch.task_token, output=json.dumps(output))

    def batch_failed(self, batch: Batch, cause: str) -> None:
        if batch.task_token is None:
            return
        with _token_may_be_over(batch):
            _states().send_task_failure(
                taskToken=batch.task_token, error="WorkbenchError", cause=cause[:32000]
            )

    def heartbeat(self, batch: Batch) -> bool:
        if batch.task_token is None:
            return True
        with _token_may_be_over(batch):
            _states().send_task_heartbeat(taskToken=batch.task_token)
            return True
        return False


@contextlib.contextmanager
def _token_may_be_over(batch: Batch) -> Iterator[None]:
    client = _states()
    over = (
        client.exceptions.TaskTimedOut,
        client.exceptions.TaskDoesNotExist,
        client.exceptions.InvalidToken,
    )
    try:
        yield
    except over as error:
        # The logger is made here and not at import: a logger keeps the standard output of the moment when it
        # is made. When a local run imports this module, it has not redirected the steps' output yet.
        Logger(service="labelloop").warning(
            "no state machine waits for this batch any more", extra={"batch": batch.id, "why": str(error)}
        )


@cache
def _states() -> "SFNClient":
    return boto3.client("stepfunctions")
