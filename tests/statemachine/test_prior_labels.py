"""Labels that were there before: as the labeler, and as one more thing the model sees."""

import csv
import json
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from labelloop.preparation import CsvFormat, PreparationOptions, prepare_csv
from tests.words import CLASSES, texts

from .conftest import Loop, Outcome
from .replay import ends_the_same_in_memory
from .test_resuming import asked_twice_only_for_a_test, stop_at

AccountedFor = Callable[[Outcome], None]

pytestmark = pytest.mark.slow

SOURCES = ["gpt-4o", "rule"]
WRONG, SILENT = 0.05, 0.05
JOBS = {"CreateTrainingJob", "CreateModel", "CreateTransformJob"}


def write_table(path: Path, size: int) -> list[str]:
    """Texts with the labels of two sources; errors show in part in the confidence. Returns the truth."""
    rng, rows = random.Random(0), texts(size, clean=False)
    with path.open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["title", "category", "gpt-4o", "sure", "rule"])
        for text, truth in rows:
            wrong = rng.random() < WRONG
            label = rng.choice([name for name in CLASSES if name != truth]) if wrong else truth
            sure = rng.uniform(40, 80) if wrong else rng.uniform(60, 100)
            rule = "" if rng.random() < 0.5 else rng.choice([truth, truth, *CLASSES])
            silent = rng.random() < SILENT
            table.writerow([text, truth, *(("", "", "") if silent else (label, f"{sure:.1f} %", rule))])
    return [truth for _, truth in rows]


def prepare(loop: Loop, folder: Path, size: int = 500, **settings: Any) -> list[dict[str, Any]]:
    """From a table to the input of the loop; returns the lines of its manifest."""
    loop.truth = write_table(folder / "news.csv", size)
    columns = CsvFormat("title", "category", prior_columns=(("gpt-4o", "sure"), ("rule", "")))
    options = PreparationOptions(
        label_attribute="category",
        labeled_share=0.0,
        prior_attributes=("gpt-4o", "rule"),
        bucket="bucket",
        role_arn=loop.request["RoleArn"],
    )
    made = prepare_csv(folder / "news.csv", columns, folder / "prepared", options).folder
    request = json.loads(made.request.read_bytes())
    assert request["PriorLabels"] == [{"Attribute": name} for name in SOURCES]
    lines = [json.loads(line) for line in made.manifest.read_bytes().splitlines()]
    loop.manifest(json.dumps({**line, "n": number}).encode() for number, line in enumerate(lines))
    loop.write("in/classes.json", made.class_labels.read_bytes())
    loop.request["PriorLabels"] = request["PriorLabels"]
    loop.settings(TargetError=0.1, CertificateFor="dataset", **settings)
    return lines


def test_given_labels_are_certified_without_a_job(
    loop: Loop, accounted_for: AccountedFor, tmp_path: Path
) -> None:
    given = prepare(loop, tmp_path, Labeler="given")
    outcome = loop.run()
    accounted_for(outcome)
    assert "AutoLabel" in loop.states
    assert not JOBS & set(loop.states)
    ended = ends_the_same_in_memory(loop, outcome)
    assert ended.certificate is not None
    assert ended.auto_labels > 50
    assert not list((loop.s3 / "bucket/out/run-1").glob("round-*/training/*/*.jsonl"))
    for before, after in zip(given, outcome.lines(), strict=True):
        if after["category-metadata"]["human-annotated"] == "no":
            sources = [name for name in SOURCES if before.get(name) == after["category"]]
            assert after["category-metadata"]["given-by"] == sources
            assert any(name in before for name in SOURCES)
            assert after["category-metadata"]["type"] == "groundtruth/text-classification"


def test_its_report_speaks_of_no_training(loop: Loop, tmp_path: Path) -> None:
    prepare(loop, tmp_path, Labeler="given")
    outcome = loop.run()
    report = outcome.report()
    assert report["given_by"] == SOURCES
    assert report["random_baseline"] is None
    assert report["settings"]["Model"]["Algorithm"] == "given"
    assert "TrainedModelArn" not in outcome.output
    page = outcome.read("ReportHtmlS3Uri").decode()
    assert "The labels are those under gpt-4o and rule in the input" in page
    assert "Accuracy by labels from people" not in page
    assert "random labels" not in page


