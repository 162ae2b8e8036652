"""What the doctor finds in an account and a stack, each with what to do about it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from labelloop.labelers import trains_a_model
from labelloop.operations.checkup import (
    LONGEST_STACK_NAME,
    Finding,
    Status,
    check_account,
    check_credentials,
    check_name,
    check_stack,
)
from labelloop.operations.quotas import needs_of
from labelloop.operations.stack import Stack
from labelloop.workflow.request import parse_request

SAMPLE = Path(__file__).parents[2] / "events/prepare_manifest.json"
ROLE = "arn:aws:iam::123456789012:role/of-the-stack"
VALUES = {
    "ActiveLearningLoopArn": "arn",
    "DataBucketName": "bucket",
    "JobRole": ROLE,
    "ModelContainerName": "labelloop-ModelContainer",
    "WorkbenchUserPoolId": "pool",
    "LargestMemorySize": "3008",
}
ATTRIBUTES = {"email": "ann@example.com", "email_verified": "true"}
USER = {"Username": "1", "Attributes": [{"Name": name, "Value": value} for name, value in ATTRIBUTES.items()]}


def refused(code: str) -> Callable[..., Any]:
    def refuse(**_: Any) -> Any:
        raise ClientError({"Error": {"Code": code, "Message": "said AWS"}}, "AnOperation")

    return refuse


class Account:
    """AWS as a `Cloud` shows it, where all is well until a test changes an answer."""

    region = "eu-central-1"

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {
            "get_caller_identity": {"Arn": "arn:aws:iam::123456789012:user/ann", "Account": "123456789012"},
            "get_account_settings": {"AccountLimit": {"ConcurrentExecutions": 1000}},
            "get_function": {"Configuration": {"State": "Active"}, "Code": {"ResolvedImageUri": "image"}},
            "describe_images": {"imageDetails": [{}]},
            "get_role": {"Role": {"AssumeRolePolicyDocument": {"Service": "sagemaker.amazonaws.com"}}},
            "head_bucket": {"BucketRegion": "eu-central-1"},
            "list_users_in_group": {"Users": [USER]},
            "list_users": {"Users": [USER]},
        }
        self.services = {"sagemaker", "cognito-idp", "stepfunctions"}
        self.quotas = {
            "ml.m5.xlarge for training job usage": 4.0,
            "ml.m5.xlarge for spot training job usage": 0.0,
            "ml.m5.xlarge for transform job usage": 4.0,
        }

    def has(self, service: str) -> bool:
        return service in self.services

    def client(self, _service: str) -> Any:
        def answer(value: Any) -> Callable[..., Any]:
            return value if callable(value) else lambda **_: value

        return SimpleNamespace(**{name: answer(value) for name, value in self.answers.items()})

    @property
    def s3(self) -> Any:
        return self.client("s3")

    @property
    def service_quotas(self) -> Any:
        return SimpleNamespace(get_paginator=lambda _: SimpleNamespace(paginate=self._pages))

    def _pages(self, **_: Any) -> Iterator[dict[str, Any]]:
        for name, value in self.quotas.items():
            yield {"Quotas": [{"QuotaName": name, "QuotaCode": f"L-{len(name)}", "Value": value}]}


@pytest.fixture
def account() -> Account:
    return Account()


def findings(account: Any, **values: str) -> list[Finding]:
    stack = Stack("labelloop", VALUES | values)
    return [
        check_credentials(account),
        *check_account(account, "ml.m5.xlarge"),
        *check_stack(account, stack),
    ]


def not_well(account: Any, **values: str) -> list[Finding]:
    return [finding for finding in findings(account, **values) if finding.status != Status.OK]


def test_where_all_is_well_nothing_is_to_do(account: Account) -> None:
    assert not_well(account) == []
    assert [finding.subject for finding in findings(account)] == [
        "credentials",
        "region",
        "functions at a time",
        "ml.m5.xlarge for training job usage",
        "ml.m5.xlarge for transform job usage",
        "stack",
        "memory",
        "model image",
        "role of the jobs",
        "bucket",
        "people: annotators",
        "people: owners",
    ]


BUCKET_ELSEWHERE = {"BucketRegion": "us-east-1"}
FAILED = {"Configuration": {"State": "Failed", "StateReason": "the image was deleted"}, "Code": {}}
NEW = {"AccountLimit": {"ConcurrentExecutions": 10}}
UNVERIFIED = {"Users": [{"Username": "1", "Attributes": [{"Name": "email", "Value": "ben@example.com"}]}]}
OWN_IMAGE = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/mine:1"


@pytest.mark.parametrize(
    ("operation", "answer", "values", "status", "words"),
    [
        ("get_account_settings", NEW, {}, Status.WARNING, "--quota-code L-B99A9384 --desired-value 1000"),
        ("get_function", FAILED, {}, Status.PROBLEM, "the image was deleted"),
        (
            "describe_images",
            refused("ImageNotFoundException"),
            {"ModelImageUri": OWN_IMAGE},
            Status.PROBLEM,
            f"ECR has no {OWN_IMAGE}: push it",
        ),
        (
            "describe_images",
            None,
            {"ModelImageUri": OWN_IMAGE.replace("eu-central-1", "us-east-1")},
            Status.PROBLEM,
            "images of its own region only",
        ),
        ("describe_images", None, {"ModelImageUri": "mine:1"}, Status.PROBLEM, "images from ECR only"),
        ("get_role", refused("NoSuchEntity"), {}, Status.PROBLEM, f"there is no role {ROLE}"),
        (
            "get_role",
            {"Role": {"AssumeRolePolicyDocument": {"Service": "lambda.amazonaws.com"}}},
            {},
            Status.PROBLEM,
            "does not trust sagemaker.amazonaws.com",
        ),
        ("get_role", refused("AccessDenied"), {}, Status.UNKNOWN, "AWS denies AnOperation"),
        ("head_bucket", refused("404"), {}, Status.PROBLEM, "there is no bucket bucket"),
        ("head_bucket", BUCKET_ELSEWHERE, {}, Status.PROBLEM, "is in us-east-1, the stack in eu-central-1"),
        ("list_users", UNVERIFIED, {}, Status.WARNING, "ben@example.com"),
        ("get_caller_identity", refused("ExpiredToken"), {}, Status.PROBLEM, "Sign in again"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(
    account: Account, operation: str, answer: Any, values: dict[str, str], status: Status, words: str
) -> None:
    if answer is not None:
        account.answers[operation] = answer
    (finding,) = not_well(account, **values)
    assert finding.status == status
    assert words in finding.text


def test_without_people_nobody_can_label(account: Account) -> None:
    account.answers["list_users_in_group"] = {"Users": []}
    assert [finding.status for finding in not_well(account)] == [Status.PROBLEM, Status.WARNING]
    without = {"WorkbenchUserPoolId": "", "LabelingBackend": "groundtruth"}
    assert not_well(account, **without) == [], "Ground Truth has people of its own"


def test_more_memory_than_a_new_account_may_have_is_a_warning(account: Account) -> None:
    account.answers["get_account_settings"] = {"AccountLimit": {"ConcurrentExecutions": 100}}
    (finding,) = not_well(account, LargestMemorySize="4096")
    assert (finding.subject, finding.status) == ("memory", Status.WARNING)
    assert "3008" in finding.text


def test_a_quota_of_nothing_is_a_problem_and_one_that_is_not_listed_is_not_known(account: Account) -> None:
    account.quotas["ml.m5.xlarge for training job usage"] = 0.0
    del account.quotas["ml.m5.xlarge for transform job usage"]
    none, unknown = not_well(account)
    assert (none.status, unknown.status) == (Status.PROBLEM, Status.UNKNOWN)
    assert "--service-code sagemaker --quota-code L-35 --desired-value 1" in none.text


@pytest.mark.parametrize(("region", "status"), [("cn-north-1", Status.PROBLEM), ("xx-new-1", Status.WARNING)])
def test_a_region_where_a_stack_cannot_be_is_told(account: Account, region: str, status: Status) -> None:
    account.region = region
    account.services = {"sagemaker"}
    given: Any = account
    (finding,) = [item for item in check_account(given, "ml.m5.xlarge") if item.subject == "region"]
    assert finding.status == status
    assert "region" in finding.text


def test_what_is_no_region_is_told_as_such(account: Account) -> None:
    account.region, account.services = "mars-1", set()
    given: Any = account
    (finding,) = [item for item in check_account(given, "ml.m5.xlarge") if item.subject == "region"]
    assert finding.status == Status.WARNING
    assert finding.text.startswith("boto3 does not know 'mars-1': check the region's name")


def test_a_stack_name_that_is_too_long_for_the_state_machines_is_refused() -> None:
    assert check_name("s" * LONGEST_STACK_NAME).status == Status.OK
    refused = check_name("s" * (LONGEST_STACK_NAME + 1))
    assert refused.status == Status.PROBLEM
    assert f"{LONGEST_STACK_NAME + 1} characters" in refused.text


@pytest.mark.parametrize("name", ["bad name!", "1st", "-news", "news_2", "néws", "", "news\n"])
def test_a_stack_name_that_cloudformation_refuses_is_told(name: str) -> None:
    refused = check_name(name)
    assert refused.status == Status.PROBLEM
    assert refused.text.startswith(f"{name!r} cannot be a stack's name: use letters")


# Which quotas a run needs --------------------------------------------------------------------------------


def needs(**model: Any) -> list[tuple[str, int]]:
    request = {**json.loads(SAMPLE.read_bytes())["Request"], "ActiveLearning": {"Model": model}}
    return [(need.quota, need.instances) for need in needs_of(parse_request(request))]


def test_spot_training_has_a_quota_of_its_own() -> None:
    spot = {"UseSpotTraining": True, "TrainingInstanceCount": 2, "TransformInstanceType": "ml.c5.large"}
    assert needs(**spot) == [
        ("ml.m5.xlarge for spot training job usage", 2),
        ("ml.c5.large for transform job usage", 1),
    ]


def test_labels_that_are_given_need_no_quota() -> None:
    assert needs(Algorithm="given") == []


@pytest.mark.parametrize(
    ("labeler", "trains"),
    [("container", True), ("blazingtext", True), ("given", False), ("mine:Labeler", True)],
)
def test_a_labeler_without_an_image_needs_no_quota(labeler: str, trains: bool) -> None:
    assert trains_a_model(labeler) is trains
