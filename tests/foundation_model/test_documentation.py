"""The commands of docs/foundation-model.md work as they stand, but for the server."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from labelloop.asked_files.descriptions import read_instructions
from labelloop.cli.main import app
from labelloop.foundation_model.prompt import DescribedClass, Prompt
from labelloop.label_audit import forecast
from labelloop.preparation.demo_headlines import CLASS_SHARES
from labelloop.workflow.request import FoundationModel, parse_settings

from .stand_in import StandIn, said

PAGE = (Path(__file__).parents[2] / "docs/foundation-model.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def commands() -> list[list[str]]:
    lines = "\n".join(blocks("bash")).replace("\\\n", " ").splitlines()
    return [shlex.split(line)[1:] for line in lines if line.startswith("labelloop ")]


@pytest.mark.slow
def test_the_commands_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(forecast, "_MOST_AUDITS", 2)
    Path("classes.csv").write_text("class,description\n" + "".join(f"{name},.\n" for name in CLASS_SHARES))
    Path("guidelines.txt").write_text("Choose what a reader would look for.")
    assert [command[0] for command in commands()] == [
        "sample",
        "ask-model",
        "audit",
        "ask-model",
        "ask-model",
        "ask-model",
    ]
    with StandIn({}).serving() as server:
        server.models = ["llama3.2", "gpt-4o-mini", "us.amazon.nova-lite-v1:0"]
        server.switch = lambda chat: said(
            f'{{"label": "{("business", "health")[len(chat.text) % 2]}", "confidence": 0.9}}'
        )
        for number, command in enumerate(commands()):
            more = {"ask-model": ["--server", server.url], "audit": ["--plan"]}.get(command[0], [])
            out = ["--out", f"asked{number}.csv"] if number > 2 else []
            done = CliRunner().invoke(app, [*command, *more, *out])
            assert done.exit_code == 0, (command, done.output)


def test_the_policy_for_bedrock_allows_one_model_and_nothing_else() -> None:
    (policy,) = (block for block in map(json.loads, blocks("json")) if "Statement" in block)
    (bedrock,) = (command for command in commands() if "bedrock" in command)
    profile = bedrock[bedrock.index("--model") + 1]
    through, model = policy["Statement"]
    assert {one["Action"] for one in (through, model)} == {"bedrock:InvokeModel"}
    assert through["Resource"].endswith(f":inference-profile/{profile}")
    assert model["Resource"].endswith(f"::foundation-model/{profile.partition('.')[2]}")
    assert model["Condition"]["StringEquals"] == {"bedrock:InferenceProfileArn": through["Resource"]}


def test_the_block_of_the_request_is_valid_and_the_table_has_every_field_with_its_default() -> None:
    documents = map(json.loads, blocks("json"))
    (shown,) = (block["ActiveLearning"] for block in documents if "ActiveLearning" in block)
    assert parse_settings(shown).foundation_model is not None
    rows = re.findall(r"^\| (`[A-Z].*?) \| (.*?) \| .+ \|$", PAGE, re.M)
    told: dict[str, str] = {}
    for names, defaults in rows:
        told |= dict(zip(re.findall(r"`(\w+)`", names), defaults.split(", "), strict=True))
    fields = {field.alias or name: field for name, field in FoundationModel.model_fields.items()}
    assert list(told) == list(fields)
    for name, field in fields.items():
        default = "required" if field.is_required() else field.get_default(call_default_factory=True)
        words = ("none", "empty") if default in (None, "", {}, []) else (str(default),)
        assert told[name].strip("`") in words


def test_the_template_works(tmp_path: Path) -> None:
    (template,) = blocks("jinja")
    (tmp_path / "own.txt").write_text(template)
    own = read_instructions(tmp_path / "own.txt", "The prompt template")
    prompt = Prompt([DescribedClass("Sport", "Spiele.")], mark="m", asks_confidence=True, template=own)
    told = prompt.instructions(())
    assert told.startswith(
        "Du ordnest Schlagzeilen einer Klasse zu:\n- Sport: Spiele.\nDie Schlagzeile steht"
    )
