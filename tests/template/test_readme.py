"""The README shows the workflow as it is."""

import json
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def test_the_picture_has_every_state_but_the_failures() -> None:
    picture = README.split("```mermaid")[1].split("```")[0]
    for path in (ROOT / "statemachine").glob("*.asl.json"):
        for name, state in json.loads(path.read_text())["States"].items():
            assert (name in picture) == (state["Type"] != "Fail"), name


def test_every_command_the_readme_names_is_in_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in ("demo", "encoder", "test", "help"):
        assert f"make {target}" in README
        assert f"\n{target}:" in makefile


def test_the_request_block_in_the_readme_is_valid_and_shows_the_defaults() -> None:
    from labelloop.workflow.request import ActiveLearning

    block = README.split('"ActiveLearning": ')[1].split("```")[0]
    shown = json.loads(block)
    settings = ActiveLearning.model_validate(shown)
    defaults = ActiveLearning()
    examples = {
        "Model",
        "BatchSize",
        "ValidationSize",
        "WrongLabelCost",
        "MaxHumanLabels",
        "MaxCost",
        "ResumeFromS3Uri",
    }
    for name, field in ActiveLearning.model_fields.items():
        if field.alias in shown and field.alias not in examples:
            assert getattr(settings, name) == getattr(defaults, name), field.alias
