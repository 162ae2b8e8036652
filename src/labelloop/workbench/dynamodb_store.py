"""Tasks in one DynamoDB table: the store in the stack. Conditional writes and transactions, no locks.

| pk | sk | what |
|---|---|---|
| `batches` | batch id | a batch; with `open_batch` and `available`, see below |
| `tasks#<batch id>` | task id | a task; with `open_batch` and `available`, see below |
| `objects#<batch id>` | task id | what people see of a task: written once, because it may be large |
| `annotators#<batch id>` | name | what a person has done |
| `people` | key | the name to show for a person |
| `members` | name | what owners have settled about a person |
| `guidelines#<lineage>` | number | a version of a run's guidelines |
| `pictures` | name | a picture that stands in guidelines |
| `corrections#<lineage>` | object | a label that a reviewer corrected after its batch was closed |

The sparse index `available` holds incomplete tasks, sorted by the moment from which they have room for one
more person. So no background job has to look for expired leases. Under `done#<batch id>` it holds the tasks
that nobody is asked about any more, sorted by the moment of their last answer. It holds batches
too, sorted by the moment when they were opened: under `batches#unfinished` those that requests look for,
under `batches#finished` the others. So a request costs the same however many batches there were.

`expires` is the table's time to live. Everything of a batch gets it when the batch is let go. A run's
guidelines, with their pictures, and corrections stay: they are few, and no request reads those of other runs.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from labelloop.workbench.errors import ConflictError
from labelloop.workbench.tasks import (
    Annotator,
    Batch,
    Correction,
    DataObject,
    GuidelinesVersion,
    Member,
    Place,
    Task,
    Totals,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

AVAILABLE_INDEX = "available"
TIME_TO_LIVE = "expires"
_BATCHES, _PEOPLE, _MEMBERS, _PICTURES = "batches", "people", "members", "pictures"
_UNFINISHED, _FINISHED = "batches#unfinished", "batches#finished"
_WRITTEN_AT_ONCE = 25
_READ_AT_ONCE = 100
_FREE, _LEASED, _DONE = "0", "1", "done"
_Versioned = TypeVar("_Versioned", Batch, Task, Annotator, Member, Correction)


class DynamoDbTaskStore:
    """A `TaskStore` in a table with string keys `pk` and `sk`, and the index `available`."""

    def __init__(self, table: str, client: "DynamoDBClient | None" = None) -> None:
        self._table = table
        self._client = client or dynamodb_client()

    def add_batch(self, batch: Batch, tasks: Iterable[tuple[Task, DataObject]]) -> None:
        if self.batch(batch.id) is not None:
            return
        # Nobody sees a task before its batch exists, so writing a task twice is safe.
        puts: list[Any] = []
        for task, data_object in tasks:
            puts.append({"PutRequest": {"Item": _task_item(task)}})
            shown = {"pk": _s(f"objects#{batch.id}"), "sk": _s(task.id), "document": _document(data_object)}
            puts.append({"PutRequest": {"Item": shown}})
            if len(puts) > _WRITTEN_AT_ONCE - 2:
                self._put_all(puts)
                puts = []
        self._put_all(puts)
        self._put(_batch_item(batch), "attribute_not_exists(pk)", {})

    def batch(self, batch_id: str) -> Batch | None:
        item = self._get(_BATCHES, batch_id)
        return Batch.model_validate_json(item["document"]["S"]) if item else None

    def batches(self) -> list[Batch]:
        found = [Batch.model_validate_json(item["document"]["S"]) for item in self._query(_BATCHES)]
        return sorted(found, key=_age)

    def unfinished(self) -> list[Batch]:
        # The index may be a moment behind, so it tells only where to look.
        ids = [item["sk"]["S"] for item in self._indexed(_UNFINISHED)]
        found = [Batch.model_validate_json(item["document"]["S"]) for item in self._get_all(_BATCHES, ids)]
        return sorted(found, key=_age)

    def newest(self) -> Batch | None:
        return next(iter(self.some_batches(1)), None)

    def some_batches(
        self, most: int, *, newest_first: bool = True, beyond: Batch | None = None
    ) -> list[Batch]:
        place = _sorted_batch(beyond) if beyond else None
        found = [
            Batch.model_validate_json(item["document"]["S"])
            for partition in (_UNFINISHED, _FINISHED)
            for item in self._indexed(partition, most, newest_first=newest_first, beyond=place)
        ]
        return sorted(found, key=_age, reverse=newest_first)[:most]

    def let_go(self, batch_id: str, until: float) -> None:
        partitions = (f"{kind}#{batch_id}" for kind in ("objects", "tasks", "annotators"))
        items = ({**item, **_expiring(until)} for pk in partitions for item in self._query(pk))
        while some := list(islice(items, _WRITTEN_AT_ONCE)):
            self._put_all([{"PutRequest": {"Item": item}} for item in some])
        batch = self.batch(batch_id)
        if batch is not None:
            # Last: until then the batch counts as unfinished, and an interruption is made good.
            self._put_next(batch, _batch_item(_next_version(batch), until))

    def save_batch(self, batch: Batch) -> Batch:
        saved = _next_version(batch)
        self._put_next(batch, _batch_item(saved))
        return saved

    def task(self, batch_id: str, task_id: str) -> Task | None:
        item = self._get(f"tasks#{batch_id}", task_id)
        return Task.model_validate_json(item["document"]["S"]) if item else None

    def tasks(self, batch_id: str) -> Iterator[Task]:
        for item in self._query(f"tasks#{batch_id}"):
            yield Task.model_validate_json(item["document"]["S"])

    def data_objects(self, batch_id: str, task_ids: Sequence[str]) -> dict[str, DataObject]:
        items = self._get_all(f"objects#{batch_id}", task_ids, consistent=False)
        return {item["sk"]["S"]: DataObject.model_validate_json(item["document"]["S"]) for item in items}

    def available(
        self, batch_id: str, person: str, *, now: float, most: int, after: str = "", again: bool = False
    ) -> list[Task]:
        sides = (
            (f"{_FREE}#{after}~", f"{_FREE}~"),
            (f"{_FREE}#", f"{_FREE}#{after}~"),
            (f"{_LEASED}#", f"{_LEASED}#{_moment(now)}~"),
        )
        found: dict[str, Task] = {}
        for low, high in sides:
            for item in self._available_between(batch_id, low, high, most):
                task = Task.model_validate_json(item["document"]["S"])
                if person not in task.entries and (again or person not in task.answered_before):
                    found[task.id] = task
                if len(found) == most:
                    return list(found.values())
        return list(found.values())

    def done(
        self, batch_id: str, most: int, *, newest_first: bool = True, beyond: Place | None = None
    ) -> list[Task]:
        place = _sorted_place(beyond) if beyond else None
        items = self._indexed(f"{_DONE}#{batch_id}", most, newest_first=newest_first, beyond=place)
        return [Task.model_validate_json(item["document"]["S"]) for item in items]

    def annotator(self, batch_id: str, name: str) -> Annotator:
        item = self._get(f"annotators#{batch_id}", _key_of_person(name))
        if item is None:
            return Annotator(batch_id=batch_id, name=name)
        return Annotator.model_validate_json(item["document"]["S"])

    def annotators(self, batch_id: str) -> list[Annotator]:
        items = self._query(f"annotators#{batch_id}")
        return [Annotator.model_validate_json(item["document"]["S"]) for item in items]

    def known_as(self, key: str, name: str) -> str:
        known = self._get(_PEOPLE, key)
        if known is None:
            item = {"pk": _s(_PEOPLE), "sk": _s(key), "name": _s(name)}
            self._put(item, "attribute_not_exists(pk)", {})
            known = self._get(_PEOPLE, key)
        shown: str = known["name"]["S"]
        return shown

    def people(self) -> dict[str, str]:
        return {item["sk"]["S"]: item["name"]["S"] for item in self._query(_PEOPLE)}

    def member(self, member_id: str) -> Member:
        item = self._get(_MEMBERS, _key_of_person(member_id))
        return Member.model_validate_json(item["document"]["S"]) if item else Member(id=member_id)

    def members(self) -> list[Member]:
        return [Member.model_validate_json(item["document"]["S"]) for item in self._query(_MEMBERS)]

    def save_member(self, member: Member) -> None:
        saved = _next_version(member)
        item = {
            "pk": _s(_MEMBERS),
            "sk": _s(_key_of_person(member.id)),
            "version": {"N": str(saved.version)},
            "document": _document(saved),
        }
        self._transact([self._conditional(item, member.version, is_new=member.version == 0)])

    def guidelines(self, run: str, number: int) -> GuidelinesVersion | None:
        item = self._get(f"guidelines#{run}", _sorted_number(number))
        return GuidelinesVersion.model_validate_json(item["document"]["S"]) if item else None

    def newest_guidelines(self, run: str, most: int) -> list[GuidelinesVersion]:
        items = islice(self._query(f"guidelines#{run}", newest_first=True, at_once=most), most)
        return [GuidelinesVersion.model_validate_json(item["document"]["S"]) for item in items]

    def add_guidelines(self, version: GuidelinesVersion) -> None:
        item = {
            "pk": _s(f"guidelines#{version.run}"),
            "sk": _s(_sorted_number(version.number)),
            "document": _document(version),
        }
        self._transact([self._conditional(item, 0, is_new=True)])

    def picture(self, name: str) -> bytes | None:
        item = self._get(_PICTURES, name)
        return bytes(item["content"]["B"]) if item else None

    def add_picture(self, name: str, content: bytes) -> None:
        item = {"pk": _s(_PICTURES), "sk": _s(name), "content": {"B": content}}
        self._put(item, "attribute_not_exists(pk)", {})

    def correction(self, run: str, object_id: int) -> Correction | None:
        item = self._get(f"corrections#{run}", _sorted_number(object_id))
        return Correction.model_validate_json(item["document"]["S"]) if item else None

    def corrections(self, run: str) -> list[Correction]:
        items = self._query(f"corrections#{run}")
        return [Correction.model_validate_json(item["document"]["S"]) for item in items]

    def save_correction(self, correction: Correction) -> None:
        saved = _next_version(correction)
        item = {
            "pk": _s(f"corrections#{saved.run}"),
            "sk": _s(_sorted_number(saved.object_id)),
            "version": {"N": str(saved.version)},
            "document": _document(saved),
        }
        self._transact([self._conditional(item, correction.version, is_new=correction.version == 0)])

    def totals(self, batch_id: str) -> Totals:
        annotators = self.annotators(batch_id)
        return Totals(sum(one.completed for one in annotators), sum(one.skips for one in annotators))

    def write(self, tasks: Sequence[Task], annotator: Annotator | None = None) -> None:
        ends = {
            batch_id: self._end(batch_id) for batch_id in {task.batch_id for task in tasks if task.sealed}
        }
        puts: list[Any] = [
            self._conditional(
                {**_task_item(_next_version(task)), **ends.get(task.batch_id, {})}, task.version, is_new=False
            )
            for task in tasks
        ]
        if annotator is not None:
            saved = _next_version(annotator)
            puts.append(
                self._conditional(_annotator_item(saved), annotator.version, is_new=annotator.version == 0)
            )
        if puts:
            self._transact(puts)

    def _end(self, batch_id: str) -> dict[str, Any]:
        """A batch's time to live, if it is let go: what is written once more leaves with it all the same."""
        item = self._get(_BATCHES, batch_id) or {}
        return {TIME_TO_LIVE: item[TIME_TO_LIVE]} if TIME_TO_LIVE in item else {}

    def _transact(self, puts: list[Any]) -> None:
        try:
            self._client.transact_write_items(TransactItems=puts)
        except ClientError as error:
            if _is_conflict(error):
                raise ConflictError("somebody else was faster: try again") from error
            raise

    def _conditional(self, item: dict[str, Any], read_version: int, *, is_new: bool) -> dict[str, Any]:
        put: dict[str, Any] = {"TableName": self._table, "Item": item}
        if is_new:
            put["ConditionExpression"] = "attribute_not_exists(pk)"
        else:
            put["ConditionExpression"] = "version = :read"
            put["ExpressionAttributeValues"] = {":read": {"N": str(read_version)}}
        return {"Put": put}

    def _put(self, item: dict[str, Any], condition: str, values: dict[str, Any]) -> None:
        options: Any = {"ExpressionAttributeValues": values} if values else {}
        try:
            self._client.put_item(TableName=self._table, Item=item, ConditionExpression=condition, **options)
        except self._client.exceptions.ConditionalCheckFailedException as error:
            if values:
                raise ConflictError("somebody else was faster: try again") from error

    def _put_next(self, read: Batch, item: dict[str, Any]) -> None:
        self._put(item, "version = :read", {":read": {"N": str(read.version)}})

    def _put_all(self, puts: list[Any]) -> None:
        while puts:
            answer = self._client.batch_write_item(RequestItems={self._table: puts})
            puts = list(answer.get("UnprocessedItems", {}).get(self._table, ()))

    def _get(self, pk: str, sk: str) -> Any:
        key: Any = {"pk": _s(pk), "sk": _s(sk)}
        return self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")

    def _get_all(self, pk: str, sks: Sequence[str], *, consistent: bool = True) -> Iterator[Any]:
        """The items that exist, in no order."""
        for start in range(0, len(sks), _READ_AT_ONCE):
            keys: Any = [{"pk": _s(pk), "sk": _s(sk)} for sk in sks[start : start + _READ_AT_ONCE]]
            while keys:
                wanted: Any = {self._table: {"Keys": keys, "ConsistentRead": consistent}}
                answer: Any = self._client.batch_get_item(RequestItems=wanted)
                yield from answer["Responses"].get(self._table, ())
                keys = answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys")

    def _query(self, pk: str, *, newest_first: bool = False, at_once: int | None = None) -> Iterator[Any]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": _s(pk)},
            ScanIndexForward=not newest_first,
            ConsistentRead=True,
            PaginationConfig={} if at_once is None else {"PageSize": at_once},
        )
        for page in pages:
            yield from page["Items"]

    def _indexed(
        self,
        partition: str,
        most: int | None = None,
        *,
        newest_first: bool = False,
        beyond: str | None = None,
    ) -> Iterator[Any]:
        """The items of a partition of the index, up to `most`, after the one with the sort key `beyond`."""
        condition, values = "open_batch = :partition", {":partition": _s(partition)}
        if beyond is not None:
            condition += f" AND available {'<' if newest_first else '>'} :beyond"
            values[":beyond"] = _s(beyond)
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            IndexName=AVAILABLE_INDEX,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=values,
            ScanIndexForward=not newest_first,
            PaginationConfig={"PageSize": most or _READ_AT_ONCE},
        )
        return islice((item for page in pages for item in page["Items"]), most)

    def _available_between(self, batch_id: str, low: str, high: str, most: int) -> Iterator[Any]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            IndexName=AVAILABLE_INDEX,
            KeyConditionExpression="open_batch = :batch AND available BETWEEN :low AND :high",
            ExpressionAttributeValues={":batch": _s(batch_id), ":low": _s(low), ":high": _s(high)},
            PaginationConfig={"PageSize": max(most, 25)},
        )
        for page in pages:
            yield from page["Items"]


