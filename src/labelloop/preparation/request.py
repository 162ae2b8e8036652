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
_OUTPUT_PREFIX = "output/"

_HOUR = 3600
_TEXT = {
    "TaskTitle": "Choose the category of a text",
    "TaskDescription": "Read a short text and choose the one category that fits it best.",
    "TaskKeywords": ["text", "classification", "category"],
}
_IMAGE = {
    "TaskTitle": "Choose the category of an image",
    "TaskDescription": "Look at an image and choose the one category that fits it best.",
    "TaskKeywords": ["image", "classification", "category"],
}


def worker_template_key(*, images: bool) -> str:
    """Where the worker template is in the bucket."""
    return f"input/{'image' if images else 'text'}_classification.liquid.html"


def labeling_request(options: PreparationOptions) -> dict[str, Any]:
    """The request. Raises OptionError when Ground Truth has no classification in the region."""
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
        "HumanTaskConfig": _human_task(options, bucket),
        "LabelingJobNamePrefix": options.job_name_prefix,
        "RoleArn": options.role_arn,
        "LabelAttributeName": options.label_attribute,
        "LabelCategoryConfigS3Uri": bucket + CLASS_LABELS_KEY,
        **({"PriorLabels": priors} if priors else {}),
        **({"ActiveLearning": {"Model": {"Algorithm": "image"}}} if options.images else {}),
    }


def _human_task(options: PreparationOptions, bucket: str) -> dict[str, Any]:
    task = TaskType.IMAGE if options.images else TaskType.TEXT
    before, after = _ground_truth_functions(options.workteam_arn, task)
    return {
        "WorkteamArn": options.workteam_arn,
        "UiConfig": {"UiTemplateS3Uri": bucket + worker_template_key(images=options.images)},
        "PreHumanTaskLambdaArn": before,
        "AnnotationConsolidationConfig": {"AnnotationConsolidationLambdaArn": after},
        **(_IMAGE if options.images else _TEXT),
        "NumberOfHumanWorkersPerDataObject": 1,
        "TaskTimeLimitInSeconds": 300,
        "TaskAvailabilityLifetimeInSeconds": 6 * _HOUR,
        "MaxConcurrentTaskCount": 1000,
    }


def _ground_truth_functions(workteam_arn: str, task: TaskType) -> tuple[str, str]:
    # A labeling job, its work team and these functions are all in one region.
    region = workteam_arn.split(":")[3]
    if region not in FUNCTION_ACCOUNTS:
        raise OptionError(
            f"The work team is in {region}, where Ground Truth has no classification. "
            f"The regions that have it: {', '.join(FUNCTION_ACCOUNTS)}."
        )
    return function_arns(region, task)
