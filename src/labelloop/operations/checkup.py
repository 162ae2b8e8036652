"""Looks at an account, a region and a stack as a run would need them, before people spend time on labels."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError

from labelloop.operations.cloud import Cloud, OperationError, error_code, explained
from labelloop.operations.quotas import Need, needs_of_jobs, read_quotas, shortage
from labelloop.operations.stack import BACKEND_PARAMETER, Stack

# A state machine's name has 80 characters at most, and the longest is FoundationModelLabels-<stack>.
LONGEST_STACK_NAME = 58
_SERVICES = {"sagemaker": "SageMaker", "cognito-idp": "Cognito", "stepfunctions": "Step Functions"}
_STACK_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
# What a new account may give a function, and how many functions it runs at a time once it is no longer new.
NEW_ACCOUNTS_MEMORY, USUAL_CONCURRENCY = 3008, 1000
# Fewer at a time, and people in the workbench and steps take each other's place.
LITTLE_CONCURRENCY = 50
_CONCURRENCY_QUOTA = "L-B99A9384"
_ECR_URI = re.compile(r"(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.[^/]+/([^:@]+)(?::([^@]+))?(?:@(sha256:\w+))?")


class Status(StrEnum):
    """`unknown`: it could not be looked at."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Finding:
    """What was found about a subject, in words that say what to do."""

    subject: str
    status: Status
    text: str


Check = Callable[[], Iterable[Finding]]


def check_credentials(cloud: Cloud) -> Finding:
    """Whether AWS knows who asks. If not, nothing that is in the account can be looked at."""
    try:
        with explained():
            identity = cloud.client("sts").get_caller_identity()
    except OperationError as error:
        return Finding("credentials", Status.PROBLEM, str(error))
    return Finding("credentials", Status.OK, f"{identity['Arn']} in account {identity['Account']}")


def check_region(cloud: Cloud) -> Finding:
    """Whether labelloop can be deployed there, as far as boto3 knows. AWS is not asked."""
    if cloud.region.startswith("cn-"):
        return Finding(
            "region",
            Status.PROBLEM,
            f"{cloud.region}: labelloop cannot be deployed in China, where Cognito has no user pools: choose "
            "another region with --region",
        )
    missing = [name for service, name in _SERVICES.items() if not cloud.has(service)]
    if len(missing) == len(_SERVICES):
        text = f"boto3 does not know {cloud.region!r}: check the region's name, or update boto3 if it is new"
        return Finding("region", Status.WARNING, text)
    if missing:
        absent = " and no ".join(missing)
        text = f"boto3 knows no {absent} in {cloud.region}: update it, or choose another region"
        return Finding("region", Status.WARNING, text)
    return Finding("region", Status.OK, cloud.region)


def check_account(cloud: Cloud, instance_type: str) -> Iterator[Finding]:
    """What a deployment needs of the account and the region."""
    yield check_region(cloud)
    yield from _looked_at("Lambda", lambda: _lambda_limits(cloud))
    yield from _looked_at("SageMaker quotas", lambda: _quotas(cloud, instance_type))


def check_name(name: str) -> Finding:
    """Whether a stack can have this name."""
    if not _STACK_NAME.fullmatch(name):
        return Finding(
            "stack name",
            Status.PROBLEM,
            f"{name!r} cannot be a stack's name: use letters, digits and hyphens, and begin with a letter",
        )
    if len(name) > LONGEST_STACK_NAME:
        return Finding(
            "stack name",
            Status.PROBLEM,
            f"{name!r} has {len(name)} characters, and the state machines' names leave room for "
            f"{LONGEST_STACK_NAME}: choose a shorter one",
        )
    return Finding("stack name", Status.OK, name)


def check_stack(cloud: Cloud, stack: Stack) -> Iterator[Finding]:
    """What a run needs of a deployed stack."""
    yield Finding("stack", Status.OK, f"{stack.name} is deployed")
    for subject, check in {
        "memory": _memory,
        "model image": _model_image,
        "role of the jobs": _role,
        "bucket": _bucket,
        "people": _people,
    }.items():
        yield from _looked_at(subject, lambda check=check: check(cloud, stack))  # type: ignore[misc]


