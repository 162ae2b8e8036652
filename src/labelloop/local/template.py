"""Reads what the local AWS needs from `template.yaml`: functions, state machines, and what they refer to.

Only the parts that are needed are resolved: others, such as a dashboard, may use intrinsic functions that are
not known here. ARNs are deterministic: the same template gives the same ones.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

try:
    # libyaml's, where PyYAML was built with it: a tenth of the time, and the template is long.
    from yaml import CSafeLoader as SafeLoader
except ImportError:
    from yaml import SafeLoader  # type: ignore[assignment]

from labelloop.core.errors import LabelloopError

ACCOUNT_ID = "123456789012"
REGION = "us-east-1"
PARTITION = "aws"

_NO_VALUE = object()
_PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")
_FUNCTION_TYPE = "AWS::Serverless::Function"
_STATE_MACHINE_TYPES = ("AWS::Serverless::StateMachine", "AWS::StepFunctions::StateMachine")


class TemplateError(LabelloopError):
    """Raised when the template cannot be read, or uses something the local AWS does not know."""


@dataclass(frozen=True)
class Function:
    """One Lambda function: `handler` is `module.function`, times in seconds, memory in MB."""

    logical_id: str
    name: str
    arn: str
    handler: str
    environment: Mapping[str, str]
    timeout: int
    memory: int


@dataclass(frozen=True)
class StateMachine:
    """One state machine with its definition after substitution."""

    logical_id: str
    name: str
    arn: str
    role_arn: str
    type: str
    definition: str


class Template:
    """A SAM template with its parameters' values. `resources` is as written, with nothing resolved."""

    def __init__(
        self, path: Path, *, parameters: Mapping[str, str] | None = None, stack_name: str = "labelloop"
    ) -> None:
        """Reads `path`; `parameters` override the template's defaults.

        Raises `TemplateError` when the file is missing, is not YAML, or a parameter has no value.
        """
        self.path = path
        self.stack_name = stack_name
        self._document = _load(path)
        self.resources: Mapping[str, Any] = self._document.get("Resources") or {}
        self._parameters = self._fill_parameters(parameters or {})

    def functions(self) -> dict[str, Function]:
        """Every Lambda function by logical id."""
        return {
            logical_id: self._function(logical_id)
            for logical_id, resource in self.resources.items()
            if resource.get("Type") == _FUNCTION_TYPE and self._exists(logical_id)
        }

    def state_machines(self) -> dict[str, StateMachine]:
        """Every state machine by logical id.

        Raises `TemplateError` when a definition file is missing or has a placeholder without a value.
        """
        return {
            logical_id: self._state_machine(logical_id)
            for logical_id, resource in self.resources.items()
            if resource.get("Type") in _STATE_MACHINE_TYPES and self._exists(logical_id)
        }

    def resolve(self, value: Any, at: str) -> Any:
        """`value` with its intrinsic functions resolved; `at` is its place, for error messages."""
        if isinstance(value, list):
            items = (self.resolve(item, f"{at}[{index}]") for index, item in enumerate(value))
            return [item for item in items if item is not _NO_VALUE]
        if not isinstance(value, dict):
            return value
        intrinsic = _intrinsic_name(value)
        if intrinsic is not None:
            return self._resolve_intrinsic(intrinsic, value[intrinsic], at)
        resolved = {key: self.resolve(item, f"{at}.{key}") for key, item in value.items()}
        return {key: item for key, item in resolved.items() if item is not _NO_VALUE}

    def _fill_parameters(self, given: Mapping[str, str]) -> dict[str, Any]:
        declared: Mapping[str, Any] = self._document.get("Parameters") or {}
        unknown = sorted(set(given) - set(declared))
        if unknown:
            raise TemplateError(f"{self.path} has no parameter {', '.join(unknown)}")
        values = {}
        for name, declaration in declared.items():
            value = given.get(name, declaration.get("Default"))
            if value is not None:
                values[name] = _as_list(value) if "List" in declaration.get("Type", "") else value
        return values

    def _function(self, logical_id: str) -> Function:
        properties = self._properties(logical_id)
        name = self._physical_name(logical_id)
        variables = (properties.get("Environment") or {}).get("Variables") or {}
        return Function(
            logical_id=logical_id,
            name=name,
            arn=self._arn(logical_id),
            handler=self._handler(logical_id, properties),
            environment={key: _as_text(value) for key, value in variables.items()},
            timeout=int(properties.get("Timeout", 3)),
            memory=int(properties.get("MemorySize", 128)),
        )

    def tables(self) -> dict[str, dict[str, Any]]:
        """The arguments of CreateTable for each DynamoDB table, without its name, by logical id."""
        return {
            logical_id: {
                key: self.resolve(resource["Properties"][key], f"Resources.{logical_id}.Properties.{key}")
                for key in ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
                if key in resource["Properties"]
            }
            for logical_id, resource in self.resources.items()
            if resource.get("Type") == "AWS::DynamoDB::Table" and self._exists(logical_id)
        }

    def _handler(self, logical_id: str, properties: Mapping[str, Any]) -> str:
        command = (properties.get("ImageConfig") or {}).get("Command") or [properties.get("Handler")]
        if len(command) != 1 or not isinstance(command[0], str) or "." not in command[0]:
            raise TemplateError(
                f"{self.path}: {logical_id} needs ImageConfig.Command: [module.function], has {command!r}"
            )
        return command[0]

    def _properties(self, logical_id: str) -> dict[str, Any]:
        """A function's own properties, merged over those in `Globals.Function`."""
        at = f"Resources.{logical_id}.Properties"
        own = self.resources[logical_id].get("Properties") or {}
        shared = (self._document.get("Globals") or {}).get("Function") or {}
        wanted = ("Environment", "ImageConfig", "Handler", "Timeout", "MemorySize", "FunctionName")
        resolved_shared = {
            key: self.resolve(shared[key], f"Globals.Function.{key}") for key in wanted if key in shared
        }
        resolved_own = {key: self.resolve(own[key], f"{at}.{key}") for key in wanted if key in own}
        return _merged(resolved_shared, resolved_own)

    def _state_machine(self, logical_id: str) -> StateMachine:
        properties = self.resources[logical_id].get("Properties") or {}
        at = f"Resources.{logical_id}.Properties"
        role = properties.get("Role") or properties.get("RoleArn")
        return StateMachine(
            logical_id=logical_id,
            name=self._physical_name(logical_id),
            arn=self._arn(logical_id),
            role_arn=self.resolve(role, f"{at}.Role")
            if role
            else _role_arn(f"{self.stack_name}-{logical_id}Role"),
            type=self.resolve(properties.get("Type", "STANDARD"), f"{at}.Type"),
            definition=self._definition(logical_id, properties, at),
        )

    def _definition(self, logical_id: str, properties: Mapping[str, Any], at: str) -> str:
        uri = properties.get("DefinitionUri")
        if not isinstance(uri, str):
            raise TemplateError(f"{self.path}: {at}.DefinitionUri must be the path of an ASL file")
        path = self.path.parent / uri
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise TemplateError(
                f"{self.path}: {logical_id}'s definition {path} cannot be read: {error}"
            ) from error
        given = self.resolve(properties.get("DefinitionSubstitutions") or {}, f"{at}.DefinitionSubstitutions")

        def fill(match: re.Match[str]) -> str:
            if match[1] not in given:
                raise TemplateError(
                    f"{path}: ${{{match[1]}}} is not among {logical_id}'s DefinitionSubstitutions"
                )
            return _as_text(given[match[1]])

        return _PLACEHOLDER.sub(fill, text)

    def _exists(self, logical_id: str) -> bool:
        condition = self.resources[logical_id].get("Condition")
        return condition is None or self._condition(condition, f"Resources.{logical_id}.Condition")

    def _condition(self, name: str, at: str) -> bool:
        conditions: Mapping[str, Any] = self._document.get("Conditions") or {}
        if name not in conditions:
            raise TemplateError(f"{self.path}: {at} names the condition {name}, which is not declared")
        return bool(self.resolve(conditions[name], f"Conditions.{name}"))

    # Intrinsic functions -----------------------------------------------------------------------------------

    def _resolve_intrinsic(self, name: str, argument: Any, at: str) -> Any:
        resolver = _INTRINSICS.get(name)
        if resolver is None:
            known = ", ".join(sorted(_INTRINSICS))
            raise TemplateError(
                f"{self.path}: {at} uses {name}, which the local AWS does not know (it knows {known})"
            )
        try:
            return resolver(self, argument, at)
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise TemplateError(f"{self.path}: {at} has a malformed {name}: {argument!r}") from error

    def _ref(self, name: Any, at: str) -> Any:
        pseudo = self._pseudo_parameters().get(name)
        if pseudo is not None:
            return pseudo
        if name in self._parameters:
            return self._parameters[name]
        if name in (self._document.get("Parameters") or {}):
            raise TemplateError(
                f"{self.path}: {at} needs a value for the parameter {name}, which has no default"
            )
        if name in self.resources:
            return self._reference(name)
        raise TemplateError(
            f"{self.path}: {at} refers to {name}, which is neither a parameter nor a resource"
        )

    def _pseudo_parameters(self) -> dict[str, Any]:
        return {
            "AWS::Region": REGION,
            "AWS::AccountId": ACCOUNT_ID,
            "AWS::Partition": PARTITION,
            "AWS::StackName": self.stack_name,
            "AWS::StackId": f"arn:{PARTITION}:cloudformation:{_REGIONAL}:stack/{self.stack_name}/local",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::NoValue": _NO_VALUE,
        }

    def _get_att(self, argument: Any, at: str) -> str:
        logical_id, _, attribute = (
            argument.partition(".") if isinstance(argument, str) else (*argument[:1], ".", argument[1])
        )
        return self._attribute(logical_id, self.resolve(attribute, at), at)

    def _attribute(self, logical_id: str, attribute: str, at: str) -> str:
        if attribute == "Arn" and self._is_resource(logical_id):
            return self._arn(logical_id)
        if attribute in ("Name", "RoleName") and self._is_resource(logical_id):
            return self._physical_name(logical_id)
        if attribute == "ProviderURL" and self._is_resource(logical_id):
            return f"https://cognito-idp.{REGION}.amazonaws.com/{self._physical_name(logical_id)}"
        raise TemplateError(
            f"{self.path}: {at} asks for {logical_id}.{attribute}, which the local AWS does not know"
        )

    def _is_resource(self, logical_id: str) -> bool:
        # SAM creates a role for each function and state machine that names none.
        return logical_id in self.resources or logical_id.removesuffix("Role") in self.resources

    def _sub(self, argument: Any, at: str) -> str:
        text, variables = (argument, {}) if isinstance(argument, str) else (argument[0], argument[1])

        def fill(match: re.Match[str]) -> str:
            name = match[1].strip()
            if name.startswith("!"):
                return f"${{{name[1:]}}}"
            if name in variables:
                return _as_text(self.resolve(variables[name], at))
            if "." in name:
                return self._get_att(name, at)
            return _as_text(self._ref(name, at))

        return _PLACEHOLDER.sub(fill, text)

    def _join(self, argument: Any, at: str) -> str:
        separator, items = argument
        return str(separator).join(_as_text(item) for item in self.resolve(items, at))

    def _select(self, argument: Any, at: str) -> Any:
        index, items = argument
        return self.resolve(items, at)[int(self.resolve(index, at))]

    def _split(self, argument: Any, at: str) -> list[str]:
        separator, text = argument
        return _as_text(self.resolve(text, at)).split(separator)

    def _if(self, argument: Any, at: str) -> Any:
        condition, then, otherwise = argument
        return self.resolve(then if self._condition(condition, at) else otherwise, at)

    def _equals(self, argument: Any, at: str) -> bool:
        left, right = argument
        return _as_text(self.resolve(left, at)) == _as_text(self.resolve(right, at))

    def _not(self, argument: Any, at: str) -> bool:
        (condition,) = argument
        return not self.resolve(condition, at)

    def _and(self, argument: Any, at: str) -> bool:
        return all(self.resolve(condition, at) for condition in argument)

    def _or(self, argument: Any, at: str) -> bool:
        return any(self.resolve(condition, at) for condition in argument)

    def _find_in_map(self, argument: Any, at: str) -> Any:
        name, top, second = (self.resolve(part, at) for part in argument[:3])
        return self._document["Mappings"][name][top][second]

    # Names and ARNs ----------------------------------------------------------------------------------------

    def _reference(self, logical_id: str) -> str:
        """What `Ref` returns: an ARN for a state machine or a topic, else the physical name."""
        kind = self.resources[logical_id].get("Type", "")
        by_arn = (*_STATE_MACHINE_TYPES, "AWS::SNS::Topic", "AWS::SecretsManager::Secret")
        return self._arn(logical_id) if kind in by_arn else self._physical_name(logical_id)

    def _physical_name(self, logical_id: str) -> str:
        resource = self.resources.get(logical_id) or {}
        key = _NAME_PROPERTIES.get(resource.get("Type", ""), "Name")
        given = (resource.get("Properties") or {}).get(key)
        if given is not None:
            name = self.resolve(given, f"Resources.{logical_id}.Properties.{key}")
            if name is not _NO_VALUE:
                return _as_text(name)
        name = f"{self.stack_name}-{logical_id}"
        return name.lower() if resource.get("Type") == "AWS::S3::Bucket" else name

    def _arn(self, logical_id: str) -> str:
        kind = (self.resources.get(logical_id) or {}).get("Type", "AWS::IAM::Role")
        name = self._physical_name(logical_id)
        pattern = _ARN_PATTERNS.get(kind)
        if pattern is not None:
            return pattern.format(name=name)
        service = kind.split("::")[1].lower()
        return f"arn:{PARTITION}:{service}:{REGION}:{ACCOUNT_ID}:{name}"