@cache
def dynamodb_client() -> "DynamoDBClient":
    return boto3.client(
        "dynamodb",
        config=Config(retries={"mode": "standard", "max_attempts": 5}, connect_timeout=5, read_timeout=10),
    )


def _task_item(task: Task) -> dict[str, Any]:
    item = {
        "pk": _s(f"tasks#{task.batch_id}"),
        "sk": _s(task.id),
        "version": {"N": str(task.version)},
        "document": _document(task),
    }
    since = task.available_from()
    if since is not None:
        item["open_batch"] = _s(task.batch_id)
        item["available"] = _s(f"{_LEASED}#{_moment(since)}#{task.id}" if since else f"{_FREE}#{task.id}")
    elif task.place is not None:
        item["open_batch"] = _s(f"{_DONE}#{task.batch_id}")
        item["available"] = _s(_sorted_place(task.place))
    return item


def _sorted_place(place: Place) -> str:
    return f"{_exact_moment(place.at)}#{place.task_id}"


def _batch_item(batch: Batch, until: float | None = None) -> dict[str, Any]:
    """`until`: the moment from which a batch that is let go may leave."""
    return {
        "pk": _s(_BATCHES),
        "sk": _s(batch.id),
        "version": {"N": str(batch.version)},
        "document": _document(batch),
        "open_batch": _s(_UNFINISHED if until is None else _FINISHED),
        "available": _s(_sorted_batch(batch)),
        **({} if until is None else _expiring(until)),
    }


