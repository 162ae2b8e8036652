"""What the template's roles allow, as IAM reads it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from labelloop.local.template import Template

from .aws_calls import JOBS, MODEL_JOBS, Call


@dataclass(frozen=True)
class Permission:
    """One action on one resource pattern, of one statement."""

    role: str
    sid: str
    action: str
    resource: str
    denied: bool
    condition: dict[str, Any] = field(hash=False, default_factory=dict)

    def fits(self, call: Call) -> bool:
        if not (fnmatchcase(call.action, self.action) and fnmatchcase(call.resource, self.resource)):
            return False
        passed_to = self.condition.get("StringEquals", {}).get("iam:PassedToService")
        return bool(passed_to == call.passed_to)


class Policies:
    """The permissions of every role in the template."""

    def __init__(self, template: Template) -> None:
        self._template = template
        stated = {
            name: list(self._permissions(name))
            for name, resource in template.resources.items()
            if resource["Type"] == "AWS::IAM::Role"
        }
        self.roles = {name: [one for one in them if not one.denied] for name, them in stated.items()}
        self.denials = {name: [one for one in them if one.denied] for name, them in stated.items()}

    def role_of(self, principal: str) -> str:
        """The role a function, a state machine or the jobs run with."""
        if principal == JOBS:
            return "JobRole"
        if principal == MODEL_JOBS:
            return "ModelJobRole"
        role: Any = self._template.resources[principal]["Properties"]["Role"]
        name: str = re.sub(r"\.Arn$", "", role["Fn::GetAtt"])
        return name

    def allow(self, call: Call) -> bool:
        role = self.role_of(call.principal)
        if any(denial.fits(call) for denial in self.denials[role]):
            return False
        return any(permission.fits(call) for permission in self.roles[role])

    def _permissions(self, role: str) -> Iterator[Permission]:
        properties = self._template.resources[role]["Properties"]
        documents = [policy["PolicyDocument"] for policy in properties.get("Policies", ())]
        documents += [
            resource["Properties"]["PolicyDocument"]
            for resource in self._template.resources.values()
            if resource["Type"] == "AWS::IAM::Policy" and {"Ref": role} in resource["Properties"]["Roles"]
        ]
        for policy in properties.get("ManagedPolicyArns", ()):
            assert set(policy) == {"Ref"}, f"{role} has the managed policy {policy}: use policies of our own"
            documents.append(self._template.resources[policy["Ref"]]["Properties"]["PolicyDocument"])
        for document in documents:
            for statement in self._template.resolve(document, role)["Statement"]:
                denied = {"Allow": False, "Deny": True}[statement["Effect"]]
                for action in _as_list(statement["Action"]):
                    for resource in _as_list(statement["Resource"]):
                        yield Permission(
                            role,
                            statement["Sid"],
                            action,
                            resource,
                            denied,
                            statement.get("Condition", {}),
                        )


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
