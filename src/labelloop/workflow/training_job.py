"""What SageMaker is asked for to train a round's model: CreateTrainingJob but for name, role and output."""

from typing import Any

from labelloop.workflow.blazingtext import POST_HYPERPARAMETERS, TEXT_ATTRIBUTE
from labelloop.workflow.request import LabelingRequest, ModelSettings

_JSON_LINES = "application/jsonlines"
_RECORD_IO = "application/x-recordio"


def training_job(
    request: LabelingRequest,
    image_uri: str,
    channels: dict[str, str],
    hyper_parameters: dict[str, str],
    checkpoints_s3_uri: str,
) -> dict[str, Any]:
    """The request's part for a training on these channels (name: S3 URI).

    hyper_parameters: the contract's with a container of one's own, not given to BlazingText;
    checkpoints_s3_uri: a folder that no other training uses.
    """
    model = request.active_learning.model
    stopping: dict[str, Any] = {"MaxRuntimeInSeconds": model.max_runtime_in_seconds}
    job: dict[str, Any] = {
        "AlgorithmSpecification": {"TrainingImage": image_uri, "TrainingInputMode": _input_mode(model)},
        "HyperParameters": {**_defaults(model, hyper_parameters), **model.hyper_parameters},
        "InputDataConfig": _channels(request, channels),
        "ResourceConfig": _resources(model),
        "StoppingCondition": stopping,
    }
    if model.use_spot_training:
        job["EnableManagedSpotTraining"] = True
        stopping["MaxWaitTimeInSeconds"] = model.longest_wait_in_seconds
    if model.algorithm == "container" and (model.use_spot_training or model.checkpoint_s3_uri is not None):
        job["CheckpointConfig"] = {"S3Uri": checkpoints_s3_uri}
    return job


def _defaults(model: ModelSettings, contract: dict[str, str]) -> dict[str, str]:
    return dict(POST_HYPERPARAMETERS) if model.algorithm == "blazingtext" else contract


def _input_mode(model: ModelSettings) -> str:
    return model.input_mode or ("Pipe" if model.algorithm == "blazingtext" else "File")


def _resources(model: ModelSettings) -> dict[str, Any]:
    resources: dict[str, Any] = {
        "InstanceCount": model.training_instance_count,
        "InstanceType": model.training_instance_type,
        "VolumeSizeInGB": model.volume_size_in_gb,
    }
    if model.volume_kms_key_id is not None:
        resources["VolumeKmsKeyId"] = model.volume_kms_key_id
    return resources


def _channels(request: LabelingRequest, channels: dict[str, str]) -> list[dict[str, Any]]:
    model = request.active_learning.model
    if model.algorithm == "blazingtext":
        names = [TEXT_ATTRIBUTE, request.label_attribute_name]
        # It has no use for texts without labels.
        return [_manifest_channel(name, channels[name], names) for name in ("train", "validation")]
    return [_prefix_channel(name, uri, _input_mode(model)) for name, uri in channels.items()]


def _prefix_channel(name: str, uri: str, input_mode: str) -> dict[str, Any]:
    return {
        "ChannelName": name,
        "DataSource": {"S3DataSource": _source("S3Prefix", uri)},
        "ContentType": _JSON_LINES,
        "InputMode": input_mode,
    }


def _manifest_channel(name: str, uri: str, attribute_names: list[str]) -> dict[str, Any]:
    source = {**_source("AugmentedManifestFile", uri), "AttributeNames": attribute_names}
    return {
        "ChannelName": name,
        "DataSource": {"S3DataSource": source},
        "ContentType": _RECORD_IO,
        "InputMode": "Pipe",
        "RecordWrapperType": "RecordIO",
    }


def _source(kind: str, uri: str) -> dict[str, Any]:
    return {"S3DataType": kind, "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
