"""What requests cost in DynamoDB, and when a batch leaves the table."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from moto import mock_aws

from labelloop.local.template import Template
from labelloop.workbench.answer_search import AnswerSearch, Search
from labelloop.workbench.closing import KEPT_SECONDS
from labelloop.workbench.comments import Comments
from labelloop.workbench.dynamodb_store import TIME_TO_LIVE, DynamoDbTaskStore
from labelloop.workbench.earlier_batches import EarlierBatches
from labelloop.workbench.errors import RefusedError
from labelloop.workbench.overview import Overview

from .conftest import ROOT, Desk, declared_table

INSTRUCTIONS = "Choose well. " * 400


class Table:
    """The stack's table, which counts what it is asked for."""

    def __init__(self) -> None:
        self.client: Any = boto3.client("dynamodb", region_name="us-east-1")
        self.client.create_table(TableName="workbench", **declared_table())
        self.desk = Desk(DynamoDbTaskStore("workbench", self.client))
        self.calls = self.items = 0
        self.client.meta.events.register("after-call.dynamodb", self._count)

    def _count(self, parsed: dict[str, Any], **_: Any) -> None:
        self.calls += 1
        self.items += len(parsed.get("Items", ())) + ("Item" in parsed)
        self.items += sum(len(found) for found in parsed.get("Responses", {}).values())

    @contextmanager
    def counted(self) -> Iterator["Table"]:
        self.calls = self.items = 0
        yield self

    def everything(self) -> list[dict[str, Any]]:
        return [
            item
            for page in self.client.get_paginator("scan").paginate(TableName="workbench")
            for item in page["Items"]
        ]

    def close_batches(self, number: int, name: str = "old") -> None:
        for index in range(number):
            batch = self.desk.open(["a"], batch_id=f"{name}-{index:04d}", full_instructions=INSTRUCTIONS)
            self.desk.closing.close(batch, "a test")


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        yield Table()


def cost_of_a_request(table: Table) -> tuple[int, int]:
    """Calls and items read when a page asks for its next task, as the API does it."""
    with table.counted():
        assert not table.desk.workbench.is_over()
        assert len(table.desk.workbench.next_tasks("ann", 1).tasks) == 1
        Overview(table.desk.store, clock=table.desk.clock)()
    return table.calls, table.items


@pytest.mark.slow
def test_a_request_costs_the_same_after_many_batches(table: Table) -> None:
    table.close_batches(1, "older")
    table.desk.open(["x", "y", "z"], batch_id="first")
    table.desk.workbench.next_tasks("ann", 1)
    before = cost_of_a_request(table)
    table.close_batches(30)
    assert cost_of_a_request(table) == before


@pytest.mark.slow
def test_a_page_of_answers_costs_the_same_after_many_batches_and_answers(table: Table) -> None:
    def cost() -> tuple[int, int]:
        with table.counted():
            found = AnswerSearch(table.desk.store, {}).find(Search(batch="last"), most=3)
            assert len(table.desk.store.some_batches(5)) == 5
        assert len(found.hits) == 3
        return table.calls, table.items

    def answer(number: int) -> None:
        for _ in range(number):
            (task, _), *_ = table.desk.workbench.next_tasks("ann", 1).tasks
            table.desk.workbench.answer("last", task.id, "ann", 1)

    table.close_batches(5, "older")
    # So many are looked at for one page, and no more.
    table.desk.open([str(number) for number in range(80)], batch_id="last")
    answer(52)
    before = cost()
    table.close_batches(30)
    answer(20)
    assert cost() == before
    with table.counted():
        assert AnswerSearch(table.desk.store, {}).find(Search()).stopped, (
            "it is looked on at the next request"
        )
    assert table.calls < 60


@pytest.mark.slow
def test_looking_whether_the_work_is_over_costs_the_same_after_many_batches(table: Table) -> None:
    table.close_batches(30)
    with table.counted():
        assert table.desk.workbench.is_over()
    assert table.items <= 2


@pytest.mark.slow
def test_a_run_looks_back_at_its_own_batches_alone(table: Table) -> None:
    table.close_batches(20)
    table.desk.open(["a", "b"], batch_id="mine")
    with table.counted():
        EarlierBatches.of_run(table.desk.store, ["mine"])
    assert (table.calls, table.items) == (1, 2)


def test_all_of_a_batch_leaves_half_a_year_after_its_output_is_written(table: Table) -> None:
    batch = table.desk.open(["a", "b"])
    (task, _), *_ = table.desk.workbench.next_tasks("ann", 1).tasks
    table.desk.workbench.answer(batch.id, task.id, "ann", 1)
    assert not any(TIME_TO_LIVE in item for item in table.everything()), "people are at work"
    table.desk.closing.close(batch, "a test")
    until = {int(item[TIME_TO_LIVE]["N"]) for item in table.everything()}
    assert until == {int(table.desk.clock.now + KEPT_SECONDS)}
    assert len(table.everything()) == 6
    resources = Template(ROOT / "template.yaml").resources
    declared = resources["WorkbenchTable"]["Properties"]["TimeToLiveSpecification"]
    assert declared == {"AttributeName": TIME_TO_LIVE, "Enabled": True}


def test_a_batch_whose_output_cannot_be_written_stays(table: Table) -> None:
    batch = table.desk.open(["a"])
    table.desk.memory.files.clear()
    with pytest.raises(KeyError):
        table.desk.closing.close(batch, "a test")
    assert not any(TIME_TO_LIVE in item for item in table.everything())


def test_letting_go_is_completed_after_an_interruption(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = table.desk.open(["a"])
    with monkeypatch.context() as interrupted:
        interrupted.setattr(DynamoDbTaskStore, "let_go", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            table.desk.closing.close(batch, "a test")
    assert table.desk.workbench.batch(batch.id).state == "closed"
    assert table.desk.workbench.current_batch() is None
    assert not any(TIME_TO_LIVE in item for item in table.everything())
    table.desk.clock.now += 1000
    assert table.desk.workbench.current_batch() is None
    assert all(TIME_TO_LIVE in item for item in table.everything())
    assert table.desk.store.unfinished() == []


def test_what_is_replied_to_leaves_the_table_with_its_batch(table: Table) -> None:
    comments = Comments(table.desk.store)
    table.desk.open(["a", "b"])
    (task, _), *_ = table.desk.workbench.next_tasks("ann", 1).tasks
    comments.flag("batch-1", task.id, "ann", "odd")
    table.desk.workbench.close("batch-1")
    until = {item["pk"]["S"]: item.get(TIME_TO_LIVE) for item in table.everything()}["tasks#batch-1"]
    assert until is not None
    comments.reply("batch-1", task.id, "olga", "ann", "yes")
    kept = [item for item in table.everything() if item["pk"]["S"] == "tasks#batch-1"]
    assert [item[TIME_TO_LIVE] for item in kept] == [until, until]


def test_nobody_replies_while_a_batch_is_being_let_go(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    comments = Comments(table.desk.store)
    table.desk.open(["a", "b"])
    (task, _), *_ = table.desk.workbench.next_tasks("ann", 1).tasks
    comments.flag("batch-1", task.id, "ann", "odd")
    with monkeypatch.context() as interrupted:
        interrupted.setattr(type(table.desk.store), "let_go", lambda *_: None)
        table.desk.workbench.close("batch-1")
    with pytest.raises(RefusedError, match="in a minute"):
        comments.reply("batch-1", task.id, "olga", "ann", "yes")
