"""Monitoring is an application of its own: it may be replaced as a whole, and can do nothing."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from labelloop.local.template import Template

ROOT = Path(__file__).parents[2]
TEMPLATES = [ROOT / "template.yaml", *sorted((ROOT / "infrastructure").glob("*.yaml"))]


def test_it_keeps_nothing_and_may_do_nothing() -> None:
    kinds = {
        resource["Type"] for resource in Template(ROOT / "infrastructure/monitoring.yaml").resources.values()
    }
    assert kinds == {"AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard", "AWS::Logs::QueryDefinition"}


def test_the_stack_gives_it_every_parameter_and_no_other() -> None:
    properties = Template(ROOT / "template.yaml").resources["Monitoring"]["Properties"]
    location = ROOT / properties["Location"]
    declared = location.read_text().split("\nParameters:\n")[1].split("\n\n")[0]
    names = [line.split(":")[0].strip() for line in declared.splitlines() if "Type:" in line]
    assert sorted(properties["Parameters"]) == sorted(names)
    assert all(
        given == {"Ref": name} for name, given in properties["Parameters"].items() if name in _FUNCTIONS
    )


_FUNCTIONS = Template(ROOT / "template.yaml").functions()


def mappings(node: yaml.Node) -> list[yaml.MappingNode]:
    """Every mapping at or below a node."""
    if isinstance(node, yaml.SequenceNode):
        return [found for item in node.value for found in mappings(item)]
    if isinstance(node, yaml.MappingNode):
        return [node, *(found for _, value in node.value for found in mappings(value))]
    return []


def keys(node: yaml.MappingNode) -> list[str]:
    """A mapping's keys, those that `<<` puts in included."""
    found: list[str] = []
    for key, value in node.value:
        found += keys(value) if key.value == "<<" else [key.value]
    return found


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_what_is_said_again_is_never_overridden(path: Path) -> None:
    """checkov cannot read a template where `<<` puts in a key that is there, and passes it by in silence."""
    tree: Any = yaml.compose(path.read_text(), yaml.SafeLoader)
    repeated = [
        (node.start_mark.line + 1, sorted(key for key in set(keys(node)) if keys(node).count(key) > 1))
        for node in mappings(tree)
    ]
    assert [(line, names) for line, names in repeated if names] == []
