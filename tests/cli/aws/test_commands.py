"""The commands for runs on AWS, on a stack whose loop really runs, from `start` to `cleanup`."""

import json
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from labelloop.local import moto_patches
from labelloop.local.aws import LocalAws
from labelloop.local.labeling_job import LabelingJobRequest
from labelloop.local.service_error import ServiceError
from labelloop.local.simulated_annotators import SimulatedAnnotators
from labelloop.preparation.options import PLACEHOLDER_WORKTEAM_ARN
from tests.cli.aws.conftest import Call, deploy
from tests.statemachine.conftest import Loop

pytestmark = pytest.mark.slow


def arn_of_loop(aws: LocalAws) -> str:
    return aws.state_machines["ActiveLearningLoop"].arn


def arn_of(aws: LocalAws, name: str) -> str:
    return f"{arn_of_loop(aws).replace(':stateMachine:', ':execution:')}:{name}"


def keys(prefix: str = "") -> set[str]:
    pages = boto3.client("s3").get_paginator("list_objects_v2").paginate(Bucket="bucket", Prefix=prefix)
    return {item["Key"] for page in pages for item in page.get("Contents", ())}


def models() -> list[str]:
    return [model["ModelName"] for model in boto3.client("sagemaker").list_models(MaxResults=100)["Models"]]


class SlowPeople:
    """Label as the simulated people do, a few objects a second, until the job is stopped."""

    def __init__(self, loop: Loop) -> None:
        self._people = SimulatedAnnotators(loop.people())
        self.asked = threading.Event()

    def label(self, job: LabelingJobRequest, records: Iterable[bytes]) -> Iterator[bytes]:
        for line in self._people.label(job, records):
            time.sleep(0.1)
            yield line
            # The job has written it.
            self.asked.set()


# From start to fetch --------------------------------------------------------------------------------------


def test_a_run_is_started_watched_fetched_and_cleaned_up(
    call: Call, deployed: LocalAws, loop: Loop, tmp_path: Path
) -> None:
    started = call("start", "--name", "news-1")
    assert started.exit_code == 0
    assert arn_of(deployed, "news-1") in started.text
    assert "labelloop watch --stack labelloop" in started.text

    watched = call("watch", "--every", "0.1")
    assert watched.exit_code == 0
    for words in ("checking the manifest", "people are labeling", "training the model", "merging labels"):
        assert words in watched.text
    assert "round  1: no model yet; people were asked about 90 → 90 human" in watched.text
    assert watched.text.index("round  1:") < watched.text.index("training the model")
    assert "Done: it ended because every data object is labeled." in watched.text
    again = call("watch", "--execution", "news-1")
    assert [line[7:] for line in again.text.splitlines()] == [line[7:] for line in watched.text.splitlines()]

    status = json.loads(call("status", "--execution", "news-1", "--json").text)
    assert (status["status"], status["round"], status["states"]) == ("SUCCEEDED", 3, [])
    human = status["output"]["Counts"]["human"]
    assert f"{human:,} human" in call("status", "--execution", "news-1").words, "as the report counts"
    counts = status["counts"]
    assert counts["Input"] == counts["Human"] + counts["Validation"] + counts["Auto"] == 250
    assert [row["name"] for row in json.loads(call("status", "--json").text)] == ["news-1"]

    out = tmp_path / "out"
    fetched = call("fetch", "--out", str(out))
    assert "of 250 data objects were labeled by people" in fetched.text
    for name in ("output.manifest", "report.json", "report.html"):
        assert (out / name).read_bytes() == (loop.s3 / "bucket/out/news-1/output" / name).read_bytes()
    assert {path.name for path in out.iterdir()} == {"output.manifest", "report.json", "report.html"}
    assert call("fetch", "--out", str(out)).text.count("was there already") == 3