_REGIONAL = f"{REGION}:{ACCOUNT_ID}"
_ARN_PATTERNS: Mapping[str, str] = {
    "AWS::Serverless::Function": f"arn:{PARTITION}:lambda:{_REGIONAL}:function:{{name}}",
    "AWS::Serverless::StateMachine": f"arn:{PARTITION}:states:{_REGIONAL}:stateMachine:{{name}}",
    "AWS::StepFunctions::StateMachine": f"arn:{PARTITION}:states:{_REGIONAL}:stateMachine:{{name}}",
    "AWS::S3::Bucket": f"arn:{PARTITION}:s3:::{{name}}",
    "AWS::IAM::Role": f"arn:{PARTITION}:iam::{ACCOUNT_ID}:role/{{name}}",
    "AWS::DynamoDB::Table": f"arn:{PARTITION}:dynamodb:{_REGIONAL}:table/{{name}}",
    "AWS::Logs::LogGroup": f"arn:{PARTITION}:logs:{_REGIONAL}:log-group:{{name}}:*",
    "AWS::KMS::Key": f"arn:{PARTITION}:kms:{_REGIONAL}:key/{{name}}",
}
_NAME_PROPERTIES: Mapping[str, str] = {
    "AWS::Serverless::Function": "FunctionName",
    "AWS::StepFunctions::StateMachine": "StateMachineName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::IAM::Role": "RoleName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::SNS::Topic": "TopicName",
}
_INTRINSICS: Mapping[str, Callable[[Template, Any, str], Any]] = {
    "Ref": Template._ref,
    "Condition": lambda template, name, at: template._condition(name, at),
    "Fn::GetAtt": Template._get_att,
    "Fn::Sub": Template._sub,
    "Fn::Join": Template._join,
    "Fn::Select": Template._select,
    "Fn::Split": Template._split,
    "Fn::If": Template._if,
    "Fn::Equals": Template._equals,
    "Fn::Not": Template._not,
    "Fn::And": Template._and,
    "Fn::Or": Template._or,
    "Fn::FindInMap": Template._find_in_map,
}


