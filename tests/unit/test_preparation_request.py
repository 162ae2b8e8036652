"""The request and the worker template: what Ground Truth would accept."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.model import ListShape, ServiceModel, Shape, StringShape, StructureShape
from botocore.validate import ParamValidator

from labelloop.preparation import LabeledText, Preparation, PreparationOptions, prepare_dataset
from labelloop.preparation.request import labeling_request

WORKTEAM = "arn:aws:sagemaker:{region}:111122223333:workteam/private-crowd/labelloop"


@pytest.fixture(scope="module")
def sagemaker() -> ServiceModel:
    return botocore.session.get_session().get_service_model("sagemaker")


@pytest.fixture
def preparation(tmp_path: Path) -> Preparation:
    rows = [LabeledText("one", "b"), LabeledText("two", "e")]
    return prepare_dataset(
        rows, tmp_path / "out", PreparationOptions(label_attribute="category", bucket="my-bucket")
    )


def faults(value: Any, shape: Shape, place: str = "request") -> list[str]:
    """What botocore's validator leaves out: patterns, enumerations and greatest lengths."""
    if isinstance(shape, StructureShape):
        return [
            fault
            for key, part in value.items()
            for fault in faults(part, shape.members[key], f"{place}.{key}")
        ]
    if isinstance(shape, ListShape):
        return [fault for part in value for fault in faults(part, shape.member, f"{place}[]")]
    found = []
    size = len(value) if isinstance(shape, StringShape) else value
    if not shape.metadata.get("min", size) <= size <= shape.metadata.get("max", size):
        found.append(f"{place}: size {size}")
    pattern = shape.metadata.get("pattern")
    if pattern and not re.fullmatch(pattern, value):
        found.append(f"{place}: {value!r} does not match {pattern}")
    if isinstance(shape, StringShape) and shape.enum and value not in shape.enum:
        found.append(f"{place}: {value!r} is none of {shape.enum}")
    return found


def test_the_request_is_a_valid_create_labeling_job_request(
    preparation: Preparation, sagemaker: ServiceModel
) -> None:
    request = json.loads(preparation.folder.request.read_bytes())
    shape = sagemaker.operation_model("CreateLabelingJob").input_shape
    assert shape is not None
    # The longest name the workflow may make of the prefix.
    request["LabelingJobName"] = request.pop("LabelingJobNamePrefix").ljust(63, "x")
    assert ParamValidator().validate(request, shape).generate_report() == ""
    assert faults(request, shape) == []


def test_the_check_itself_finds_what_is_wrong(sagemaker: ServiceModel) -> None:
    shape = sagemaker.operation_model("CreateLabelingJob").input_shape
    assert shape is not None
    request = {
        "LabelingJobName": "x" * 64,
        "RoleArn": "arn:aws:iam::1:role/x",
        "HumanTaskConfig": {"TaskKeywords": ["a-b"]},
    }
    assert len(faults(request, shape)) == 4


def test_the_request_has_the_posts_fields(preparation: Preparation) -> None:
    request = json.loads(preparation.folder.request.read_bytes())
    assert set(request) == {
        "InputConfig",
        "OutputConfig",
        "HumanTaskConfig",
        "LabelingJobNamePrefix",
        "RoleArn",
        "LabelAttributeName",
        "LabelCategoryConfigS3Uri",
    }
    assert request["OutputConfig"] == {"S3OutputPath": "s3://my-bucket/output/"}
    assert request["LabelAttributeName"] == "category"


def test_every_file_the_request_names_is_in_the_s3_folder(preparation: Preparation) -> None:
    request = json.loads(preparation.folder.request.read_bytes())
    named = {
        request["InputConfig"]["DataSource"]["S3DataSource"]["ManifestS3Uri"]: preparation.folder.manifest,
        request["LabelCategoryConfigS3Uri"]: preparation.folder.class_labels,
        request["HumanTaskConfig"]["UiConfig"]["UiTemplateS3Uri"]: preparation.folder.worker_template,
    }
    for uri, path in named.items():
        assert preparation.folder.s3_root / uri.removeprefix("s3://") == path
        assert path.is_file()


def test_ground_truths_own_functions_are_those_that_aws_documents(sagemaker: ServiceModel) -> None:
    documented = {
        "PRE": ("HumanTaskConfig", "PreHumanTaskLambdaArn"),
        "ACS": ("AnnotationConsolidationConfig", "AnnotationConsolidationLambdaArn"),
    }
    for kind, (structure, member) in documented.items():
        shape = sagemaker.shape_for(structure)
        assert isinstance(shape, StructureShape)
        arns = re.findall(
            rf"arn:aws:lambda:[a-z0-9-]+:\d+:function:{kind}-TextMultiClass(?=<)",
            shape.members[member].documentation,
        )
        assert len(arns) >= 12
        for arn in arns:
            workteam = WORKTEAM.format(region=arn.split(":")[3])
            request = labeling_request(PreparationOptions(label_attribute="x", workteam_arn=workteam))
            task = request["HumanTaskConfig"]
            assert arn in (
                task["PreHumanTaskLambdaArn"],
                task["AnnotationConsolidationConfig"]["AnnotationConsolidationLambdaArn"],
            )


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.path: list[str] = []
        self.found: dict[str, dict[str, str | None]] = {}
        self.texts: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.path.append(tag)
        self.found["/".join(self.path)] = dict(attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.path.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts["/".join(self.path)] = self.texts.get("/".join(self.path), "") + data


def test_the_worker_template_shows_the_text_and_offers_the_classes(preparation: Preparation) -> None:
    page = _Elements()
    page.feed(preparation.folder.worker_template.read_text(encoding="utf-8"))
    page.close()
    assert page.path == []
    classifier = page.found["crowd-form/crowd-classifier"]
    assert classifier["categories"] == "{{ task.input.labels | to_json | escape }}"
    assert classifier["name"]
    assert classifier["header"]
    target = "crowd-form/crowd-classifier/classification-target"
    assert page.texts[target] == "{{ task.input.taskObject }}"
    assert "crowd-form/crowd-classifier/full-instructions" in page.found
    assert "crowd-form/crowd-classifier/short-instructions" in page.found
