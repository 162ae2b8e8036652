"""What SageMaker is asked for: each request field in its place, valid by the service's own model."""

import re
from dataclasses import fields
from typing import Any

import pytest
from image_classifier.hyperparameters import ImageHyperparameters
from text_classifier.hyperparameters import TextHyperparameters

from labelloop import labelers
from labelloop.core.errors import ManifestError, RequestError
from labelloop.core.manifest.input_manifest import InputManifest
from labelloop.core.manifest.label_categories import LabelCategories
from labelloop.core.manifest.lines import LabelAttribute
from labelloop.labelers.container import Container
from labelloop.labelers.image import Image
from labelloop.labelers.registry import LABELERS
from labelloop.local.request_check import check_request
from labelloop.workflow.request import parse_request
from labelloop.workflow.training_job import job_environment
from tests.unit.test_request import changed

CHANNELS = {name: f"s3://bucket/{name}/{name}.jsonl" for name in ("train", "validation", "pool")}
CONTRACT = {"num_classes": "4", "label_attribute": "category", "seed": "0"}
KMS_KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def job(**model: Any) -> dict[str, Any]:
    """The job for these settings of the model, checked against SageMaker's model."""
    request = parse_request(changed("ActiveLearning.Model", model))
    labelers.check_request(request)
    labeler = labelers.load_labeler(request.active_learning.model.algorithm)
    made = labeler.training_job(request, "image", CHANNELS, CONTRACT, "s3://bucket/checkpoints/")
    assert made is not None
    role = "arn:aws:iam::123456789012:role/jobs"
    rest = {
        "TrainingJobName": "job",
        "RoleArn": role,
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/model/"},
    }
    check_request("sagemaker", "CreateTrainingJob", {**made, **rest})
    return made


def refusal(**model: Any) -> str:
    with pytest.raises(RequestError) as error:
        labelers.check_request(parse_request(changed("ActiveLearning.Model", model)))
    return str(error.value)


def test_unless_told_one_instance_reads_three_channels_as_files() -> None:
    made = job()
    assert made["AlgorithmSpecification"] == {"TrainingImage": "image", "TrainingInputMode": "File"}
    assert [(channel["ChannelName"], channel["InputMode"]) for channel in made["InputDataConfig"]] == [
        ("train", "File"),
        ("validation", "File"),
        ("pool", "File"),
    ]
    assert made["ResourceConfig"] == {
        "InstanceCount": 1,
        "InstanceType": "ml.m5.xlarge",
        "VolumeSizeInGB": 30,
    }
    assert made["StoppingCondition"] == {"MaxRuntimeInSeconds": 14400}
    assert made["HyperParameters"] == CONTRACT
    assert made.keys().isdisjoint({"EnableManagedSpotTraining", "CheckpointConfig"})


def test_hyperparameters_of_the_request_stand_over_the_contract() -> None:
    assert job(HyperParameters={"seed": "7", "epochs": "3"})["HyperParameters"] == {
        **CONTRACT,
        "seed": "7",
        "epochs": "3",
    }


def test_instances_and_their_disks_are_as_asked() -> None:
    made = job(
        ImageUri="mine",
        TrainingInstanceType="ml.g5.2xlarge",
        TrainingInstanceCount=2,
        VolumeSizeInGB=50,
        VolumeKmsKeyId=KMS_KEY,
    )
    assert made["ResourceConfig"] == {
        "InstanceCount": 2,
        "InstanceType": "ml.g5.2xlarge",
        "VolumeSizeInGB": 50,
        "VolumeKmsKeyId": KMS_KEY,
    }