@pytest.mark.parametrize(("state", "occurrence"), [("AutoLabel", 1), ("MergeLabels", 3)])
def test_a_resumed_run_ends_as_one_that_was_not_stopped(
    loop: Loop, accounted_for: AccountedFor, tmp_path: Path, state: str, occurrence: int
) -> None:
    prepare(loop, tmp_path, Labeler="given")
    stop_at(loop, state, occurrence)
    loop.settings(ResumeFromS3Uri="s3://bucket/out/run-1/")
    resumed = loop.run(name="run-2")
    accounted_for(resumed)
    asked_twice_only_for_a_test(loop, resumed)
    assert not (loop.s3 / "bucket/out/run-2/prepared/prior-labels.npz").exists()
    loop.request["ActiveLearning"].pop("ResumeFromS3Uri")
    whole = loop.run(name="run-3")
    assert [line["category"] for line in resumed.lines()] == [line["category"] for line in whole.lines()]
    certificates = [dict(outcome.output["Certificate"]) for outcome in (resumed, whole)]
    lineages = [certificate.pop("Lineage") for certificate in certificates]
    assert certificates[0] == certificates[1]
    assert [lineage["Executions"] for lineage in lineages] == [2, 1]


def test_a_run_is_not_resumed_with_other_prior_labels(loop: Loop, tmp_path: Path) -> None:
    prepare(loop, tmp_path, Labeler="given")
    stop_at(loop, "MergeLabels", 1)
    loop.settings(ResumeFromS3Uri="s3://bucket/out/run-1/")
    loop.request["PriorLabels"] = loop.request["PriorLabels"][:1]
    execution = loop.run(name="run-2").execution
    assert "can only be resumed with the same PriorLabels" in (execution.cause or "")


def test_a_container_gets_them_in_its_channels(
    loop: Loop, accounted_for: AccountedFor, tmp_path: Path
) -> None:
    given = prepare(loop, tmp_path)
    aws, jobs = loop.aws(), list[Mapping[str, Any]]()
    aws.interceptors.before("CreateTrainingJob", jobs.append, times=99)
    outcome = loop.run(aws)
    accounted_for(outcome)
    ends_the_same_in_memory(loop, outcome)
    assert all(job["HyperParameters"]["prior_labels"] == '["gpt-4o", "rule"]' for job in jobs)
    seen = 0
    for channel in (loop.s3 / "bucket/out/run-1").glob("round-*/training/*/*.jsonl"):
        for line in map(json.loads, channel.read_bytes().splitlines()):
            of_input = given[line["labelloop-id"]]
            for name in SOURCES:
                assert line.get(name) == of_input.get(name)
                assert line.get(f"{name}-metadata") == of_input.get(f"{name}-metadata")
                seen += name in line
    assert seen
    assert "given_by" not in outcome.report()
    assert not any("given-by" in line["category-metadata"] for line in outcome.lines())


def test_without_prior_labels_nothing_is_said_of_them(loop: Loop) -> None:
    loop.data(200)
    aws, jobs = loop.aws(), list[Mapping[str, Any]]()
    aws.interceptors.before("CreateTrainingJob", jobs.append, times=99)
    loop.run(aws)
    assert jobs
    assert not any("prior_labels" in job["HyperParameters"] for job in jobs)
    assert not (loop.s3 / "bucket/out/run-1/prepared/prior-labels.npz").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"PriorLabels": None}, "PriorLabels names none"),
        (
            {"PriorLabels": [{"Attribute": "gpt-5"}]},
            "no line of the input manifest has a label under 'gpt-5'",
        ),
        ({"ActiveLearning": {"Labeler": "given", "Policy": "blog"}}, "Policy blog has rules for a model"),
        (
            {"ActiveLearning": {"Labeler": "given", "Model": {"ImageUri": "mine", "MaxPayloadInMB": 5}}},
            "no model is trained: leave ImageUri, MaxPayloadInMB out",
        ),
        (
            {"ActiveLearning": {"Labeler": "given", "Model": {"Algorithm": "blazingtext"}}},
            "Labeler is 'given' and Model.Algorithm 'blazingtext'",
        ),
    ],
)
def test_what_given_labels_cannot_work_with_is_refused_before_anything_is_spent(
    loop: Loop, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    prepare(loop, tmp_path, size=30, Labeler="given")
    loop.request = {name: value for name, value in {**loop.request, **changes}.items() if value is not None}
    execution = loop.run().execution
    assert loop.states == ["PrepareManifest", "Failed"]
    assert message in (execution.cause or "")