def test_cleanup_removes_what_a_run_left_and_nothing_else(
    call: Call, deployed: LocalAws, tmp_path: Path
) -> None:
    for name in ("news-1", "news-2"):
        assert call("start", "--name", name, "--watch").exit_code == 0
    before, all_models = keys(), models()
    mine = {key for key in before if key.startswith("out/news-1/")}
    trained = deployed.describe(arn_of(deployed, "news-1")).output["TrainedModelArn"].rpartition("/")[2]
    artifact = boto3.client("sagemaker").describe_model(ModelName=trained)["PrimaryContainer"]["ModelDataUrl"]
    results = {
        "out/news-1/execution.json",
        artifact.removeprefix("s3://bucket/"),
        *(key for key in mine if key.startswith("out/news-1/output/")),
    }
    assert len(results) == 5

    listed = call("cleanup", "--execution", "news-1", "--dry-run")
    assert f"kept: the trained model {trained}" in listed.text
    assert call("cleanup", "--execution", "news-1", answer="n\n").exit_code == 1
    assert (keys(), models()) == (before, all_models), "listed and refused: nothing is removed"

    assert call("cleanup", "--execution", "news-1", answer="y\n").exit_code == 0
    assert keys() == before - (mine - results)
    assert "There is nothing to remove" in call("cleanup", "--execution", "news-1", "--yes").text
    assert keys() == before - (mine - results), "a second time changes nothing"

    assert call("cleanup", "--execution", "news-1", "--yes", "--output").exit_code == 0
    assert keys() == before - mine
    assert models() == [name for name in all_models if name != trained]
    gone = call("fetch", "--execution", "news-1", "--out", str(tmp_path / "gone"))
    assert gone.exit_code == 2
    assert "s3://bucket/out/news-1/output/output.manifest is no longer in S3" in gone.words


def test_more_models_than_fit_a_page_are_all_removed(call: Call, deployed: LocalAws) -> None:
    assert call("start", "--name", "news-1", "--watch").exit_code == 0
    sagemaker = boto3.client("sagemaker")
    (trained,) = models()
    image = sagemaker.describe_model(ModelName=trained)["PrimaryContainer"]["Image"]
    for number in range(25):
        sagemaker.create_model(
            ModelName=f"{trained}-{number}",
            ExecutionRoleArn="arn:aws:iam::123456789012:role/jobs",
            PrimaryContainer={"Image": image},
        )
    assert "25 models" in call("cleanup", "--execution", "news-1", "--yes").text
    assert models() == [trained]


# Starting -------------------------------------------------------------------------------------------------


def test_the_same_name_and_request_start_nothing_twice_and_another_request_is_refused(
    call: Call, deployed: LocalAws, loop: Loop
) -> None:
    first = json.loads(call("start", "--name", "news-1", "--json").text)
    assert first["already"] is False
    deployed.wait(first["executionArn"], seconds=300)
    again = json.loads(call("start", "--name", "news-1", "--json").text)
    assert again == {**first, "already": True, "status": "SUCCEEDED"}
    assert len(json.loads(call("status", "--json").text)) == 1
    loop.settings(Seed=7)
    other = call("start", "--name", "news-1")
    assert other.exit_code == 2
    assert "another request under the name 'news-1'" in other.words


def test_role_and_bucket_come_from_the_stack_where_the_request_leaves_them_out(
    call: Call, deployed: LocalAws, loop: Loop
) -> None:
    del loop.request["RoleArn"], loop.request["OutputConfig"]
    started = call("start", "--name", "news-1")
    assert "RoleArn is the stack's: arn:aws:iam::123456789012:role/of-the-stack" in started.text
    execution = deployed.describe(arn_of(deployed, "news-1"))
    assert execution.input["RoleArn"] == "arn:aws:iam::123456789012:role/of-the-stack"
    assert execution.input["OutputConfig"] == {"S3OutputPath": "s3://bucket/output/"}


