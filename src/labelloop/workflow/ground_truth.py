"""What Ground Truth takes: its own functions by region, a work team that can be asked, so many objects a job.

The functions' accounts are those of the API reference, in HumanTaskConfig.PreHumanTaskLambdaArn and in
AnnotationConsolidationConfig.AnnotationConsolidationLambdaArn; botocore carries it, and a test compares. The
number of objects is the quota of
https://docs.aws.amazon.com/sagemaker/latest/dg/input-data-limits.html.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any

from labelloop.core.errors import RequestError
from labelloop.workflow.request import AnnotationConsolidationConfig, HumanTaskConfig

MOST_OBJECTS_A_JOB = 100_000
FUNCTION_ACCOUNTS = {
    "ap-northeast-1": "477331159723",
    "ap-northeast-2": "845288260483",
    "ap-south-1": "565803892007",
    "ap-southeast-1": "377565633583",
    "ap-southeast-2": "454466003867",
    "ca-central-1": "918755190332",
    "eu-central-1": "203001061592",
    "eu-west-1": "568282634449",
    "eu-west-2": "487402164563",
    "us-east-1": "432418664414",
    "us-east-2": "266458841044",
    "us-west-2": "081040173940",
}
_PUBLIC_WORKFORCE = re.compile(r"arn:aws[a-z-]*:sagemaker:[^:]*:\d*:workteam/public-crowd/.*")
_OWN_FUNCTION = re.compile(r"arn:aws[a-z-]*:lambda:([^:]+):(\d+):function:(?:PRE|ACS)-([A-Za-z]+)")
_IMAGES = {".jpg", ".jpeg", ".png"}
_TEXTS = {".txt"}


class Task(StrEnum):
    """A labeling task of Ground Truth's own with one class an object, as its functions are named."""

    TEXT = "TextMultiClass"
    IMAGE = "ImageMultiClass"


def is_public_workforce(workteam_arn: str) -> bool:
    """Whether this is the team of Amazon Mechanical Turk."""
    return _PUBLIC_WORKFORCE.fullmatch(workteam_arn) is not None


def function_arns(region: str, task: str) -> tuple[str, str]:
    """The ARNs of Ground Truth's pre-annotation and consolidation function for a task in a region.

    Raises RequestError where Ground Truth has none.
    """
    if region not in FUNCTION_ACCOUNTS:
        raise RequestError(
            f"HumanTaskConfig.WorkteamArn is in {region}, where Ground Truth has no functions of its own: "
            "give PreHumanTaskLambdaArn and AnnotationConsolidationConfig. It has them in "
            f"{', '.join(FUNCTION_ACCOUNTS)}"
        )
    stem = f"arn:aws:lambda:{region}:{FUNCTION_ACCOUNTS[region]}:function:"
    return f"{stem}PRE-{task}", f"{stem}ACS-{task}"


def task_of(record: Mapping[str, Any]) -> Task:
    """What kind of data object a manifest's record names.

    Raises RequestError where that cannot be seen from it.
    """
    if "source" in record:
        return Task.TEXT
    suffix = PurePosixPath(str(record.get("source-ref", ""))).suffix.lower()
    if suffix in _IMAGES:
        return Task.IMAGE
    if suffix in _TEXTS:
        return Task.TEXT
    raise RequestError(
        f"whether {record.get('source-ref')} is an image or a text cannot be seen from its name: give "
        "HumanTaskConfig.PreHumanTaskLambdaArn and AnnotationConsolidationConfig"
    )


def check_human_task(task: HumanTaskConfig) -> None:
    """Raises RequestError for a team that cannot be asked, and for functions of another region."""
    if is_public_workforce(task.workteam_arn):
        raise RequestError(
            "HumanTaskConfig.WorkteamArn is the public workforce: Amazon Mechanical Turk closed on "
            "30 September 2026. Give the ARN of a private or a vendor team, or another "
            "ActiveLearning.LabelingBackend"
        )
    region = task.workteam_arn.split(":")[3]
    for arn in _given_functions(task):
        place = arn.split(":")[3]
        if place != region:
            raise RequestError(
                f"HumanTaskConfig: {arn} is in {place}, the work team in {region}: a labeling job, its team "
                "and its functions are in one region"
            )


def complete_human_task(task: HumanTaskConfig, first_record: Mapping[str, Any]) -> HumanTaskConfig:
    """The configuration with Ground Truth's own functions where it names none.

    `first_record` is the input manifest's first. Raises RequestError for a team that cannot be asked,
    functions of another region, and where the functions cannot be told.
    """
    check_human_task(task)
    region = task.workteam_arn.split(":")[3]
    given, consolidation = _given_functions(task), task.annotation_consolidation_config
    if len(given) == 2 or (given and not _OWN_FUNCTION.fullmatch(given[0])):
        # A workflow of the user's own needs no consolidation function.
        return task
    own = _OWN_FUNCTION.fullmatch(given[0]) if given else None
    before, after = function_arns(region, own[3] if own else task_of(first_record))
    return task.model_copy(
        update={
            "pre_human_task_lambda_arn": task.pre_human_task_lambda_arn or before,
            "annotation_consolidation_config": consolidation
            or AnnotationConsolidationConfig.model_validate({"AnnotationConsolidationLambdaArn": after}),
        }
    )


def _given_functions(task: HumanTaskConfig) -> list[str]:
    consolidation = task.annotation_consolidation_config
    functions = (
        task.pre_human_task_lambda_arn,
        consolidation.annotation_consolidation_lambda_arn if consolidation else None,
    )
    return [arn for arn in functions if arn is not None]
