"""The request that starts the workflow, in the form of the AWS blog post: a CreateLabelingJob request with
`LabelingJobNamePrefix` in place of `LabelingJobName`, since every round has a labeling job of its own.
"""

from __future__ import annotations

from typing import Any

from labelloop.preparation.errors import OptionError
from labelloop.preparation.options import PreparationOptions
from labelloop.workflow.ground_truth import FUNCTION_ACCOUNTS, TaskType, function_arns

MANIFEST_KEY = "input/input.manifest"
CLASS_LABELS_KEY = "input/class_labels.json"
WORKER_TEMPLATE_KEY = "input/text_classification.liquid.html"
_OUTPUT_PREFIX = "output/"

_HOUR = 3600


def labeling_request(options: PreparationOptions) -> dict[str, Any]:
    """The request. Raises OptionError when Ground Truth has no text classification in the region."""
    bucket = f"s3://{options.bucket}/"
    priors = [{"Attribute": name} for name in options.prior_attributes]
    return {
        "InputConfig": {
            "DataSource": {"S3DataSource": {"ManifestS3Uri": bucket + MANIFEST_KEY}},
            "DataAttributes": {
                "ContentClassifiers": ["FreeOfPersonallyIdentifiableInformation", "FreeOfAdultContent"]
            },
        },
        "OutputConfig": {"S3OutputPath": bucket + _OUTPUT_PREFIX},
        "HumanTaskConfig": _human_task(options.workteam_arn, bucket + WORKER_TEMPLATE_KEY),
        "LabelingJobNamePrefix": options.job_name_prefix,
        "RoleArn": options.role_arn,
        "LabelAttributeName": options.label_attribute,
        "LabelCategoryConfigS3Uri": bucket + CLASS_LABELS_KEY,
        **({"PriorLabels": priors} if priors else {}),
    }


def _human_task(workteam_arn: str, template_uri: str) -> dict[str, Any]:
    before, after = _ground_truth_functions(workteam_arn)
    return {
        "WorkteamArn": workteam_arn,
        "UiConfig": {"UiTemplateS3Uri": template_uri},
        "PreHumanTaskLambdaArn": before,
        "AnnotationConsolidationConfig": {"AnnotationConsolidationLambdaArn": after},
        "TaskTitle": "Choose the category of a text",
        "TaskDescription": "Read a short text and choose the one category that fits it best.",
        "TaskKeywords": ["text", "classification", "category"],
        "NumberOfHumanWorkersPerDataObject": 1,
        "TaskTimeLimitInSeconds": 300,
        "TaskAvailabilityLifetimeInSeconds": 6 * _HOUR,
        "MaxConcurrentTaskCount": 1000,
    }


def _ground_truth_functions(workteam_arn: str) -> tuple[str, str]:
    # A labeling job, its work team and these functions are all in one region.
    region = workteam_arn.split(":")[3]
    if region not in FUNCTION_ACCOUNTS:
        raise OptionError(
            f"The work team is in {region}, where Ground Truth has no text classification. "
            f"The regions that have it: {', '.join(FUNCTION_ACCOUNTS)}."
        )
    return function_arns(region, TaskType.TEXT)