def _looked_at(subject: str, check: Check) -> list[Finding]:
    try:
        with explained():
            return list(check())
    except OperationError as error:
        return [Finding(subject, Status.UNKNOWN, str(error))]


# The account ------------------------------------------------------------------------------------------------


def _lambda_limits(cloud: Cloud) -> Iterator[Finding]:
    limit = _concurrency(cloud)
    ask = (
        "ask for more with `aws service-quotas request-service-quota-increase --service-code lambda "
        f"--quota-code {_CONCURRENCY_QUOTA} --desired-value {USUAL_CONCURRENCY} --region {cloud.region}`"
    )
    if limit < LITTLE_CONCURRENCY:
        yield Finding(
            "functions at a time",
            Status.WARNING,
            f"{limit}, for the steps and for everybody in the workbench together: enough to try it out with "
            f"a few people; {ask}",
        )
    else:
        yield Finding("functions at a time", Status.OK, f"{limit}")


def _concurrency(cloud: Cloud) -> int:
    settings = cloud.client("lambda").get_account_settings()
    return int(settings["AccountLimit"]["ConcurrentExecutions"])


def _quotas(cloud: Cloud, instance_type: str) -> Iterator[Finding]:
    needs = needs_of_jobs(instance_type)
    quotas = read_quotas(cloud, {need.quota for need in needs})
    for need in needs:
        yield _quota(cloud, need, quotas)


def _quota(cloud: Cloud, need: Need, quotas: dict[str, Any]) -> Finding:
    quota = quotas.get(need.quota)
    if quota is None:
        return Finding(
            need.quota,
            Status.UNKNOWN,
            f"AWS lists no such quota in {cloud.region}: the instance type may not exist there",
        )
    short = shortage(need, quota, cloud.region)
    return Finding(need.quota, Status.PROBLEM if short else Status.OK, short or f"{quota.value}")


# The stack --------------------------------------------------------------------------------------------------


def _memory(cloud: Cloud, stack: Stack) -> Iterator[Finding]:
    """AWS tells nobody an account's cap on memory; an account with few functions at a time is a new one."""
    largest = int(stack.values.get("LargestMemorySize") or NEW_ACCOUNTS_MEMORY)
    if largest > NEW_ACCOUNTS_MEMORY and _concurrency(cloud) < USUAL_CONCURRENCY:
        yield Finding(
            "memory",
            Status.WARNING,
            f"LargestMemorySize is {largest}, and a new account may be allowed {NEW_ACCOUNTS_MEMORY} only: "
            f"if a "
            "deployment fails because of MemorySize, use that, or ask AWS support for more",
        )
    else:
        yield Finding("memory", Status.OK, f"{largest} MB for the largest functions")


def _model_image(cloud: Cloud, stack: Stack) -> Iterator[Finding]:
    uri = stack.values.get("ModelImageUri")
    if uri:
        yield _image_in_ecr(cloud, uri)
        return
    names = [stack.values.get(output) for output in ("ModelContainerName", "ImageModelContainerName")]
    if not any(names):
        yield Finding("model image", Status.UNKNOWN, "the stack does not say: it is of another version")
    for name in names:
        if name:
            yield _image_of_function(cloud, name)


def _image_of_function(cloud: Cloud, name: str) -> Finding:
    function = cloud.client("lambda").get_function(FunctionName=name)
    configuration, code = function["Configuration"], function["Code"]
    if configuration.get("State") == "Failed":
        reason = configuration.get("StateReason", "no reason is given")
        return Finding(
            "model image",
            Status.PROBLEM,
            f"the function {name} has failed ({reason}): its image may be gone from ECR; deploy the stack "
            f"again",
        )
    return Finding("model image", Status.OK, code.get("ResolvedImageUri") or code["ImageUri"])


