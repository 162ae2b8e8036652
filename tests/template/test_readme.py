"""README and documentation show the workflow as it is, and what happens before the first round."""

import json
import re
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
MODEL_PAGE = (ROOT / "docs/foundation-model.md").read_text()


def test_the_picture_has_every_state_but_the_failures() -> None:
    picture = "".join(page.split("```mermaid")[1].split("```")[0] for page in (README, MODEL_PAGE))
    for path in (ROOT / "statemachine").glob("*.asl.json"):
        for name, state in json.loads(path.read_text())["States"].items():
            assert (name in picture) == (state["Type"] != "Fail"), name


def test_every_arrow_of_the_picture_is_a_transition() -> None:
    transitions = set()
    for path in (ROOT / "statemachine").glob("*.asl.json"):
        for name, state in json.loads(path.read_text())["States"].items():
            branches = [state, *state.get("Choices", []), *state.get("Catch", [])]
            after = {branch.get("Next") for branch in branches} | {state.get("Default")}
            transitions |= {(name, other) for other in after}
    states = {name for name, _ in transitions}
    for page in (README, MODEL_PAGE):
        for line in page.split("```mermaid")[1].split("```")[0].splitlines():
            # `Name{Name}` is a choice, and ` -- text ` says when.
            ends = [re.split(r"[{(\[]| -- ", end.strip())[0].strip() for end in line.split("-->")]
            drawn = {(one, other) for one, other in pairwise(ends) if {one, other} <= states}
            assert drawn <= transitions, line


def test_every_command_the_readme_names_is_in_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = {
        target
        for commands in re.findall(r"(?:```\n|`)make\s([a-z -]+)", README)
        for target in commands.split()
    }
    assert {"setup", "encoder", "demo", "bench", "docs", "test", "help"} <= named
    for target in named:
        assert f"\n{target}:" in makefile, target


def test_the_request_block_in_the_documentation_is_valid_and_shows_the_defaults() -> None:
    from labelloop.workflow.request import ActiveLearning

    block = (ROOT / "docs/request.md").read_text().split('"ActiveLearning": ')[1].split("```")[0]
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
