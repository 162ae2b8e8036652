"""A large batch takes longer to close than a request may: it is closed elsewhere, and can be resumed."""

import json
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest

from labelloop.local.template import Template
from labelloop.workbench import deployment, lambda_app
from labelloop.workbench.closing import Closing
from labelloop.workbench.cognito import SESSION_COOKIE
from labelloop.workbench.dynamodb_store import DynamoDbTaskStore
from labelloop.workbench.errors import RefusedError
from labelloop.workbench.service import Workbench
from labelloop.workbench.tasks import Task

from .conftest import ROOT, Desk
from .test_cognito import Cognito, answer_to, deployed, http_event, pool

__all__ = ["deployed", "pool"]
TEXTS = [f"text {number}" for number in range(120)]


class Elsewhere:
    """Closes nothing, and notes what it is asked to close."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, batch_id: str) -> None:
        self.asked.append(batch_id)


@dataclass
class BusyDesk(Desk):
    """A desk at a web application that has batches closed elsewhere."""

    elsewhere: Elsewhere = field(default_factory=Elsewhere)

    @property
    def workbench(self) -> Workbench:
        requests = Closing(self.store, self.memory, self.memory, clock=self.clock, elsewhere=self.elsewhere)
        return Workbench(self.store, requests, clock=self.clock)

    def answer_all(self) -> None:
        while tasks := self.workbench.next_tasks("ann", 20).tasks:
            for task, _ in tasks:
                self.workbench.answer(task.batch_id, task.id, "ann", 1)


def busy(desk: Desk) -> BusyDesk:
    return BusyDesk(desk.store, desk.memory, desk.clock)


def test_the_last_answer_has_the_batch_closed_elsewhere_and_nothing_more_is_accepted(desk: Desk) -> None:
    at_work = busy(desk)
    batch = at_work.open(TEXTS[:30])
    at_work.answer_all()
    assert at_work.elsewhere.asked == [batch.id]
    assert at_work.memory.closed == [], "the request has not waited for it"
    half_closed = at_work.workbench.batch(batch.id)
    assert half_closed.state == "closing"
    (some, *_) = list(at_work.store.tasks(batch.id))
    with pytest.raises(RefusedError, match="this batch is closed"):
        at_work.workbench.answer(batch.id, some.id, "ann", 0)
    closed = desk.closing.close(half_closed, half_closed.closed_because or "")
    assert (closed.state, closed.closed_because, closed.undone) == ("closed", "every object is done", 0)
    assert len(desk.memory.files[batch.output_uri]) == 30


def test_an_owners_closing_is_handed_over_too(desk: Desk) -> None:
    at_work = busy(desk)
    batch = at_work.open(TEXTS[:3])
    assert at_work.workbench.close(batch.id).state == "closing"
    assert at_work.elsewhere.asked == [batch.id]


def test_a_closing_that_was_lost_is_handed_over_again_once_a_minute_however_many_look(desk: Desk) -> None:
    at_work = busy(desk)
    batch = at_work.open(TEXTS[:3])
    at_work.workbench.close(batch.id)
    for _ in range(5):
        at_work.workbench.current_batch()
    assert len(at_work.elsewhere.asked) == 1
    at_work.clock.now += 61
    for _ in range(5):
        at_work.workbench.current_batch()
    assert len(at_work.elsewhere.asked) == 2
    assert at_work.memory.closed == []


def test_a_closing_that_takes_long_is_not_begun_a_second_time(desk: Desk) -> None:
    at_work = busy(desk)
    batch = at_work.open(TEXTS)
    at_work.workbench.close(batch.id)
    write = desk.store.write

    def slow(tasks: list[Task], *more: Any) -> None:
        desk.clock.now += 30
        at_work.workbench.current_batch()
        write(tasks, *more)

    desk.store.write = slow  # type: ignore[method-assign, assignment]
    desk.closing.close(at_work.workbench.batch(batch.id), "a test")
    assert len(at_work.elsewhere.asked) == 1
    assert [closed.undone for closed in desk.memory.closed] == [120]


class InterruptedError(Exception):
    """The function's time is over."""


