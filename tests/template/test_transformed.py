"""A rehearsal of a deployment: what CloudFormation gets, after SAM's transform, resource by resource."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SAM_PYTHON = ROOT / ".sam/bin/python"
PSEUDO = {
    "AWS::AccountId",
    "AWS::NoValue",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackName",
    "AWS::URLSuffix",
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SAM_PYTHON.exists(), reason="needs sam: make .sam/bin/sam"),
]


@pytest.fixture(scope="module")
def transformed() -> dict[str, Any]:
    printed = subprocess.run(
        [SAM_PYTHON, ROOT / "tools/sam/transform", ROOT / "template.yaml"],
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    template: dict[str, Any] = json.loads(printed)
    return template


def test_each_resource_is_what_its_published_schema_says(transformed: dict[str, Any], tmp_path: Path) -> None:
    """cfn-lint has the schemas. Every GetAtt, Ref and Sub is resolved too."""
    path = tmp_path / "transformed.json"
    path.write_text(json.dumps(transformed))
    linted = subprocess.run(
        [
            Path(sys.executable).parent / "cfn-lint",
            path,
            "--regions",
            "us-east-1",
            "eu-central-1",
            "us-gov-west-1",
        ],
        capture_output=True,
        text=True,
    )
    assert linted.returncode == 0, linted.stdout + linted.stderr


class Deployment:
    """The template with some parameters: which resources it has, and what each refers to."""

    def __init__(self, template: dict[str, Any], **parameters: str) -> None:
        self.resources: dict[str, Any] = template["Resources"]
        self.parameters = {
            name: parameters.get(name, declared.get("Default"))
            for name, declared in template["Parameters"].items()
        }
        self._conditions = template["Conditions"]

    def exists(self, name: str) -> bool:
        condition = self.resources[name].get("Condition")
        return condition is None or self.holds(condition)

    def holds(self, name: str) -> bool:
        return bool(self._value(self._conditions[name]))

    def _value(self, node: Any) -> Any:
        if not isinstance(node, dict):
            return node
        ((function, argument),) = node.items()
        if function == "Ref":
            return self.parameters.get(argument, argument)
        if function == "Fn::Equals":
            left, right = (str(self._value(side)) for side in argument)
            return left == right
        assert function == "Fn::Not", function
        return not self._value(argument[0])

    def references(self, node: Any) -> Iterator[str]:
        """The logical ids that a value refers to, in the branches that are taken."""
        if isinstance(node, list):
            for item in node:
                yield from self.references(item)
        elif isinstance(node, dict):
            yield from self._in_mapping(node)

    def _in_mapping(self, node: dict[str, Any]) -> Iterator[str]:
        if "Fn::If" in node:
            condition, yes, no = node["Fn::If"]
            yield from self.references(yes if self.holds(condition) else no)
        elif "Ref" in node:
            yield node["Ref"]
        elif "Fn::GetAtt" in node:
            yield node["Fn::GetAtt"][0]
        elif "Fn::Sub" in node:
            yield from self._in_sub(node["Fn::Sub"])
        else:
            yield from self.references(list(node.values()))

    def _in_sub(self, argument: Any) -> Iterator[str]:
        text, given = (argument, {}) if isinstance(argument, str) else argument
        for name in re.findall(r"\$\{([^!}][^}]*)\}", text):
            if name not in given:
                yield name.split(".")[0]
        yield from self.references(list(given.values()))


KEY = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"LabelingBackend": "groundtruth"},
        {"DataBucket": "mine", "InputBucket": "other", "JobRoleArn": "arn:aws:iam::123456789012:role/mine"},
        {"KmsKeyArn": KEY, "AlarmEmail": "ann@example.com"},
        {"KmsKeyArn": KEY, "LabelingBackend": "groundtruth", "DataBucket": "mine"},
    ],
    ids=lambda parameters: " ".join(parameters) or "defaults",
)
def test_whatever_is_deployed_refers_only_to_what_is_deployed_with_it(
    transformed: dict[str, Any], parameters: dict[str, str]
) -> None:
    deployment = Deployment(transformed, **parameters)
    there = {name for name in deployment.resources if deployment.exists(name)}
    known = there | deployment.parameters.keys() | PSEUDO
    for name in there:
        resource = deployment.resources[name]
        asked = set(deployment.references(resource["Properties"])) | set(
            _listed(resource.get("DependsOn", []))
        )
        assert asked <= known, name
    for name, output in transformed["Outputs"].items():
        if "Condition" not in output or deployment.holds(output["Condition"]):
            assert set(deployment.references(output["Value"])) <= known, name


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize("backend", ["workbench", "groundtruth"])
def test_no_resource_waits_for_itself(transformed: dict[str, Any], backend: str) -> None:
    deployment = Deployment(transformed, LabelingBackend=backend)
    waits_for = {
        name: {
            asked for asked in deployment.references(resource["Properties"]) if asked in deployment.resources
        }
        for name, resource in deployment.resources.items()
        if deployment.exists(name)
    }
    while ready := [name for name, others in waits_for.items() if not others & waits_for.keys()]:
        for name in ready:
            del waits_for[name]
    assert not waits_for, "a circle"
