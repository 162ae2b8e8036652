"""`labelloop answers`: from a folder on a laptop, and from a stack."""

import csv
import json
from contextlib import closing
from pathlib import Path

import boto3
import orjson
import pytest
import typer
from moto import mock_aws
from typer.testing import CliRunner

from labelloop.cli.answers import answers
from labelloop.workbench.dynamodb_store import DynamoDbTaskStore
from labelloop.workbench.opening import Asked, open_batch
from labelloop.workbench.sqlite_store import SqliteTaskStore
from labelloop.workbench.store import TaskStore
from labelloop.workbench.tasks import Batch, Entry
from tests.workbench.conftest import declared_table

app = typer.Typer(rich_markup_mode=None)
app.command()(answers)
NOW = 1_700_000_000.0
BATCH = Batch(
    id="label",
    run="label",
    round=1,
    kind="text",
    title="Which?",
    short_instructions="",
    full_instructions="",
    classes=("a", "b"),
    label_attribute="category",
    total=0,
    created=NOW,
    selection_uri="x",
    output_uri="y",
)


def answer(store: TaskStore) -> None:
    """Two answers and a skip by two people, and an object that nobody has answered."""
    open_batch(store, BATCH, [Asked(number, f"text {number}", None) for number in range(3)])
    tasks = sorted(store.tasks("label"), key=lambda task: task.object_id)
    first = {"ann": Entry(kind="answer", at=NOW, label=1, seconds=2.0), "bob": Entry(kind="skip", at=NOW + 1)}
    store.write([tasks[0].with_entries(first)])
    store.write([tasks[2].with_entries({"ann": Entry(kind="answer", at=NOW, label=0)})])


def run(*arguments: object) -> tuple[int, str]:
    ran = CliRunner().invoke(app, list(map(str, arguments)))
    return ran.exit_code, " ".join(ran.output.split())


@pytest.mark.parametrize("inner", ["", "run"])
def test_all_answers_of_a_folder(tmp_path: Path, inner: str) -> None:
    with closing(SqliteTaskStore(tmp_path / "news" / inner / "workbench.sqlite")) as store:
        answer(store)
        out = tmp_path / "answers.csv"
        code, told = run(tmp_path / "news", "--out", out)
    assert code == 0, told
    assert told.endswith("3 answers, skips among them.")
    with out.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert sorted((row["object_id"], row["person"], row["kind"], row["class"]) for row in rows) == [
        ("0", "ann", "answer", "b"),
        ("0", "bob", "skip", ""),
        ("2", "ann", "answer", "a"),
    ]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["{}"], "nobody has labeled at a workbench"),
        (["{}", "--out", "answers.xlsx"], "neither .csv nor .jsonl"),
        ([], "either the folder of a run or a stack"),
        (["{}", "--stack", "labelloop"], "either the folder of a run or a stack"),
    ],
)
def test_what_cannot_be_written_is_explained(tmp_path: Path, arguments: list[str], told: str) -> None:
    code, text = run(*[argument.format(tmp_path) for argument in arguments])
    assert code == 2
    assert told in text
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> DynamoDbTaskStore:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    client = boto3.client("dynamodb", region_name="us-east-1")
    table = declared_table()
    resources = {"WorkbenchTable": {"Type": "AWS::DynamoDB::Table", "Properties": table}}
    for name, declared in (("with", resources), ("without", {"T": {"Type": "AWS::SNS::Topic"}})):
        template = {
            "Resources": declared,
            "Outputs": {"ActiveLearningLoopArn": {"Value": "arn:aws:states:us-east-1:1:stateMachine:x"}},
        }
        boto3.client("cloudformation", region_name="us-east-1").create_stack(
            StackName=name, TemplateBody=json.dumps(template)
        )
    [name] = client.list_tables()["TableNames"]
    return DynamoDbTaskStore(name, client)


def test_all_answers_of_a_stack(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    with mock_aws():
        answer(request.getfixturevalue("stack"))
        out = tmp_path / "answers.jsonl"
        code, told = run("--stack", "with", "--region", "us-east-1", "--out", out)
        assert code == 0, told
        rows = [orjson.loads(line) for line in out.read_bytes().splitlines()]
        assert len(rows) == 3
        code, told = run("--stack", "without", "--region", "us-east-1", "--out", out)
        assert (code, "has no workbench" in told) == (2, True)
