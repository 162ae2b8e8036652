import copy
from typing import Any

import botocore.session
import pytest

from labelloop.core.errors import RequestError
from labelloop.core.sizes import resolve_size
from labelloop.workflow.request import HumanTaskConfig, InputConfig, OutputConfig, parse_request

POST_REQUEST: dict[str, Any] = {
    "InputConfig": {
        "DataSource": {"S3DataSource": {"ManifestS3Uri": "s3://my-bucket/news/input.manifest"}},
        "DataAttributes": {
            "ContentClassifiers": ["FreeOfPersonallyIdentifiableInformation", "FreeOfAdultContent"]
        },
    },
    "OutputConfig": {"S3OutputPath": "s3://my-bucket/news/output/"},
    "HumanTaskConfig": {
        "AnnotationConsolidationConfig": {
            "AnnotationConsolidationLambdaArn": (
                "arn:aws:lambda:us-east-1:432418664414:function:ACS-TextMultiClass"
            )
        },
        "PreHumanTaskLambdaArn": "arn:aws:lambda:us-east-1:432418664414:function:PRE-TextMultiClass",
        "MaxConcurrentTaskCount": 200,
        "NumberOfHumanWorkersPerDataObject": 1,
        "TaskAvailabilityLifetimeInSeconds": 21600,
        "TaskDescription": "Classify news title to one of these 4 categories.",
        "TaskKeywords": ["text", "classification", "humans", "news"],
        "TaskTimeLimitInSeconds": 300,
        "TaskTitle": "Classify news title to one of these 4 categories.",
        "UiConfig": {"UiTemplateS3Uri": "s3://my-bucket/news/instructions.template"},
        "PublicWorkforceTaskPrice": {"AmountInUsd": {"Dollars": 0, "Cents": 1, "TenthFractionsOfACent": 2}},
        "WorkteamArn": "arn:aws:sagemaker:us-east-1:394669845002:workteam/public-crowd/default",
    },
    "LabelingJobNamePrefix": "byoal-news",
    "RoleArn": "arn:aws:iam::123456789012:role/SageMakerRole",
    "LabelAttributeName": "category",
    "LabelCategoryConfigS3Uri": "s3://my-bucket/news/class_labels.json",
}


def changed(path: str, value: object) -> dict[str, Any]:
    request = copy.deepcopy(POST_REQUEST)
    *parents, last = path.split(".")
    block = request
    for parent in parents:
        block = block.setdefault(parent, {})
    block[last] = value
    return request


def test_the_posts_request_is_accepted_as_it_is_and_comes_out_unchanged() -> None:
    dumped = parse_request(POST_REQUEST).model_dump(by_alias=True, exclude_none=True)
    assert {key: dumped[key] for key in POST_REQUEST} == POST_REQUEST


def test_defaults_are_those_of_the_documentation() -> None:
    settings = parse_request(POST_REQUEST).active_learning
    assert (settings.policy, settings.labeling_backend) == ("default", "groundtruth")
    assert (settings.start_size, settings.validation_size, settings.batch_size) == (None, None, None)
    assert (settings.certificate_for, settings.review_disagreements) == ("all", True)
    assert (settings.target_error, settings.confidence) == (0.05, 0.9)


def test_an_output_path_without_its_slash_is_mended() -> None:
    request = parse_request(changed("OutputConfig.S3OutputPath", "s3://my-bucket/output"))
    assert request.output_config.s3_output_path == "s3://my-bucket/output/"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("Surprise", 1, "unknown field Surprise"),
        ("ActiveLearning.Surprise", 1, "unknown field ActiveLearning.Surprise"),
        ("HumanTaskConfig.Surprise", 1, "unknown field HumanTaskConfig.Surprise"),
        ("ActiveLearning.TargetErr", 0.1, "ActiveLearning.TargetErr: did you mean TargetError?"),
        ("ActiveLearning.labeler", "given", "ActiveLearning.labeler: did you mean Labeler?"),
        ("ActiveLearning.Model.Hyperparameters", {}, "Hyperparameters: did you mean HyperParameters?"),
        ("ActiveLearning.Prices.HumanLabels", 1, "HumanLabels: did you mean HumanLabel?"),
        ("ActiveLearning.HyperParameters", {}, "did you mean ActiveLearning.Model.HyperParameters?"),
        ("TargetError", 0.1, "unknown field TargetError: did you mean ActiveLearning.TargetError?"),
        (
            "ActiveLearning.Workbench.Gold",
            {"Manifest": "s3://a-b/c"},
            "did you mean ManifestS3Uri?",
        ),
        ("ActiveLearning.TargetError", 0, "ActiveLearning.TargetError"),
        ("ActiveLearning.TargetError", "5 %", "ActiveLearning.TargetError"),
        ("ActiveLearning.BatchSize", -0.1, "ActiveLearning.BatchSize"),
        ("ActiveLearning.QueryStrategy", "magic", "there is no query strategy 'magic'"),
        (
            "ActiveLearning.LabelingBackend",
            "my people",
            "LabelingBackend: 'my people' is not a valid name",
        ),
        (
            "ActiveLearning.Model.Algorithm",
            "a:b:c",
            "ActiveLearning.Model.Algorithm: 'a:b:c' is not a valid name",
        ),
        (
            "ActiveLearning.Model.HyperParameters",
            {"epochs": 3},
            "ActiveLearning.Model.HyperParameters.epochs",
        ),
        ("LabelAttributeName", 'cat"egory', "cannot be a label attribute name"),
        ("LabelAttributeName", "category-metadata", "for itself"),
        ("LabelingJobNamePrefix", "no spaces", "LabelingJobNamePrefix"),
        ("InputConfig.DataSource.S3DataSource.ManifestS3Uri", "/tmp/x", "ManifestS3Uri"),
        ("RoleArn", "me", "RoleArn"),
        (
            "LabelingJobAlgorithmsConfig",
            {},
            "Ground Truth would label with its own model, but here yours labels",
        ),
        ("LabelingJobName", "mine", "every round has its own labeling job: give LabelingJobNamePrefix"),
        ("StoppingConditions", {"MaxPercentageOfInputDatasetLabeled": 101}, "MaxPercentageOfInput"),
        ("StoppingConditions", {"MaxHumanLabeledObjectCount": 0}, "StoppingConditions.MaxHumanLabeled"),
        ("HumanTaskConfig.WorkteamArn", "arn:aws:iam::123456789012:role/x", "HumanTaskConfig.WorkteamArn"),
        ("HumanTaskConfig.PreHumanTaskLambdaArn", "arn:aws:s3:::x", "HumanTaskConfig.PreHumanTaskLambdaArn"),
    ],
)
def test_a_wrong_field_is_named(path: str, value: object, message: str) -> None:
    with pytest.raises(RequestError) as error:
        parse_request(changed(path, value))
    assert message in str(error.value)