def test_spot_training_waits_twice_as_long_unless_told_and_keeps_checkpoints() -> None:
    made = job(UseSpotTraining=True, MaxRuntimeInSeconds=600)
    assert made["EnableManagedSpotTraining"] is True
    assert made["StoppingCondition"] == {"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 1200}
    assert made["CheckpointConfig"] == {"S3Uri": "s3://bucket/checkpoints/"}
    waits = job(UseSpotTraining=True, MaxRuntimeInSeconds=600, MaxWaitTimeInSeconds=900)
    assert waits["StoppingCondition"]["MaxWaitTimeInSeconds"] == 900


def test_checkpoints_may_be_kept_without_spot_instances() -> None:
    made = job(CheckpointS3Uri="s3://bucket/mine/")
    assert "CheckpointConfig" in made
    assert "EnableManagedSpotTraining" not in made


@pytest.mark.parametrize("mode", ["FastFile", "Pipe"])
def test_an_image_of_ones_own_may_be_fed_in_any_mode(mode: str) -> None:
    made = job(ImageUri="mine", InputMode=mode)
    assert made["AlgorithmSpecification"]["TrainingInputMode"] == mode
    assert {channel["InputMode"] for channel in made["InputDataConfig"]} == {mode}


def test_blazingtext_streams_augmented_manifests_with_the_posts_hyperparameters() -> None:
    made = job(Algorithm="blazingtext", HyperParameters={"epochs": "50"})
    assert made["AlgorithmSpecification"]["TrainingInputMode"] == "Pipe"
    assert made["HyperParameters"] == {
        "mode": "supervised",
        "epochs": "50",
        "learning_rate": "0.05",
        "min_count": "5",
        "vector_dim": "20",
        "word_ngrams": "2",
        "early_stopping": "True",
        "min_epochs": "1",
        "patience": "5",
    }
    assert [channel["ChannelName"] for channel in made["InputDataConfig"]] == ["train", "validation"]
    for channel in made["InputDataConfig"]:
        source = channel["DataSource"]["S3DataSource"]
        assert (channel["InputMode"], channel["RecordWrapperType"]) == ("Pipe", "RecordIO")
        assert (source["S3DataType"], source["AttributeNames"]) == (
            "AugmentedManifestFile",
            ["source", "category"],
        )


def test_blazingtext_waits_an_hour_at_most_for_a_spot_instance() -> None:
    made = job(Algorithm="blazingtext", UseSpotTraining=True, MaxRuntimeInSeconds=3000)
    assert made["StoppingCondition"] == {"MaxRuntimeInSeconds": 3000, "MaxWaitTimeInSeconds": 3600}
    assert "CheckpointConfig" not in made


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            {"Algorithm": "xgboost"},
            "Model.Algorithm: there is no labeler 'xgboost': choose from blazingtext, container",
        ),
        ({"Algorithm": "xg boost"}, "ActiveLearning.Model.Algorithm: 'xg boost' is not a valid name"),
        ({"TrainingInstanceType": "m5.xlarge"}, "ActiveLearning.Model.TrainingInstanceType"),
        ({"TransformInstanceCount": 0}, "ActiveLearning.Model.TransformInstanceCount"),
        ({"VolumeKmsKeyId": "a key"}, "ActiveLearning.Model.VolumeKmsKeyId"),
        ({"CheckpointS3Uri": "/tmp"}, "ActiveLearning.Model.CheckpointS3Uri"),
        ({"MaxWaitTimeInSeconds": 900}, "MaxWaitTimeInSeconds is for UseSpotTraining"),
        (
            {"UseSpotTraining": True, "MaxWaitTimeInSeconds": 900},
            "MaxWaitTimeInSeconds (900) counts the training too",
        ),
        ({"InputMode": "Pipe"}, "ActiveLearning.Model: the stack's own model image reads files"),
        (
            {"UseSpotTraining": True, "MaxWaitTimeInSeconds": 900, "InputMode": "Pipe"},
            "it must not be below MaxRuntimeInSeconds (14400); the stack's own model image reads files: "
            "InputMode must be File or FastFile",
        ),
        ({"Algorithm": "blazingtext", "ImageUri": "mine"}, "leave ImageUri out"),
        ({"Algorithm": "blazingtext", "InputMode": "File"}, "leave InputMode out"),
        ({"Algorithm": "blazingtext", "TrainingInstanceCount": 2}, "on one instance"),
        ({"Algorithm": "blazingtext", "CheckpointS3Uri": "s3://bucket/mine/"}, "leave CheckpointS3Uri out"),
        (
            {"Algorithm": "blazingtext", "HyperParameters": {"window_size": "5"}},
            "'window_size' is not a hyperparameter of text classification",
        ),
        (
            {"Algorithm": "blazingtext", "HyperParameters": {"mode": "cbow"}},
            "'mode' must be 'supervised', not 'cbow'",
        ),
        (
            {"Algorithm": "blazingtext", "UseSpotTraining": True, "MaxWaitTimeInSeconds": 20000},
            "MaxWaitTimeInSeconds is 3600 at most",
        ),
    ],
)
def test_what_sagemaker_would_refuse_later_is_refused_at_once(model: dict[str, Any], message: str) -> None:
    assert message in refusal(**model)


