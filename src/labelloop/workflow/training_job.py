"""The request to train a round's model: CreateTrainingJob without its name, role and output."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from labelloop.workflow.request import ModelSettings

_JSON_LINES = "application/jsonlines"
_RECORD_IO = "application/x-recordio"
# SageMaker takes no longer value of an environment variable.
_LONGEST_VALUE = 512


def training_job(
    model: ModelSettings,
    *,
    image_uri: str,
    input_mode: str,
    hyper_parameters: Mapping[str, str],
    channels: list[dict[str, Any]],
    longest_wait_in_seconds: int,
    checkpoints_s3_uri: str | None = None,
) -> dict[str, Any]:
    """The request for a training on these channels.

    hyper_parameters: those of the execution's request override them
    longest_wait_in_seconds: for a spot training, including the wait for its instance
    checkpoints_s3_uri: a folder that no other training uses; None to keep no checkpoints
    """
    stopping: dict[str, Any] = {"MaxRuntimeInSeconds": model.max_runtime_in_seconds}
    job: dict[str, Any] = {
        "AlgorithmSpecification": {"TrainingImage": image_uri, "TrainingInputMode": input_mode},
        "HyperParameters": {**hyper_parameters, **model.hyper_parameters},
        "InputDataConfig": channels,
        "ResourceConfig": _resources(model),
        "StoppingCondition": stopping,
    }
    if model.use_spot_training:
        job["EnableManagedSpotTraining"] = True
        stopping["MaxWaitTimeInSeconds"] = longest_wait_in_seconds
    if checkpoints_s3_uri is not None:
        job["CheckpointConfig"] = {"S3Uri": checkpoints_s3_uri}
    return job


def contract(
    *, classes: int, label_attribute: str, seed: int, prior_labels: Sequence[str] = ()
) -> dict[str, str]:
    """The hyperparameters that every container gets: docs/bring-your-own-model.md."""
    known = {"num_classes": str(classes), "label_attribute": label_attribute, "seed": str(seed)}
    return {**known, "prior_labels": json.dumps(prior_labels)} if prior_labels else known


def job_environment(encodings_s3_uri: str) -> dict[str, str]:
    """The environment variables of both jobs, for a container that keeps encodings of images for later jobs.

    encodings_s3_uri: a folder that all jobs of a run share; a longer one than fits is not passed on
    """
    return {"ENCODING_CACHE_S3_URI": encodings_s3_uri} if len(encodings_s3_uri) <= _LONGEST_VALUE else {}


def longest_wait(model: ModelSettings) -> int:
    """How long a spot training may take, in seconds, if only the request sets a limit."""
    return model.max_wait_time_in_seconds or 2 * model.max_runtime_in_seconds


def spot_problems(model: ModelSettings, longest_wait_in_seconds: int) -> list[str]:
    """What SageMaker would refuse about the times for spot instances, one sentence each."""
    if not model.use_spot_training:
        given = model.max_wait_time_in_seconds is not None
        return ["MaxWaitTimeInSeconds is for UseSpotTraining: set that, or leave it out"] if given else []
    if longest_wait_in_seconds < model.max_runtime_in_seconds:
        return [
            f"MaxWaitTimeInSeconds ({longest_wait_in_seconds}) counts the training too: "
            f"it must not be below MaxRuntimeInSeconds ({model.max_runtime_in_seconds})"
        ]
    return []


def file_channel(name: str, uri: str, input_mode: str) -> dict[str, Any]:
    """A channel of JSON Lines, read in the input mode."""
    return {
        "ChannelName": name,
        "DataSource": {"S3DataSource": _source("S3Prefix", uri)},
        "ContentType": _JSON_LINES,
        "InputMode": input_mode,
    }


def augmented_manifest_channel(name: str, uri: str, attribute_names: list[str]) -> dict[str, Any]:
    """A channel that SageMaker makes from these attributes of a manifest, for algorithms that stream it."""
    source = {**_source("AugmentedManifestFile", uri), "AttributeNames": attribute_names}
    return {
        "ChannelName": name,
        "DataSource": {"S3DataSource": source},
        "ContentType": _RECORD_IO,
        "InputMode": "Pipe",
        "RecordWrapperType": "RecordIO",
    }


def _resources(model: ModelSettings) -> dict[str, Any]:
    resources: dict[str, Any] = {
        "InstanceCount": model.training_instance_count,
        "InstanceType": model.training_instance_type,
        "VolumeSizeInGB": model.volume_size_in_gb,
    }
    if model.volume_kms_key_id is not None:
        resources["VolumeKmsKeyId"] = model.volume_kms_key_id
    return resources


def _source(kind: str, uri: str) -> dict[str, Any]:
    return {"S3DataType": kind, "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