def test_files_are_uploaded_only_where_it_is_said_and_never_over_others(
    call: Call, deployed: LocalAws, loop: Loop, tmp_path: Path
) -> None:
    here = tmp_path / "prepared"
    (here / "bucket/in").mkdir(parents=True)
    (here / "bucket/in/new.json").write_bytes((loop.s3 / "bucket/in/classes.json").read_bytes())
    (here / "bucket/in/input.manifest").write_text("another")
    loop.request["LabelCategoryConfigS3Uri"] = "s3://bucket/in/new.json"
    refused = call("start")
    assert refused.exit_code == 2
    assert "S3 has no s3://bucket/in/new.json" in refused.words
    options = ["--name", "news-1", "--upload-from", str(here)]
    assert "Would upload s3://bucket/in/new.json" in call("start", *options, "--dry-run").text
    assert "in/new.json" not in keys()
    assert json.loads(call("status", "--json").text) == []
    manifest = boto3.client("s3").get_object(Bucket="bucket", Key="in/input.manifest")["Body"].read()
    started = call("start", *options)
    assert [line for line in started.text.splitlines() if "Uploading" in line] == [
        "Uploading s3://bucket/in/new.json"
    ]
    assert boto3.client("s3").get_object(Bucket="bucket", Key="in/input.manifest")["Body"].read() == manifest
    assert deployed.wait(arn_of(deployed, "news-1"), seconds=300).status == "SUCCEEDED"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Surprise": 1}, "unknown field Surprise"),
        ({"ActiveLearning": {"TargetError": 2}}, "ActiveLearning.TargetError"),
        ({"LabelAttributeName": "category-metadata"}, "cannot be a label attribute name"),
        (
            {"ActiveLearning": {"LabelingBackend": "mturk"}},
            "there is no labeling backend 'mturk'",
        ),
        ({"ActiveLearning": {"LabelingBackend": "simulated"}}, "SimulatedPeople.TruthS3Uri is missing"),
        (
            {"ActiveLearning": {"Model": {"Algorithm": "xgboost"}}},
            "there is no labeler 'xgboost': choose",
        ),
        ({"ActiveLearning": {"Model": {"InputMode": "Pipe"}}}, "the stack's own model image reads files"),
    ],
)
def test_a_bad_request_is_refused_here(
    call: Call, deployed: LocalAws, loop: Loop, change: dict[str, Any], message: str
) -> None:
    loop.request.update(change)
    refused = call("start")
    assert refused.exit_code == 2
    assert message in refused.words
    assert json.loads(call("status", "--json").text) == []


@pytest.mark.parametrize(
    "settings",
    [
        {"QueryStrategy": "only_in_the_image:Strategy"},
        {"LabelingBackend": "only_in_the_image:Backend"},
        {"Model": {"Algorithm": "only_in_the_image:Labeler"}},
    ],
)
def test_what_only_the_stacks_image_has_is_not_refused_here(
    call: Call, deployed: LocalAws, loop: Loop, settings: dict[str, Any]
) -> None:
    loop.settings(**settings)
    assert call("start", "--dry-run").exit_code == 0


def test_a_request_without_a_task_is_for_a_stack_that_asks_others(
    call: Call, deployed: LocalAws, loop: Loop
) -> None:
    del loop.request["HumanTaskConfig"]
    assert "HumanTaskConfig is missing" in call("start", "--dry-run").words
    deploy(deployed, "workbench", ActiveLearningLoopArn=arn_of_loop(deployed), LabelingBackend="workbench")
    assert call("start", "--dry-run", stack="workbench").exit_code == 0


def test_a_name_that_is_none_is_refused_here(call: Call, deployed: LocalAws) -> None:
    assert "cannot be named 'news/1'" in call("start", "--name", "news/1").words


@pytest.mark.parametrize(
    ("team", "message"),
    [
        ("eu-west-1:123456789012:workteam/private-crowd/team", "WorkteamArn is in eu-west-1, the stack in"),
        ("us-east-1:111122223333:workteam/private-crowd/labelloop", "the placeholder that `prepare` writes"),
        (
            "us-east-1:394669845002:workteam/public-crowd/default",
            "Mechanical Turk closed on 30 September 2026",
        ),
    ],
)
def test_a_team_that_cannot_be_asked_is_refused_here(call: Call, loop: Loop, team: str, message: str) -> None:
    task = loop.request["HumanTaskConfig"]
    task["WorkteamArn"] = f"arn:aws:sagemaker:{team}"
    del task["PreHumanTaskLambdaArn"], task["AnnotationConsolidationConfig"]
    assert message in call("start").words


def test_the_team_does_not_matter_where_the_stack_asks_others(
    call: Call, deployed: LocalAws, loop: Loop
) -> None:
    loop.request["HumanTaskConfig"]["WorkteamArn"] = PLACEHOLDER_WORKTEAM_ARN
    deploy(deployed, "workbench", ActiveLearningLoopArn=arn_of_loop(deployed), LabelingBackend="workbench")
    assert call("start", "--dry-run", stack="workbench").exit_code == 0
    loop.settings(LabelingBackend="groundtruth")
    assert "the placeholder" in call("start", "--dry-run", stack="workbench").words


