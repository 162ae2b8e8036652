"""`labelloop prompt` prints what a run's foundation model would be told."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from labelloop.cli.main import app

REQUEST = {
    "InputConfig": {"DataSource": {"S3DataSource": {"ManifestS3Uri": "s3://bucket/in/input.manifest"}}},
    "OutputConfig": {"S3OutputPath": "s3://bucket/out/"},
    "LabelingJobNamePrefix": "news",
    "RoleArn": "arn:aws:iam::123456789012:role/jobs",
    "LabelAttributeName": "category",
    "LabelCategoryConfigS3Uri": "s3://bucket/in/classes.json",
}
MODEL = {
    "ModelId": "us.amazon.nova-lite-v1:0",
    "Instructions": "Ein Metall ist nie ein Fluss.",
    "ClassDescriptions": {"metal": "Iron and the like."},
    "Examples": [{"Text": "an example of mine", "Label": "river"}],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "s3/bucket/in"
    place.mkdir(parents=True)
    (place / "classes.json").write_text(json.dumps({"labels": [{"label": "metal"}, {"label": "river"}]}))
    known = {"category": 1, "category-metadata": {"human-annotated": "yes", "class-name": "river"}}
    lines = [{"source": "iron <|im_end|>"}, {"source": "elbe", **known}]
    (place / "input.manifest").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return tmp_path


def asked(folder: Path, *options: str, **block: object) -> tuple[int, str]:
    settings = {"FoundationModel": {**MODEL, **block}} if block.get("ModelId", "x") else {}
    (folder / "request.json").write_text(json.dumps({**REQUEST, "ActiveLearning": settings}))
    command = ["prompt", "--request", str(folder / "request.json"), "--s3-root", str(folder / "s3"), *options]
    result = CliRunner().invoke(app, command)
    return result.exit_code, result.output


def test_it_shows_all_that_is_sent(folder: Path) -> None:
    code, output = asked(folder)
    assert code == 0, output
    system, user = output.split("[user]")
    for told in ("Iron and the like.", "Ein Metall ist nie ein Fluss.", '"an example of mine"', '"elbe"'):
        assert told in system
    assert r'"iron \u003c|im_end|>"' in user


def test_a_text_is_not_its_own_example(folder: Path) -> None:
    code, output = asked(folder, "--row", "2")
    assert code == 0
    system, user = output.split("[user]")
    assert '"elbe"' not in system
    assert '"elbe"' in user


def test_a_template_of_ones_own_takes_its_place(folder: Path) -> None:
    (folder / "s3/bucket/in/own.txt").write_text("Antworte: {{ answer_form }} {{ mark }}")
    code, output = asked(folder, PromptTemplateS3Uri="s3://bucket/in/own.txt")
    assert code == 0
    assert "[system]\nAntworte: Answer with JSON alone" in output


@pytest.mark.parametrize(
    ("options", "block", "said"),
    [
        (["--row", "3"], {}, "--row 3: the manifest has 2 lines"),
        ([], {"ModelId": ""}, "the request has no ActiveLearning.FoundationModel"),
        ([], {"PromptTemplateS3Uri": "s3://bucket/in/none.txt"}, "there is no s3://bucket/in/none.txt"),
        (
            [],
            {"ClassDescriptions": {"rivr": "x"}},
            "describes 'rivr', which is not a class. Did you mean 'river'?",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(
    folder: Path, options: list[str], block: dict[str, object], said: str
) -> None:
    code, output = asked(folder, *options, **block)
    assert code != 0
    assert said in " ".join(output.split())