def _intrinsic_name(value: Mapping[str, Any]) -> str | None:
    if len(value) != 1:
        return None
    (key,) = value
    if not isinstance(key, str) or not (key.startswith("Fn::") or key in ("Ref", "Condition")):
        return None
    # `Condition: {StringEquals: ...}` in a policy does not refer to a condition.
    return key if key != "Condition" or isinstance(value[key], str) else None


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` merged over `base`, key by key, as SAM does with Globals."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _role_arn(name: str) -> str:
    return f"arn:{PARTITION}:iam::{ACCOUNT_ID}:role/{name}"


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _as_list(value: Any) -> list[Any]:
    return value.split(",") if isinstance(value, str) else value


class _CloudFormationLoader(SafeLoader):
    """YAML with CloudFormation's short tags: `!Sub x` is read as `{"Fn::Sub": x}`."""


def _construct_tag(loader: SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        argument: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        argument = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        argument = loader.construct_mapping(node, deep=True)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": argument}


_CloudFormationLoader.add_multi_constructor("!", _construct_tag)
# CloudFormation dates (`Version: 2012-10-17`) are text.
_CloudFormationLoader.add_constructor("tag:yaml.org,2002:timestamp", lambda _loader, node: str(node.value))


def _load(path: Path) -> dict[str, Any]:
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_CloudFormationLoader)  # noqa: S506 - a SafeLoader
    except OSError as error:
        raise TemplateError(f"the template {path} cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise TemplateError(f"the template {path} is not YAML: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("Resources"), dict):
        raise TemplateError(f"the template {path} has no Resources")
    return document