# Stopping and failing -------------------------------------------------------------------------------------


def test_stop_ends_execution_nested_execution_and_job_even_where_step_functions_does_not(
    call: Call, deployed: LocalAws, loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolver = moto_patches._Resolver
    monkeypatch.setattr(moto_patches, "_Resolver", lambda look, abort: resolver(look, lambda: None))
    loop.told["STAND_IN_TRAIN"] = "hang"
    assert call("start", "--name", "news-1").exit_code == 0
    status: dict[str, Any] = {"states": []}
    while status["states"][-1:] != ["CreateTrainingJob"]:
        time.sleep(0.1)
        status = json.loads(call("status", "--execution", "news-1", "--json").text)
    assert status["states"] == ["ActiveLearning", "CreateTrainingJob"]
    assert status["round"] == 2

    assert call("stop", answer="n\n").exit_code == 1
    assert deployed.describe(arn_of(deployed, "news-1")).status == "RUNNING"
    stopped = call("stop", "--yes", "--cause", "too dear")
    assert stopped.exit_code == 0
    (nested,) = deployed.children(arn_of(deployed, "news-1"))
    job = nested.rpartition(":")[2]
    assert f"Stopped the execution {job}" in stopped.text
    assert f"Stopped the training job {job}" in stopped.text
    assert "ResumeFromS3Uri = s3://bucket/out/news-1/" in stopped.text
    execution = deployed.describe(arn_of(deployed, "news-1"))
    assert (execution.status, execution.cause) == ("ABORTED", "too dear")
    assert deployed.describe(nested).status == "ABORTED"
    sagemaker = boto3.client("sagemaker")
    while (training := sagemaker.describe_training_job(TrainingJobName=job))[
        "TrainingJobStatus"
    ] == "Stopping":
        time.sleep(0.1)
    assert training["TrainingJobStatus"] == "Stopped"

    assert "nothing is running in the stack" in call("stop").words
    assert "nothing left to stop" in call("stop", "--execution", "news-1").words
    assert "ABORTED and has no output" in call("fetch", "--out", "nowhere").words
    watched = call("watch")
    assert watched.exit_code == 1
    assert "too dear" in watched.text
    assert "To continue: ActiveLearning.ResumeFromS3Uri = s3://bucket/out/news-1/" in watched.words
    kept = call("cleanup", "--execution", "news-1", "--yes")
    assert kept.exit_code == 2
    assert "the labels people gave are in s3://bucket/out/news-1/ and nowhere else" in kept.words
    assert any(key.startswith("out/news-1/") for key in keys())
    assert call("cleanup", "--execution", "news-1", "--yes", "--labels").exit_code == 0


def test_a_labeling_job_is_stopped_and_what_people_labeled_stays(loop: Loop, call: Call) -> None:
    people = SlowPeople(loop)
    aws = loop.aws(annotators=people)
    deploy(aws)
    assert call("start", "--name", "news-1").exit_code == 0
    assert people.asked.wait(300)
    assert "is still running" in call("cleanup", "--execution", "news-1", "--yes").words
    assert "is still running" in call("fetch", "--out", "nowhere").words
    assert call("stop", "--yes").exit_code == 0
    aws.wait(arn_of(aws, "news-1"), seconds=300)
    while not (
        outputs := list((loop.s3 / "bucket/out/news-1").glob("round-001/labeling/*/manifests/output/*"))
    ):
        time.sleep(0.1)
    assert 0 < len(outputs[0].read_bytes().splitlines()) < 90


def test_a_failed_run_says_why_and_its_files_stay_while_another_goes_on_from_them(
    call: Call, deployed: LocalAws, loop: Loop
) -> None:
    loop.told["STAND_IN_TRAIN"] = "fail"
    failed = call("start", "--name", "news-1", "--watch")
    assert failed.exit_code == 1
    assert "CreateTrainingJob failed: AlgorithmError: the stand-in was told to fail" in failed.words
    assert "ActiveLearning.ResumeFromS3Uri is s3://bucket/out/news-1/" in failed.words
    assert failed.words.count("All labels given so far are kept") == 1
    assert "CreateTrainingJob failed" in call("status", "--execution", "news-1").words
    assert "the stand-in was told to fail" in call("fetch", "--out", "nowhere").words
    loop.told["STAND_IN_TRAIN"] = "hang"
    loop.settings(ResumeFromS3Uri="s3://bucket/out/new-1")
    nothing = call("start", "--name", "news-2")
    assert nothing.exit_code == 2
    assert "there is nothing to resume under s3://bucket/out/new-1" in nothing.words
    loop.settings(ResumeFromS3Uri="s3://bucket/out/news-1/")
    assert call("start", "--name", "news-2").exit_code == 0
    refused = call("cleanup", "--execution", "news-1", "--yes", "--labels")
    assert "the execution news-2 continues news-1 and is running" in refused.words
    assert call("stop", "--yes").exit_code == 0


def test_ctrl_c_ends_the_watching_and_not_the_run(
    call: Call, deployed: LocalAws, loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop.told["STAND_IN_TRAIN"] = "hang"

    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    assert call("start", "--name", "news-1").exit_code == 0
    monkeypatch.setattr("labelloop.cli.aws.watch.sleep", interrupt)
    watched = call("watch")
    monkeypatch.undo()
    assert watched.exit_code == 130
    assert "The run continues." in watched.text
    assert deployed.describe(arn_of(deployed, "news-1")).status == "RUNNING"
    assert call("stop", "--yes").exit_code == 0


# What is not there ----------------------------------------------------------------------------------------


def test_what_is_not_there_is_said_with_what_to_do(call: Call, deployed: LocalAws) -> None:
    deploy(deployed, "other", Unrelated="1")
    for command, options, stack, message in (
        ("status", [], "nope", "there is no stack 'nope' in us-east-1: deploy it with `sam deploy --guided`"),
        ("watch", [], "other", "has no output ActiveLearningLoopArn: it is not a labelloop"),
        ("watch", [], "labelloop", "has run nothing yet: use `labelloop start --stack labelloop`"),
        (
            "fetch",
            ["--execution", "x", "--out", "y"],
            "labelloop",
            "has no execution 'x': it has none at all",
        ),
        ("stop", [], "labelloop", "nothing is running"),
    ):
        refused = call(command, *options, stack=stack)
        assert refused.exit_code == 2
        assert message in refused.words
    assert "This stack has run nothing yet" in call("status").text


def test_results_of_another_run_in_the_folder_are_not_lost(
    call: Call, deployed: LocalAws, tmp_path: Path
) -> None:
    assert call("start", "--name", "news-1", "--watch").exit_code == 0
    out = tmp_path / "out"
    out.mkdir()
    (out / "output.manifest").write_text("of last week")
    refused = call("fetch", "--out", str(out))
    assert refused.exit_code == 2
    assert "holds another output.manifest" in refused.words
    assert [path.name for path in out.iterdir()] == ["output.manifest"]
    assert (out / "output.manifest").read_text() == "of last week"
    assert call("fetch", "--out", str(out), "--overwrite").exit_code == 0
    assert len((out / "output.manifest").read_bytes().splitlines()) == 250


def test_another_executions_files_of_the_same_name_are_not_touched(call: Call, deployed: LocalAws) -> None:
    assert call("start", "--name", "news-1", "--watch").exit_code == 0
    boto3.client("s3").put_object(
        Bucket="bucket",
        Key="out/news-1/execution.json",
        Body=b'{"StartTime": "2026-01-01T00:00:00.000Z"}',
    )
    before = keys()
    refused = call("cleanup", "--execution", "news-1", "--yes", "--output")
    assert "belong to another execution of that name, started 2026-01-01" in refused.words
    assert keys() == before


def test_what_sagemaker_denies_is_named_with_what_to_do(call: Call, deployed: LocalAws) -> None:
    assert call("start", "--name", "news-1", "--watch").exit_code == 0
    denial = ServiceError("AccessDeniedException", "not authorized to perform: sagemaker:ListModels", 400)
    deployed.interceptors.fail_next("ListModels", denial)
    refused = call("cleanup", "--execution", "news-1", "--yes")
    assert refused.exit_code == 2
    assert "AWS denies ListModels: not authorized to perform: sagemaker:ListModels" in refused.words
    assert "docs/running-on-aws.md" in refused.words
    assert any(key.startswith("out/news-1/round-001/") for key in keys())
