"""Facts about Ground Truth: its own functions by region, its public team, its limit on objects per job.

The functions' accounts are from the API reference, under HumanTaskConfig.PreHumanTaskLambdaArn and
AnnotationConsolidationConfig.AnnotationConsolidationLambdaArn. botocore contains that text, and a test
compares the two. The number of objects is the quota of
https://docs.aws.amazon.com/sagemaker/latest/dg/input-data-limits.html.
"""

import re
from enum import StrEnum

from labelloop.core.errors import RequestError

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


class TaskType(StrEnum):
    """A built-in labeling task of Ground Truth with one class per object, as named in its functions."""

    TEXT = "TextMultiClass"
    IMAGE = "ImageMultiClass"


def is_public_workforce(workteam_arn: str) -> bool:
    """Whether this is the team of Amazon Mechanical Turk."""
    return _PUBLIC_WORKFORCE.fullmatch(workteam_arn) is not None


def function_arns(region: str, task: str) -> tuple[str, str]:
    """The ARNs of Ground Truth's pre-annotation and consolidation function for a task in a region.

    Raises RequestError if Ground Truth has none.
    """
    if region not in FUNCTION_ACCOUNTS:
        raise RequestError(
            f"HumanTaskConfig.WorkteamArn is in {region}, where Ground Truth has no functions of its own: "
            "give PreHumanTaskLambdaArn and AnnotationConsolidationConfig. It has them in "
            f"{', '.join(FUNCTION_ACCOUNTS)}"
        )
    stem = f"arn:aws:lambda:{region}:{FUNCTION_ACCOUNTS[region]}:function:"
    return f"{stem}PRE-{task}", f"{stem}ACS-{task}"
