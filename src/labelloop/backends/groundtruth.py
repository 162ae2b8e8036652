"""SageMaker Ground Truth: the state machine starts its labeling jobs; this completes their configuration."""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, ClassVar

from labelloop.backends.protocol import LabelingBackend
from labelloop.core.errors import RequestError
from labelloop.core.manifest.input_manifest import first_record
from labelloop.core.manifest.label_categories import LabelCategories
from labelloop.storage import s3
from labelloop.workflow.ground_truth import TaskType, function_arns, is_public_workforce
from labelloop.workflow.request import AnnotationConsolidationConfig, HumanTaskConfig, LabelingRequest

_OWN_FUNCTION = re.compile(r"arn:aws[a-z-]*:lambda:([^:]+):(\d+):function:(?:PRE|ACS)-([A-Za-z]+)")
_IMAGES = {".jpg", ".jpeg", ".png"}
_TEXTS = {".txt"}


class GroundTruth(LabelingBackend):
    """Ground Truth's own people and functions, unless the request names others."""

    name: ClassVar = "groundtruth"

    def check(self, request: LabelingRequest) -> None:
        if request.human_task_config is None:
            raise RequestError(
                "HumanTaskConfig is missing: Ground Truth needs it to show data objects to people"
            )
        check_human_task(request.human_task_config)

    def prepare(self, request: LabelingRequest, categories: LabelCategories) -> LabelingRequest:  # noqa: ARG002
        assert request.human_task_config is not None, "it has been checked"
        source = request.input_config.data_source.s3_data_source.manifest_s3_uri
        task = complete_human_task(request.human_task_config, first_record(s3.read_lines(source)))
        return request.model_copy(update={"human_task_config": task})


def task_of(record: Mapping[str, Any]) -> TaskType:
    """What kind of data object a manifest's record names.

    Raises RequestError if the record does not tell.
    """
    if "source" in record:
        return TaskType.TEXT
    suffix = PurePosixPath(str(record.get("source-ref", ""))).suffix.lower()
    if suffix in _IMAGES:
        return TaskType.IMAGE
    if suffix in _TEXTS:
        return TaskType.TEXT
    raise RequestError(
        f"the name {record.get('source-ref')} does not tell whether it is an image or a text: give "
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
                "and its functions must be in one region"
            )


def complete_human_task(task: HumanTaskConfig, first_record: Mapping[str, Any]) -> HumanTaskConfig:
    """The configuration, with Ground Truth's own functions if it names none.

    `first_record` is the input manifest's first. Raises RequestError for a team that cannot be asked, for
    functions of another region, and if the right functions are not clear.
    """
    check_human_task(task)
    region = task.workteam_arn.split(":")[3]
    given, consolidation = _given_functions(task), task.annotation_consolidation_config
    if len(given) == 2 or (given and not _OWN_FUNCTION.fullmatch(given[0])):
        # A user's own workflow needs no consolidation function.
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
