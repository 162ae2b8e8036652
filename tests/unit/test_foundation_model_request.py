"""The request's block FoundationModel: what it refuses, what it counts, and where its files are."""

from typing import Any

import pytest

from labelloop.core.errors import RequestError
from labelloop.labelers import check_request
from labelloop.operations.starting import input_uris
from labelloop.workflow.request import LabelingRequest, parse_request, parse_settings
from labelloop.workflow.run_files import RunFiles, is_intermediate

MODEL: dict[str, Any] = {"ModelId": "us.amazon.nova-lite-v1:0"}
PRICES = {"InputTokens": 0.06, "OutputTokens": 0.24}
REQUEST: dict[str, Any] = {
    "InputConfig": {"DataSource": {"S3DataSource": {"ManifestS3Uri": "s3://bucket/in/input.manifest"}}},
    "OutputConfig": {"S3OutputPath": "s3://bucket/out/"},
    "LabelingJobNamePrefix": "news",
    "RoleArn": "arn:aws:iam::123456789012:role/jobs",
    "LabelAttributeName": "category",
    "LabelCategoryConfigS3Uri": "s3://bucket/in/classes.json",
}


def request(**fields: Any) -> LabelingRequest:
    block = {"Labeler": "given", "FoundationModel": {**MODEL, **fields.pop("model", {})}}
    return parse_request({**REQUEST, **fields, "ActiveLearning": block})


def test_its_labels_are_prior_labels_behind_those_of_the_input() -> None:
    asked = request(PriorLabels=[{"Attribute": "rule"}])
    assert asked.given_attributes == ("rule",)
    assert asked.prior_attributes == ("rule", "foundation-model")
    check_request(request())


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ({**MODEL, "ModelID": "x"}, "unknown field FoundationModel.ModelID: did you mean ModelId?"),
        ({"Instructions": "x"}, "FoundationModel.ModelId is missing"),
        ({**MODEL, "ModelId": "a model"}, "FoundationModel.ModelId"),
        ({**MODEL, "Inference": "fast"}, "FoundationModel.Inference"),
        ({**MODEL, "Inference": "batch", "ConfidenceFrom": "samples"}, "samples needs Inference converse"),
        ({**MODEL, "BatchFrom": 99}, "FoundationModel.BatchFrom"),
        ({**MODEL, "BatchTimeoutInHours": 12}, "FoundationModel.BatchTimeoutInHours"),
        ({**MODEL, "RequestsAtOnce": 65}, "FoundationModel.RequestsAtOnce"),
        ({**MODEL, "Attribute": "source"}, "that key holds the data object itself"),
        ({**MODEL, "Prices": {"InputTokens": 1.0}}, "FoundationModel.Prices.OutputTokens is missing"),
        ({**MODEL, "ExamplesNear": 21}, "FoundationModel.ExamplesNear"),
        ({**MODEL, "AskAgainAfter": 0, "ExamplesNear": 1}, "FoundationModel.AskAgainAfter"),
        ({**MODEL, "AskAgainAfter": 300}, "how many go with each text, ExamplesNear 4 for instance"),
        ({**MODEL, "Examples": [{"Text": "", "Label": "a"}]}, "FoundationModel.Examples.0.Text"),
    ],
)
def test_what_it_cannot_be_is_refused_by_name(block: dict[str, Any], said: str) -> None:
    with pytest.raises(RequestError) as refused:
        parse_settings({"FoundationModel": block})
    assert said in str(refused.value)


def test_a_limit_of_the_cost_needs_prices_and_what_is_spent_is_not_left_for_people() -> None:
    with pytest.raises(RequestError, match=r"give FoundationModel\.Prices"):
        parse_settings({"FoundationModel": MODEL, "MaxCost": 9.0})
    settings = parse_settings({"FoundationModel": {**MODEL, "Prices": PRICES}, "MaxCost": 9.0, "Seed": 1})
    assert settings.loop_settings().max_cost == 9.0
    assert settings.loop_settings(spent_on_foundation_model=2.5).max_cost == 6.5
    assert settings.loop_settings(spent_on_foundation_model=20.0).max_cost == 0.0


def test_its_keys_are_its_own() -> None:
    for taken in ("category", "rule"):
        with pytest.raises(RequestError, match=f"'{taken}' has other labels"):
            request(PriorLabels=[{"Attribute": "rule"}], model={"Attribute": taken})
    with pytest.raises(RequestError, match="'llm-again' has other labels"):
        request(PriorLabels=[{"Attribute": "llm-again"}], model={"Attribute": "llm"})


def test_start_looks_for_its_template() -> None:
    asked = request(model={"PromptTemplateS3Uri": "s3://bucket/in/prompt.txt"})
    assert "s3://bucket/in/prompt.txt" in input_uris(asked)


def test_its_labels_are_a_snapshot_between_the_start_and_the_first_round() -> None:
    files = RunFiles("s3://bucket/out/run/")
    prepared, labels = files.prepared_state, files.foundation_model.state
    selected = files.round(1).selected_state
    assert files.newest_snapshot([labels, prepared]) == labels
    assert files.newest_snapshot([selected, labels, prepared]) == selected


def test_its_second_labels_are_a_snapshot_before_the_round_that_learns_from_them() -> None:
    files = RunFiles("s3://bucket/out/run/")
    again, merged = files.round(3).foundation_model.state, files.round(2).merged_state
    assert files.newest_snapshot([merged, again, files.foundation_model.state]) == again
    assert files.newest_snapshot([files.round(3).selected_state, again]) == files.round(3).selected_state


def test_what_was_paid_for_is_not_removed_by_the_lifecycle_rule() -> None:
    run = RunFiles("s3://bucket/out/run/")
    for files in (run.foundation_model, run.foundation_model_again, run.round(2).foundation_model):
        kept = (
            *(files.answer(b"x"), files.job(1).requests, files.job(1).output),
            *(files.prior_labels, files.state),
        )
        assert not any(map(is_intermediate, kept))
        assert is_intermediate(files.manifest)