@pytest.mark.parametrize(
    ("model", "share"),
    [
        ({}, 0.0),
        ({"ImageUri": "mine"}, 0.1),
        ({"Algorithm": "blazingtext"}, 0.1),
        ({"HoldoutShare": 0.3}, 0.3),
        ({"ImageUri": "mine", "HoldoutShare": 0.0}, 0.0),
        ({"Algorithm": "blazingtext", "HoldoutShare": 0.0}, 0.0),
    ],
)
def test_labels_are_held_out_for_a_model_that_may_stop_early_by_them(
    model: dict[str, Any], share: float
) -> None:
    settings = parse_request(changed("ActiveLearning.Model", model)).active_learning.model
    assert labelers.load_labeler(settings.algorithm).holdout_share(settings) == share


def test_the_image_that_the_stack_names_is_taken_where_the_request_names_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MODEL_IMAGE_URI", "the-stacks")
    container = labelers.load_labeler("container")
    for model, image in (({}, "the-stacks"), ({"ImageUri": "mine"}, "mine")):
        request = container.prepare(parse_request(changed("ActiveLearning.Model", model)))
        assert container.image_uri(request) == image
        assert container.holdout_share(request.active_learning.model) == 0.1


def test_the_names_of_hyperparameters_are_those_that_the_text_classifier_knows() -> None:
    assert Container.hyperparameters == {field.name for field in fields(TextHyperparameters)}


def test_the_names_of_hyperparameters_are_those_that_the_image_classifier_knows() -> None:
    assert Image.hyperparameters == {field.name for field in fields(ImageHyperparameters)}


@pytest.mark.parametrize(
    ("algorithm", "variable", "content"),
    [("image", "IMAGE_MODEL_FUNCTION_NAME", "image"), ("text", "MODEL_FUNCTION_NAME", "text")],
)
def test_a_stack_without_the_model_that_is_asked_for_says_so(
    monkeypatch: pytest.MonkeyPatch, algorithm: str, variable: str, content: str
) -> None:
    monkeypatch.setenv(variable, "")
    labeler = labelers.load_labeler(algorithm)
    request = labeler.prepare(parse_request(changed("ActiveLearning.Model", {"Algorithm": algorithm})))
    with pytest.raises(
        RequestError, match=f"no model of {content}s: .* ModelContainers set to {content} or both"
    ):
        labeler.image_uri(request)


@pytest.mark.parametrize("algorithm", ["text", "image"])
def test_the_stacks_own_models_have_their_own_images(algorithm: str) -> None:
    given = {"Algorithm": algorithm, "ImageUri": "111122223333.dkr.ecr.us-east-1.amazonaws.com/mine:1"}
    with pytest.raises(RequestError, match="has its own image: leave ImageUri out"):
        labelers.check_request(parse_request(changed("ActiveLearning.Model", given)))


