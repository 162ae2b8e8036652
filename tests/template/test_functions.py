"""What the template says of each function, so that SAM builds two images and an operator finds the logs."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from labelloop.labelers.image import Image
from labelloop.local.application import BUILT_MODEL_IMAGE
from labelloop.local.template import Template

ROOT = Path(__file__).parents[2]
TEMPLATE = Template(
    ROOT / "template.yaml",
    parameters={"DataBucket": "bucket", "JobRoleArn": "arn:aws:iam::123456789012:role/jobs"},
)


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms as `{"!Ref": ...}`."""


_Loader.add_multi_constructor("!", lambda _loader, tag, node: {f"!{tag}": node.value})
DOCUMENT: dict[str, Any] = yaml.load((ROOT / "template.yaml").read_text(), _Loader)
RESOURCES: dict[str, Any] = DOCUMENT["Resources"]
SHARED: dict[str, Any] = DOCUMENT["Globals"]["Function"]
FUNCTIONS = {
    name: resource for name, resource in RESOURCES.items() if resource["Type"] == "AWS::Serverless::Function"
}
MODEL_CONTAINERS = ("ModelContainer", "ImageModelContainer")
STEPS = {name: function for name, function in FUNCTIONS.items() if name not in MODEL_CONTAINERS}


def test_all_steps_have_one_image_so_that_sam_builds_it_once() -> None:
    metadata = [function["Metadata"] for function in STEPS.values()]
    assert metadata == [{"Dockerfile": "Dockerfile", "DockerContext": "src", "DockerTag": "steps"}] * len(
        STEPS
    )
    assert (ROOT / "src/Dockerfile").is_file()


@pytest.mark.parametrize(
    ("name", "image"),
    [("ModelContainer", BUILT_MODEL_IMAGE), ("ImageModelContainer", Image.stand_in.image)],
)
def test_the_model_images_are_sams_too_and_the_laptop_knows_their_names(name: str, image: str) -> None:
    metadata = FUNCTIONS[name]["Metadata"]
    assert (ROOT / metadata["DockerContext"] / metadata["Dockerfile"]).is_file()
    assert f"{name.lower()}:{metadata['DockerTag']}" == image


@pytest.mark.parametrize(
    ("deployed", "there"),
    [("text", {"ModelContainer"}), ("image", {"ImageModelContainer"}), ("both", set(MODEL_CONTAINERS))],
)
def test_a_stack_has_the_model_containers_it_was_deployed_with(deployed: str, there: set[str]) -> None:
    functions = Template(ROOT / "template.yaml", parameters={"ModelContainers": deployed}).functions()
    assert functions.keys() & set(MODEL_CONTAINERS) == there
    environment = functions["PrepareManifest"].environment
    named = {environment["MODEL_FUNCTION_NAME"], environment["IMAGE_MODEL_FUNCTION_NAME"]} - {""}
    assert named == {functions[name].name for name in there}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_function_says_what_it_is_and_needs(name: str) -> None:
    properties = SHARED | FUNCTIONS[name]["Properties"]
    assert properties["PackageType"] == "Image"
    others = [other["Properties"]["Description"] for key, other in FUNCTIONS.items() if key != name]
    assert properties["Description"] not in others
    # A new AWS account may not have more.
    assert 128 <= TEMPLATE.functions()[name].memory <= 3008
    assert not {"ReservedConcurrentExecutions", "ProvisionedConcurrencyConfig"} & properties.keys(), (
        "a new account runs ten functions at a time, and none of these can be reserved"
    )
    assert 0 < properties["Timeout"] <= 900


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_function_has_a_log_group_of_its_own_that_forgets(name: str) -> None:
    assert FUNCTIONS[name]["Properties"]["LoggingConfig"] == {"LogGroup": {"!Ref": f"{name}LogGroup"}}
    group = RESOURCES[f"{name}LogGroup"]
    assert group["Type"] == "AWS::Logs::LogGroup"
    assert group["Properties"]["LogGroupName"] == {"!Sub": f"/aws/lambda/${{AWS::StackName}}-{name}"}
    assert group["Properties"]["RetentionInDays"] == {"!Ref": "LogRetentionInDays"}