def _image_in_ecr(cloud: Cloud, uri: str) -> Finding:
    place = _ECR_URI.fullmatch(uri)
    if place is None:
        return Finding(
            "model image",
            Status.PROBLEM,
            f"ModelImageUri is {uri}, and SageMaker takes images from ECR only: push it there",
        )
    account, region, repository, tag, digest = place.groups()
    if region != cloud.region:
        return Finding(
            "model image",
            Status.PROBLEM,
            f"{uri} is in {region}: SageMaker takes images of its own region only",
        )
    image = {"imageDigest": digest} if digest else {"imageTag": tag or "latest"}
    try:
        cloud.client("ecr").describe_images(registryId=account, repositoryName=repository, imageIds=[image])
    except ClientError as error:
        if error_code(error) in ("ImageNotFoundException", "RepositoryNotFoundException"):
            return Finding(
                "model image", Status.PROBLEM, f"ECR has no {uri}: push it, or deploy with another one"
            )
        raise
    return Finding("model image", Status.OK, uri)


def _role(cloud: Cloud, stack: Stack) -> Iterator[Finding]:
    arn = stack.job_role_arn or ""
    try:
        role = cloud.client("iam").get_role(RoleName=arn.rpartition("/")[2])["Role"]
    except ClientError as error:
        if error_code(error) == "NoSuchEntity":
            yield Finding(
                "role of the jobs",
                Status.PROBLEM,
                f"there is no role {arn}: deploy the stack with another JobRoleArn",
            )
            return
        raise
    if "sagemaker.amazonaws.com" not in json.dumps(role["AssumeRolePolicyDocument"]):
        yield Finding(
            "role of the jobs",
            Status.PROBLEM,
            f"{arn} does not trust sagemaker.amazonaws.com: add that to its trust policy",
        )
    else:
        yield Finding("role of the jobs", Status.OK, arn)


def _bucket(cloud: Cloud, stack: Stack) -> Iterator[Finding]:
    for name in filter(None, (stack.bucket, stack.values.get("InputBucket"))):
        try:
            region = cloud.s3.head_bucket(Bucket=name).get("BucketRegion", cloud.region)
        except ClientError as error:
            if error_code(error) == "404":
                yield Finding(
                    "bucket", Status.PROBLEM, f"there is no bucket {name}: deploy the stack with another"
                )
                continue
            raise
        if region != cloud.region:
            yield Finding(
                "bucket",
                Status.PROBLEM,
                f"{name} is in {region}, the stack in {cloud.region}: SageMaker reads buckets of its own "
                f"region only",
            )
        else:
            yield Finding("bucket", Status.OK, name)


def _people(cloud: Cloud, stack: Stack) -> Iterator[Finding]:
    pool = stack.values.get("WorkbenchUserPoolId")
    if not pool:
        backend = stack.values.get(BACKEND_PARAMETER, "another backend")
        yield Finding("people", Status.OK, f"the stack has no workbench: {backend} asks people")
        return
    cognito = cloud.client("cognito-idp")
    for group, missing in {
        "annotators": (Status.PROBLEM, "nobody can label yet"),
        "owners": (Status.WARNING, "nobody sees the run, or can close a batch early"),
    }.items():
        users = cognito.list_users_in_group(UserPoolId=pool, GroupName=group)["Users"]
        if users:
            yield Finding(f"people: {group}", Status.OK, "there are some")
        else:
            status, why = missing
            yield Finding(
                f"people: {group}", status, f"{why}: invite people to {pool}, as docs/workbench.md describes"
            )
    unverified = [user for user in cognito.list_users(UserPoolId=pool)["Users"] if not _verified(user)]
    if unverified:
        names = ", ".join(_email(user) for user in unverified[:5])
        yield Finding(
            "people: e-mail",
            Status.WARNING,
            f"{len(unverified)} cannot reset a forgotten password, as their address is not verified "
            f"({names}): "
            f"`aws cognito-idp admin-update-user-attributes --user-pool-id {pool} --username NAME "
            "--user-attributes Name=email_verified,Value=true`",
        )


def _attributes(user: Any) -> dict[str, str]:
    return {item["Name"]: item["Value"] for item in user.get("Attributes", ())}


def _verified(user: Any) -> bool:
    return _attributes(user).get("email_verified") == "true"


def _email(user: Any) -> str:
    return _attributes(user).get("email") or str(user["Username"])