def test_requests_about_images_are_small_enough_to_be_answered_in_time() -> None:
    image = labelers.load_labeler("image")
    for given, megabytes in (({}, 1), ({"MaxPayloadInMB": 3}, 3)):
        request = parse_request(changed("ActiveLearning.Model", {"Algorithm": "image", **given}))
        assert image.prepare(request).active_learning.model.max_payload_in_mb == megabytes


TEXT, IMAGE = b'{"source": "a text"}', b'{"source-ref": "s3://bucket/a.png"}'


@pytest.mark.parametrize(
    ("model", "fits", "refused", "reason"),
    [
        ({}, TEXT, IMAGE, "for images, set Model.Algorithm to"),
        ({"Algorithm": "text"}, TEXT, IMAGE, "for images, set Model.Algorithm to image"),
        ({"Algorithm": "image"}, IMAGE, TEXT, "for texts, leave Model.Algorithm out"),
        ({"Algorithm": "blazingtext"}, TEXT, IMAGE, "BlazingText reads nothing else"),
    ],
)
def test_a_manifest_that_the_model_cannot_read_is_refused_before_anybody_labels(
    model: dict[str, str], fits: bytes, refused: bytes, reason: str
) -> None:
    settings = parse_request(changed("ActiveLearning.Model", model)).active_learning.model
    reads = labelers.load_labeler(settings.algorithm).reads(settings)
    categories = LabelCategories(("a", "b"))
    assert list(InputManifest(LabelAttribute("kind"), categories, reads=reads).working_lines([fits]))
    with pytest.raises(ManifestError, match=reason):
        list(InputManifest(LabelAttribute("kind"), categories, reads=reads).working_lines([refused]))


def test_what_an_image_of_the_users_reads_only_it_knows() -> None:
    own = {"ImageUri": "111122223333.dkr.ecr.us-east-1.amazonaws.com/mine:1"}
    settings = parse_request(changed("ActiveLearning.Model", own)).active_learning.model
    assert labelers.load_labeler("container").reads(settings) is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"epoch": "3"}, "has no 'epoch': did you mean 'epochs'?"),
        ({"Batch_Size": "3"}, "has no 'Batch_Size': did you mean 'batch_size'?"),
        ({"colour": "3"}, "has no 'colour': known are batch_size, "),
    ],
)
def test_a_wrong_hyperparameter_is_refused_before_anybody_labels(given: dict[str, str], message: str) -> None:
    request = parse_request(changed("ActiveLearning.Model", {"HyperParameters": given}))
    with pytest.raises(RequestError, match=re.escape(message)):
        labelers.check_request(request)
    # Only the image itself knows what it takes.
    labelers.check_request(request, own_model=True)
    own = {"HyperParameters": given, "ImageUri": "111122223333.dkr.ecr.us-east-1.amazonaws.com/mine:1"}
    labelers.check_request(parse_request(changed("ActiveLearning.Model", own)))


def test_only_the_container_of_images_is_told_where_to_keep_encodings() -> None:
    """A user's own container, and BlazingText, get what they always got."""
    loaded = {name: labelers.load_labeler(name) for name in LABELERS.classes}
    assert [name for name, labeler in loaded.items() if labeler.keeps_encodings] == ["image"]


def test_a_place_that_sagemaker_would_refuse_is_left_out() -> None:
    longest = f"s3://bucket/{'x' * 500}"
    assert len(longest) == 512
    for uri, told in ((longest, {"ENCODING_CACHE_S3_URI": longest}), (f"{longest}/", {})):
        assert job_environment(uri) == told
        rest = {
            "TrainingJobName": "job",
            "RoleArn": "arn:aws:iam::123456789012:role/jobs",
            "OutputDataConfig": {"S3OutputPath": "s3://bucket/model/"},
        }
        check_request("sagemaker", "CreateTrainingJob", {**job(), **rest, "Environment": told})