def test_all_functions_are_traced() -> None:
    assert SHARED["Tracing"] == "Active"


def test_a_step_knows_the_model_container_by_name_unless_the_stack_names_an_image() -> None:
    functions = TEMPLATE.functions()
    environment = functions["PrepareManifest"].environment
    assert environment["MODEL_FUNCTION_NAME"] == functions["ModelContainer"].name
    assert environment["MODEL_IMAGE_URI"] == ""


@pytest.mark.parametrize("dockerfile", ["src/Dockerfile", "model_container/Dockerfile"])
def test_images_are_built_by_the_classic_builder(dockerfile: str) -> None:
    assert not re.search(r"^RUN --|^# syntax", (ROOT / dockerfile).read_text(), re.M)


def packages_of_the_functions() -> set[str]:
    """What the functions' handlers are in, and what those packages import."""
    found, new = set[str](), {"steps", "monitoring", "workbench"}
    while new:
        found |= new
        text = "".join(
            path.read_text() for package in new for path in (ROOT / "src/labelloop" / package).rglob("*.py")
        )
        named = set(re.findall(r"^\s*(?:from|import) labelloop\.(\w+)", text, re.M))
        named |= {
            name.strip()
            for names in re.findall(r"^from labelloop import (.+)$", text, re.M)
            for name in names.split(",")
        }
        new = {name for name in named if (ROOT / "src/labelloop" / name).is_dir()} - found
    return found


def test_the_steps_image_holds_what_the_steps_import_and_the_locked_dependencies() -> None:
    ignore = (ROOT / "src/.dockerignore").read_text().split("\n")
    kept = {line.removeprefix("!labelloop/") for line in ignore if line.startswith("!labelloop/")}
    assert kept == {"__init__.py", *packages_of_the_functions()}
    assert "--require-hashes" in (ROOT / "src/Dockerfile").read_text()


def test_the_steps_image_keeps_the_services_that_the_code_calls() -> None:
    """What botocore knows of all others is left out of the image."""
    text = "".join(
        path.read_text()
        for package in packages_of_the_functions()
        for path in (ROOT / "src/labelloop" / package).rglob("*.py")
    )
    called = set(re.findall(r"""\b(?:client|resource)\(\s*["']([a-z0-9-]+)["']""", text))
    kept = set(re.findall(r"! -name ([a-z0-9-]+)", (ROOT / "src/Dockerfile").read_text()))
    assert {"dynamodb", "lambda", "s3", "stepfunctions"} <= called <= kept


def test_the_images_have_one_repository_that_forgets() -> None:
    settings = tomllib.loads((ROOT / "samconfig.toml").read_text())
    # sam refuses --image-repository beside it.
    assert "resolve_image_repos" not in settings["default"]["deploy"]["parameters"]
    path = ROOT / settings["images"]["deploy"]["parameters"]["template_file"]
    repository = Template(path).resources["Repository"]["Properties"]
    rules = json.loads(repository["LifecyclePolicy"]["LifecyclePolicyText"])["rules"]
    patterns = [pattern for rule in rules for pattern in rule["selection"].get("tagPatternList", ())]
    # sam tags an image "<function>-<image id>-<DockerTag>".
    tags = {function["Metadata"]["DockerTag"] for function in FUNCTIONS.values()}
    assert sorted(patterns) == sorted(f"*-{tag}" for tag in tags)


def test_sam_local_reaches_the_stand_ins() -> None:
    settings = tomllib.loads((ROOT / "samconfig.toml").read_text())["default"]
    overrides = settings["local_invoke"]["parameters"]["parameter_overrides"]
    assert overrides.partition("=")[0] in DOCUMENT["Parameters"]
