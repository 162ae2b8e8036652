"""What Ground Truth takes: its functions, its teams."""

import re
from typing import Any

import pytest

from labelloop.backends.groundtruth import complete_human_task
from labelloop.core.errors import RequestError
from labelloop.local.request_check import service_model
from labelloop.workflow.ground_truth import (
    FUNCTION_ACCOUNTS,
    TaskType,
    function_arns,
    is_public_workforce,
)
from labelloop.workflow.request import HumanTaskConfig

TEAM = "arn:aws:sagemaker:eu-west-1:123456789012:workteam/private-crowd/team"
OWN = "arn:aws:lambda:eu-west-1:568282634449:function:"
USERS = "arn:aws:lambda:eu-west-1:123456789012:function:mine"


def human_task(team: str = TEAM, before: str | None = None, after: str | None = None) -> HumanTaskConfig:
    document: dict[str, Any] = {
        "WorkteamArn": team,
        "UiConfig": {"UiTemplateS3Uri": "s3://bucket/template.html"},
        "TaskTitle": "Choose",
        "TaskDescription": "Choose",
        "NumberOfHumanWorkersPerDataObject": 1,
        "TaskTimeLimitInSeconds": 60,
    }
    if before is not None:
        document["PreHumanTaskLambdaArn"] = before
    if after is not None:
        document["AnnotationConsolidationConfig"] = {"AnnotationConsolidationLambdaArn": after}
    return HumanTaskConfig.model_validate(document)


def functions_of(task: HumanTaskConfig) -> tuple[str | None, str | None]:
    consolidation = task.annotation_consolidation_config
    after = consolidation.annotation_consolidation_lambda_arn if consolidation else None
    return task.pre_human_task_lambda_arn, after


def test_the_functions_are_those_of_the_api_reference() -> None:
    request = service_model("sagemaker").operation_model("CreateLabelingJob").input_shape
    assert request is not None
    task: Any = request.members["HumanTaskConfig"]
    consolidation = task.members["AnnotationConsolidationConfig"].members["AnnotationConsolidationLambdaArn"]
    for kind in TaskType:
        documented = []
        for text in (task.members["PreHumanTaskLambdaArn"].documentation, consolidation.documentation):
            arns = re.findall(rf"arn:aws:lambda:([a-z0-9-]+):\d+:function:(?:PRE|ACS)-{kind}\b", text)
            documented.append(
                {region: re.findall(rf"arn:[^<>]*:{region}:[^<>]*-{kind}\b", text)[0] for region in arns}
            )
        assert documented[0].keys() == documented[1].keys() == FUNCTION_ACCOUNTS.keys()
        for region in FUNCTION_ACCOUNTS:
            assert function_arns(region, kind) == (documented[0][region], documented[1][region])


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        ({"source": "a text"}, "TextMultiClass"),
        ({"source-ref": "s3://bucket/a.JPG"}, "ImageMultiClass"),
        ({"source-ref": "s3://bucket/a.png"}, "ImageMultiClass"),
        ({"source-ref": "s3://bucket/a.txt"}, "TextMultiClass"),
    ],
)
def test_functions_that_are_left_out_are_filled_in(record: dict[str, Any], kind: str) -> None:
    task = complete_human_task(human_task(), record)
    assert functions_of(task) == (f"{OWN}PRE-{kind}", f"{OWN}ACS-{kind}")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (f"{OWN}PRE-ImageMultiClass", None, (f"{OWN}PRE-ImageMultiClass", f"{OWN}ACS-ImageMultiClass")),
        (None, f"{OWN}ACS-ImageMultiClass", (f"{OWN}PRE-ImageMultiClass", f"{OWN}ACS-ImageMultiClass")),
        (USERS, None, (USERS, None)),
        (USERS, f"{USERS}-too", (USERS, f"{USERS}-too")),
    ],
)
def test_functions_that_are_given_stay(before: str, after: str, expected: tuple[str, str]) -> None:
    assert functions_of(complete_human_task(human_task(TEAM, before, after), {"source": "x"})) == expected


@pytest.mark.parametrize(
    ("task", "record", "message"),
    [
        (
            human_task("arn:aws:sagemaker:eu-west-1:394669845002:workteam/public-crowd/default"),
            {"source": "x"},
            "Amazon Mechanical Turk closed on 30 September 2026. Give the ARN of a private or a vendor team",
        ),
        (
            human_task(TEAM.replace("eu-west-1", "sa-east-1")),
            {"source": "x"},
            "is in sa-east-1, where Ground Truth has no functions of its own: give PreHumanTaskLambdaArn",
        ),
        (
            human_task(before=f"{OWN}PRE-TextMultiClass".replace("eu-west-1", "us-east-1")),
            {"source": "x"},
            "is in us-east-1, the work team in eu-west-1",
        ),
        (human_task(), {"source-ref": "s3://bucket/a"}, "does not tell whether it is an image or a text"),
    ],
)
def test_what_ground_truth_would_refuse_later_is_refused_with_the_mend(
    task: HumanTaskConfig, record: dict[str, Any], message: str
) -> None:
    with pytest.raises(RequestError) as error:
        complete_human_task(task, record)
    assert message in str(error.value)


def test_private_and_vendor_teams_are_not_the_public_workforce() -> None:
    assert not is_public_workforce(TEAM)
    assert not is_public_workforce("arn:aws:sagemaker:us-east-1:394669845002:workteam/vendor-crowd/vendor")