def test_a_closing_that_was_interrupted_goes_on_where_it_stopped(desk: Desk) -> None:
    batch = desk.open(TEXTS)
    write, written = desk.store.write, list[int]()

    def interrupted(tasks: list[Task], *more: Any) -> None:
        if len(written) == 1:
            raise InterruptedError
        written.append(len(tasks))
        write(tasks, *more)

    desk.store.write = interrupted  # type: ignore[method-assign, assignment]
    with pytest.raises(InterruptedError):
        desk.closing.close(batch, "a test")
    sealed = sum(task.sealed for task in desk.store.tasks(batch.id))
    assert 0 < sealed < len(TEXTS)
    again: list[int] = []

    def resumed(tasks: list[Task], *more: Any) -> None:
        again.append(len(tasks))
        write(tasks, *more)

    desk.store.write = resumed  # type: ignore[method-assign, assignment]
    desk.closing.go_on()
    assert sum(again) == len(TEXTS) - sealed, "what was sealed is not written again"
    assert [closed.state for closed in desk.memory.closed] == ["closed"]


# In the stack ----------------------------------------------------------------------------------------------


def test_a_cold_start_answers_at_once_and_has_a_half_closed_batch_closed_elsewhere(
    deployed: None, pool: Cognito, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Elsewhere()
    monkeypatch.setattr(lambda_app, "close_elsewhere", asked)
    lambda_app.application.cache_clear()
    batch = Desk(DynamoDbTaskStore("workbench")).open(TEXTS[:3])
    DynamoDbTaskStore("workbench").save_batch(batch.model_copy(update={"state": "closing"}))
    answer = answer_to(http_event("GET", "/api/batch", cookies=[f"{SESSION_COOKIE}={pool.token()}"]))
    assert answer["statusCode"] == 200
    assert asked.asked == [batch.id]


def test_a_batch_that_cannot_be_handed_over_fails_nobodys_answer(
    deployed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "no-such-function")
    deployment.close_elsewhere("batch-1")


CONTEXT: Any = None


def test_the_function_closes_a_batch_for_an_earlier_request(deployed: None) -> None:
    store = DynamoDbTaskStore("workbench")
    uri = "s3://bucket/selection"
    batch = Desk(store).open(TEXTS[:3], selection_uri=uri, output_uri="s3://bucket/output.manifest")
    lines = b"".join(b'{"labelloop-id":%d,"source":"x"}\n' % number for number in range(3))
    boto3.client("s3").put_object(Bucket="bucket", Key="selection", Body=lines)
    store.save_batch(batch.model_copy(update={"state": "closing", "closed_because": "every object is done"}))
    assert lambda_app.handler({"CloseBatch": batch.id}, CONTEXT) == {}
    closed = store.batch(batch.id)
    assert closed is not None
    assert (closed.state, closed.closed_because) == ("closed", "every object is done")
    written = boto3.client("s3").get_object(Bucket="bucket", Key="output.manifest")["Body"].read()
    assert [json.loads(line)["labelloop-id"] for line in written.splitlines()] in ([], [0, 1, 2])


def test_the_function_hears_that_a_run_has_ended_and_closes_its_batch(deployed: None) -> None:
    store = DynamoDbTaskStore("workbench")
    files: dict[str, Any] = {
        "selection_uri": "s3://bucket/selection",
        "output_uri": "s3://bucket/output.manifest",
    }
    boto3.client("s3").put_object(Bucket="bucket", Key="selection", Body=b'{"labelloop-id":0,"source":"x"}\n')
    for run in ("dead", "live"):
        Desk(store).open(TEXTS[:1], batch_id=run, run=run, **files)
    event = {
        "source": "aws.states",
        "detail-type": "Step Functions Execution Status Change",
        "detail": {"name": "dead", "status": "ABORTED", "stateMachineArn": "arn"},
    }
    for _ in range(2):  # EventBridge may say it twice
        assert lambda_app.handler(event, CONTEXT) == {}
    ended = store.batch("dead")
    assert ended is not None
    assert (ended.state, ended.closed_because) == ("closed", "its run was stopped")
    assert [batch.id for batch in store.unfinished()] == ["live"]


def test_the_template_has_the_function_hear_of_every_way_in_which_a_run_ends_badly() -> None:
    function = Template(ROOT / "template.yaml").resources["Workbench"]["Properties"]
    (event,) = function["Events"].values()
    assert event["Type"] == "EventBridgeRule"
    pattern = event["Properties"]["Pattern"]
    assert pattern["source"] == ["aws.states"]
    assert pattern["detail"]["stateMachineArn"] == [{"Ref": "ActiveLearningLoop"}]
    assert set(pattern["detail"]["status"]) == set(lambda_app.ENDS) == {"ABORTED", "FAILED", "TIMED_OUT"}
