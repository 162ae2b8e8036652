from typing import Any

import pytest

from labelloop.local.request_check import check_request
from labelloop.local.service_error import ServiceError

ROLE = "arn:aws:iam::123456789012:role/labelloop"


def training_request(**changes: Any) -> dict[str, Any]:
    request = {
        "TrainingJobName": "job-1",
        "RoleArn": ROLE,
        "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
        "InputDataConfig": [
            {
                "ChannelName": "train",
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://data/train"}},
            }
        ],
        "OutputDataConfig": {"S3OutputPath": "s3://data/out"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        "HyperParameters": {"epochs": "3"},
        **changes,
    }
    return {key: value for key, value in request.items() if value != "left out"}


def test_a_complete_request_passes() -> None:
    check_request("sagemaker", "CreateTrainingJob", training_request())


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"TrainingJobName": "left out"}, "TrainingJobName is required"),
        ({"Unknown": 1}, "Unknown is not a field"),
        (
            {"OutputDataConfig": {"S3OutputPath": "s3://b", "Extra": 1}},
            "OutputDataConfig.Extra is not a field",
        ),
        ({"TrainingJobName": "under_score"}, "TrainingJobName must match"),
        ({"TrainingJobName": "a\n"}, "TrainingJobName must match"),
        ({"TrainingJobName": "x" * 64}, "TrainingJobName must have at most 63"),
        ({"TrainingJobName": 7}, "TrainingJobName must be a string"),
        ({"RoleArn": "arn:aws:iam::1:role/short-account"}, "RoleArn must match"),
        ({"InputDataConfig": []}, "InputDataConfig must have at least 1"),
        ({"HyperParameters": {"epochs": 3}}, r"HyperParameters\['epochs'\] must be a string"),
        ({"StoppingCondition": {"MaxRuntimeInSeconds": "60"}}, "MaxRuntimeInSeconds must be a integer"),
        ({"StoppingCondition": {"MaxRuntimeInSeconds": 0}}, "MaxRuntimeInSeconds must have at least 1"),
        ({"StoppingCondition": {"MaxRuntimeInSeconds": True}}, "MaxRuntimeInSeconds must be a integer"),
        (
            {"ResourceConfig": {"InstanceType": "ml.m5.tiny", "InstanceCount": 1, "VolumeSizeInGB": 5}},
            "ResourceConfig.InstanceType must be one of",
        ),
        ({"HyperParameters": None}, "HyperParameters must not be null"),
        ({"EnableNetworkIsolation": "yes"}, "EnableNetworkIsolation must be a boolean"),
    ],
)
def test_what_aws_would_refuse_is_refused_by_name(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ServiceError, match=problem) as caught:
        check_request("sagemaker", "CreateTrainingJob", training_request(**changes))
    assert caught.value.code == "ValidationException"


def test_places_in_lists_are_named_and_all_problems_are_told() -> None:
    channel = {"ChannelName": "no spaces please", "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix"}}}
    with pytest.raises(ServiceError) as caught:
        check_request(
            "sagemaker", "CreateTrainingJob", training_request(InputDataConfig=[channel], RoleArn="left out")
        )
    message = caught.value.message
    assert "InputDataConfig[0].ChannelName must match" in message
    assert "InputDataConfig[0].DataSource.S3DataSource.S3Uri is required" in message
    assert "RoleArn is required" in message
    assert message.startswith("3 validation errors detected")