def test_a_missing_field_is_named() -> None:
    request = {key: value for key, value in POST_REQUEST.items() if key != "RoleArn"}
    with pytest.raises(RequestError, match="RoleArn is missing"):
        parse_request(request)


@pytest.mark.parametrize("document", [None, [], "text", 3])
def test_something_that_is_no_request_is_refused(document: object) -> None:
    with pytest.raises(RequestError):
        parse_request(document)


def test_the_blog_policy_fixes_the_rules_of_the_post() -> None:
    settings = parse_request(changed("ActiveLearning", {"Policy": "blog", "Seed": 3})).active_learning
    assert (settings.query_strategy, settings.start_size, settings.batch_size) == ("random", 0.2, 0.1)
    with pytest.raises(RequestError, match="Policy blog fixes BatchSize"):
        parse_request(changed("ActiveLearning", {"Policy": "blog", "BatchSize": 0.3}))


@pytest.mark.parametrize(
    ("size", "total", "expected"),
    [
        (0.2, 10_000, 2000),
        (0.1, 5, 1),
        (0.2, 1, 1),
        (0.29, 100, 29),
        (1, 50, 1),
        (300, 50, 50),
        (300, 1000, 300),
    ],
)
def test_a_size_is_a_share_below_one_and_a_count_from_one_on(size: float, total: int, expected: int) -> None:
    assert resolve_size(size, total) == expected


@pytest.mark.parametrize(
    ("block", "member"),
    [(HumanTaskConfig, "HumanTaskConfig"), (InputConfig, "InputConfig"), (OutputConfig, "OutputConfig")],
)
def test_our_field_names_are_ground_truths(block: Any, member: str) -> None:
    service = botocore.session.get_session().get_service_model("sagemaker")
    request: Any = service.operation_model("CreateLabelingJob").input_shape
    theirs = request.members[member].members
    assert {field.alias for field in block.model_fields.values()} <= set(theirs)


def test_a_budget_in_money_is_a_number_of_labels() -> None:
    request = parse_request(
        changed("ActiveLearning", {"MaxCost": 10.0, "Prices": {"HumanLabel": 0.15, "ServiceFee": 0.05}})
    )
    settings = request.active_learning.loop_settings(people_per_object=1, secret_seed="0" * 32)
    assert settings.limits(1000, most_votes=1, fewest_draws=1).new_human_labels == 50


def test_labeler_is_another_name_of_model_algorithm() -> None:
    given = parse_request(changed("ActiveLearning", {"Labeler": "given"})).active_learning
    assert given == parse_request(changed("ActiveLearning.Model.Algorithm", "given")).active_learning
    both = {"Labeler": "given", "Model": {"Algorithm": "given"}}
    assert parse_request(changed("ActiveLearning", both)).active_learning == given
    with pytest.raises(RequestError, match="leave one of them out"):
        parse_request(changed("ActiveLearning", {"Labeler": "given", "Model": {"Algorithm": "container"}}))
    with pytest.raises(RequestError, match="Labeler must be a name"):
        parse_request(changed("ActiveLearning", {"Labeler": {}}))


def test_prior_labels_are_named_by_their_keys() -> None:
    request = parse_request(changed("PriorLabels", [{"Attribute": "gpt-4o"}, {"Attribute": "our_rule"}]))
    assert request.prior_attributes == ("gpt-4o", "our_rule")
    assert parse_request(POST_REQUEST).prior_attributes == ()
    assert "PriorLabels" not in parse_request(POST_REQUEST).model_dump(by_alias=True, exclude_none=True)


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ([{"Attribute": "category"}], "'category' is the LabelAttributeName"),
        ([{"Attribute": "category-metadata"}], "a key that ends so holds what belongs to a label"),
        ([{"Attribute": "source"}], "that key holds the data object itself"),
        ([{"Attribute": "labelloop-id"}], "labelloop's own"),
        ([{"Attribute": ""}], "it is empty"),
        ([{"Attribute": "a"}, {"Attribute": "a"}], "PriorLabels names 'a' twice"),
        ([{}], "PriorLabels.0.Attribute is missing"),
        ([{"Attribute": f"a{number}"} for number in range(11)], "at most 10 items"),
        (["gpt-4o"], "PriorLabels.0"),
    ],
)
def test_prior_labels_that_cannot_be_are_refused(sources: list[Any], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        parse_request(changed("PriorLabels", sources))