def _sorted_batch(batch: Batch) -> str:
    return f"{_exact_moment(batch.created)}#{batch.id}"


def _expiring(until: float) -> dict[str, Any]:
    return {TIME_TO_LIVE: {"N": str(int(until))}}


def _age(batch: Batch) -> tuple[float, str]:
    return batch.created, batch.id


def _annotator_item(annotator: Annotator) -> dict[str, Any]:
    return {
        "pk": _s(f"annotators#{annotator.batch_id}"),
        "sk": _s(_key_of_person(annotator.name)),
        "version": {"N": str(annotator.version)},
        "document": _document(annotator),
    }


def _key_of_person(name: str) -> str:
    # A key may not be empty, but the names NOBODY and SHARED are.
    return f"name:{name}"


def _next_version(read: _Versioned) -> _Versioned:
    return read.model_copy(update={"version": read.version + 1})


def _document(
    document: Batch | Task | DataObject | Annotator | Member | GuidelinesVersion | Correction,
) -> dict[str, Any]:
    return _s(document.model_dump_json(exclude_defaults=True))


def _sorted_number(number: int) -> str:
    return f"{number:09d}"


def _moment(seconds: float) -> str:
    """A text that sorts in the same order as the number."""
    return f"{seconds:015.3f}"


def _exact_moment(seconds: float) -> str:
    """The same to a millionth of a second, so that two answers hardly share one."""
    return f"{seconds:018.6f}"


def _s(text: str) -> dict[str, Any]:
    return {"S": text}


def _is_conflict(error: ClientError) -> bool:
    code = error.response["Error"]["Code"]
    if code == "TransactionCanceledException":
        reasons: Any = error.response.get("CancellationReasons", ())
        return any(
            reason.get("Code") in ("ConditionalCheckFailed", "TransactionConflict") for reason in reasons
        )
    return code in ("TransactionConflictException", "TransactionInProgressException")
