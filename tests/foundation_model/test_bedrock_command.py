"""`labelloop ask-model --server bedrock` as a user calls it."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from labelloop.cli.ask_model import ask_model

from .bedrock_stand_in import ENDPOINT, MODEL, BedrockStandIn, aws_environment, refusal

app = typer.Typer()
app.command()(ask_model)

TRUTH = {f"text {number}": ("cat", "dog")[number % 2] for number in range(12)}
PRICES = ("--price-in", "1000", "--price-out", "0")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[BedrockStandIn]:
    aws_environment(monkeypatch)
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    with BedrockStandIn(TRUTH).serving() as stand_in:
        monkeypatch.setenv(ENDPOINT, stand_in.url)
        yield stand_in


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "texts.csv"
    path.write_text("id,text\n" + "".join(f"n{number},{text}\n" for number, text in enumerate(TRUTH)))
    return path


def call(table: Path, *more: str) -> Result:
    given = ["--text-column", "text", "--classes", "cat,dog", "--server", "bedrock", "--model", MODEL]
    out = ["--out", str(table.parent / "asked.csv"), "--name", "llm"]
    return CliRunner().invoke(app, [str(table), *given, *out, *more], env={"COLUMNS": "200"})


def in_one_line(result: Result) -> str:
    return " ".join(result.output.split())


def test_rows_come_back_with_labels_and_nothing_is_paid_for_twice(
    table: Path, server: BedrockStandIn
) -> None:
    done = call(table, *PRICES)
    assert done.exit_code == 0, done.output
    told = in_one_line(done)
    assert f"Asking {MODEL} at Amazon Bedrock in eu-central-1 about 12 rows, 4 at once." in told
    assert "It took 1,200 tokens in, 120 out, $1.20; 12 requests were sent now." in told
    with (table.parent / "asked.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["text"]: row["llm"] for row in rows} == TRUTH
    assert {row["llm_confidence"] for row in rows} <= {"0.6", "0.95"}
    assert "0 requests were sent now" in call(table).output
    assert len(server.chats) == 12


def test_the_region_may_be_an_option(table: Path, server: BedrockStandIn) -> None:
    done = call(table, "--region", "us-east-1")
    assert done.exit_code == 0, done.output
    assert "/us-east-1/bedrock/" in server.chats[0].headers["Authorization"]


def test_samples_give_the_confidence(table: Path, server: BedrockStandIn) -> None:
    done = call(table, "--confidence-from", "samples", "--samples", "2", "--sample", "3")
    assert done.exit_code == 0, done.output
    assert len(server.chats) == 6
    assert server.chats[0].body["inferenceConfig"]["temperature"] == 1.0


def test_what_is_refused_to_all_is_told_in_one_error(table: Path, server: BedrockStandIn) -> None:
    server.switch = lambda chat: refusal("AccessDeniedException", "You don't have access to the model.", 403)
    refused = call(table)
    assert refused.exit_code == 2
    assert in_one_line(refused).count(f"Error: AWS denies {MODEL} in eu-central-1: You don't have") == 1
    assert len(server.chats) == 1
    assert not (table.parent / "asked.csv").exists()


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (
            ("--confidence-from", "logprobs"),
            "Amazon Bedrock gives no log-probabilities: use",
        ),
        (("--key-variable", "HOME"), "Amazon Bedrock takes your AWS credentials"),
        (("--profile", "nobody"), "`aws configure list-profiles` lists those that exist"),
        (("--region", ""), "no AWS region is set: give one with --region"),
        (("--server", "http://127.0.0.1:9/v1", "--profile", "me"), "--profile is for --server bedrock"),
        (("--server", "bedrok"), "or bedrock; not 'bedrok'"),
        (("--model", ""), "modelId"),
    ],
)
def test_bad_options_are_told_before_anything_is_sent(
    table: Path, server: BedrockStandIn, more: tuple[str, ...], told: str
) -> None:
    refused = call(table, *more)
    assert refused.exit_code == 2, refused.output
    assert told in in_one_line(refused)
    assert refused.output.count("Error: ") == 1
    assert not server.chats
