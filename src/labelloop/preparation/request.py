"""The request that starts the workflow, in the AWS blog post's form: a CreateLabelingJob request in which
`LabelingJobNamePrefix` stands for `LabelingJobName`, since every round has a labeling job of its own.
"""

from __future__ import annotations

from typing import Any

from labelloop.preparation.errors import OptionError
from labelloop.preparation.options import PreparationOptions

MANIFEST_KEY = "input/input.manifest"
CLASS_LABELS_KEY = "input/class_labels.json"
WORKER_TEMPLATE_KEY = "input/text_classification.liquid.html"
_OUTPUT_PREFIX = "output/"

# Ground Truth's own functions for text classification live in one AWS account a region.
_GROUND_TRUTH_ACCOUNTS = {
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

_HOUR = 3600


def labeling_request(options: PreparationOptions) -> dict[str, Any]:
    """Write the request. Raises OptionError when Ground Truth has no text classification in the region."""
    bucket = f"s3://{options.bucket}/"
    request = {
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
    }
    if options.labeled_share:
        # `prepare` draws them at random, so that the validation set may be drawn from them.
        request["ActiveLearning"] = {"LabeledInputIsRandom": True}
    return request


def _human_task(workteam_arn: str, template_uri: str) -> dict[str, Any]:
    return {
        "WorkteamArn": workteam_arn,
        "UiConfig": {"UiTemplateS3Uri": template_uri},
        "PreHumanTaskLambdaArn": _ground_truth_function(workteam_arn, "PRE-TextMultiClass"),
        "AnnotationConsolidationConfig": {
            "AnnotationConsolidationLambdaArn": _ground_truth_function(workteam_arn, "ACS-TextMultiClass")
        },
        "TaskTitle": "Choose the category of a text",
        "TaskDescription": "Read a short text and choose the one category that fits it best.",
        "TaskKeywords": ["text", "classification", "category"],
        "NumberOfHumanWorkersPerDataObject": 1,
        "TaskTimeLimitInSeconds": 300,
        "TaskAvailabilityLifetimeInSeconds": 6 * _HOUR,
        "MaxConcurrentTaskCount": 1000,
    }


def _ground_truth_function(workteam_arn: str, name: str) -> str:
    # A labeling job, its work team and these functions are all in one region.
    region = workteam_arn.split(":")[3]
    if region not in _GROUND_TRUTH_ACCOUNTS:
        raise OptionError(
            f"The work team is in {region}, where Ground Truth has no text classification. "
            f"It has it in {', '.join(_GROUND_TRUTH_ACCOUNTS)}."
        )
    return f"arn:aws:lambda:{region}:{_GROUND_TRUTH_ACCOUNTS[region]}:function:{name}"
