"""Every path through Ground Truth's branch, each test named after the path it walks."""

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import boto3
import pytest

from labelloop.local.aws import LocalAws
from labelloop.local.labeling_job import LabelingFailed, LabelingJobRequest
from labelloop.local.service_error import ServiceError
from labelloop.local.simulated_annotators import SimulatedAnnotators
from labelloop.workflow import ground_truth
from tests.words import CLASSES, TOO_STRICT

from .conftest import Loop, Outcome

AccountedFor = Callable[[Outcome], None]

pytestmark = pytest.mark.slow

PUBLIC_TEAM = "arn:aws:sagemaker:us-east-1:394669845002:workteam/public-crowd/default"
MOST = 25


class People:
    """Label as the simulated people do; `ends` says after half of a job's objects how it ends."""

    def __init__(self, loop: Loop, ends: Callable[[LabelingJobRequest], None] | None = None) -> None:
        self._people = SimulatedAnnotators(loop.people())
        self._ends = ends
        self.jobs: dict[str, list[int]] = {}

    def label(self, job: LabelingJobRequest, records: Iterable[bytes]) -> Iterator[bytes]:
        lines = list(records)
        self.jobs[job.name] = [json.loads(line)["n"] for line in lines]
        half = len(lines) // 2 if self._ends else len(lines)
        yield from self._people.label(job, lines[:half])
        if self._ends:
            self._ends(job)
        yield from self._people.label(job, lines[half:])


def requests_of(aws: LocalAws) -> list[Mapping[str, Any]]:
    """The CreateLabelingJob requests that will be made."""
    requests: list[Mapping[str, Any]] = []
    aws.interceptors.before("CreateLabelingJob", requests.append, times=99)
    return requests


def answered(loop: Loop) -> list[int]:
    """The objects that people answered for, in all labeling jobs of all executions."""
    outputs = (loop.s3 / "bucket/out").rglob("labeling/*/manifests/output/output.manifest")
    lines = [json.loads(line) for path in outputs for line in path.read_bytes().splitlines()]
    return [line["n"] for line in lines if "category" in line]


def await_status(job: str, status: str) -> None:
    sagemaker = boto3.client("sagemaker")
    until = time.monotonic() + 300
    while sagemaker.describe_labeling_job(LabelingJobName=job)["LabelingJobStatus"] != status:
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.fixture
def small_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A labeling job takes 25 objects instead of 100,000; the stand-in refuses more, as Ground Truth does."""
    monkeypatch.setattr(ground_truth, "MOST_OBJECTS_A_JOB", MOST)


# The request ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [("source", "a text", "TextMultiClass"), ("source-ref", "s3://bucket/in/a.png", "ImageMultiClass")],
)
def test_functions_left_out_of_the_request_are_ground_truths_own(
    loop: Loop, accounted_for: AccountedFor, field: str, value: str, kind: str
) -> None:
    loop.data(4)
    loop.manifest(json.dumps({field: value, "n": number}).encode() for number in range(4))
    loop.settings(Model={"ImageUri": "111122223333.dkr.ecr.us-east-1.amazonaws.com/reads-both:1"})
    task = loop.request["HumanTaskConfig"]
    del task["PreHumanTaskLambdaArn"], task["AnnotationConsolidationConfig"]
    aws = loop.aws()
    requests = requests_of(aws)
    accounted_for(loop.run(aws))
    stem = "arn:aws:lambda:us-east-1:432418664414:function:"
    assert {request["HumanTaskConfig"]["PreHumanTaskLambdaArn"] for request in requests} == {
        f"{stem}PRE-{kind}"
    }
    consolidations = [request["HumanTaskConfig"]["AnnotationConsolidationConfig"] for request in requests]
    assert consolidations == [{"AnnotationConsolidationLambdaArn": f"{stem}ACS-{kind}"}] * len(requests)


def test_the_public_workforce_is_refused_before_any_job_with_the_reason(loop: Loop) -> None:
    loop.data(10)
    loop.request["HumanTaskConfig"]["WorkteamArn"] = PUBLIC_TEAM
    execution = loop.run().execution
    assert execution.error == "PrepareManifestFailed"
    assert "Amazon Mechanical Turk closed on 30 September 2026" in (execution.cause or "")
    assert loop.states == ["PrepareManifest", "Failed"]


def test_the_public_workforce_is_no_matter_where_others_are_asked(
    loop: Loop, accounted_for: AccountedFor
) -> None:
    loop.data(10)
    loop.request["HumanTaskConfig"]["WorkteamArn"] = PUBLIC_TEAM
    rows = "".join(f"{number},x,{label}\n" for number, label in enumerate(loop.truth))
    loop.write("in/truth.csv", f"labelloop-id,source,label\n{rows}".encode())
    loop.settings(LabelingBackend="simulated", SimulatedPeople={"TruthS3Uri": "s3://bucket/in/truth.csv"})
    accounted_for(loop.run())


def test_a_labeling_job_that_stops_by_its_conditions_is_followed_by_another(
    loop: Loop, accounted_for: AccountedFor
) -> None:
    loop.data(60)
    loop.request["StoppingConditions"] = {"MaxHumanLabeledObjectCount": 20}
    aws = loop.aws()
    requests = requests_of(aws)
    outcome = loop.run(aws)
    accounted_for(outcome)
    assert outcome.counts["human"] == 60
    assert [record["labeled_by_people"] for record in outcome.report()["rounds"]] == [20, 20, 20]
    assert all(request["StoppingConditions"] == {"MaxHumanLabeledObjectCount": 20} for request in requests)


# A selection too large for one job ------------------------------------------------------------------------


@pytest.mark.usefixtures("small_jobs")
def test_a_selection_too_large_for_one_job_is_split_over_several(
    loop: Loop, accounted_for: AccountedFor
) -> None:
    loop.data(60)
    loop.settings(TargetError=TOO_STRICT)
    people = People(loop)
    outcome = loop.run(loop.aws(annotators=people))
    accounted_for(outcome)
    assert outcome.counts["human"] == 60
    assert [len(people.jobs[name]) for name in sorted(people.jobs)] == [MOST, MOST, 10]
    assert {name.partition("-r001-")[2] for name in people.jobs} == {"p1", "p2", "p3"}
    assert sorted(answered(loop)) == list(range(60))
    assert [record["sent_to_people"] for record in outcome.report()["rounds"]] == [60]
    names = {line["category-metadata"]["job-name"] for line in outcome.lines()}
    assert {name.removeprefix("labeling-job/") for name in names} == set(people.jobs)
    assert all(
        CLASSES[line["category"]] == truth for line, truth in zip(outcome.lines(), loop.truth, strict=True)
    )


@pytest.mark.usefixtures("small_jobs")
def test_one_of_several_jobs_fails_and_all_labels_are_kept(loop: Loop, accounted_for: AccountedFor) -> None:
    loop.data(60)
    loop.settings(TargetError=TOO_STRICT)

    def fail_the_second(job: LabelingJobRequest) -> None:
        if job.name.endswith("-p2"):
            raise LabelingFailed("the template is broken")

    execution = loop.run(loop.aws(annotators=People(loop, fail_the_second))).execution
    assert execution.error == "CreateLabelingJobFailed"
    assert "the template is broken" in (execution.cause or "")
    assert "ResumeFromS3Uri is s3://bucket/out/run-1/" in (execution.cause or "")
    assert len(answered(loop)) == MOST + MOST // 2 + 10

    loop.settings(ResumeFromS3Uri="s3://bucket/out/run-1/")
    outcome = loop.run(loop.aws(), name="run-2")
    accounted_for(outcome)
    assert outcome.counts["human"] == 60
    assert sorted(answered(loop)) == list(range(60)), "nobody is asked what is answered"


@pytest.mark.usefixtures("small_jobs")
def test_one_of_several_jobs_is_stopped_and_the_loop_asks_again_about_its_rest(
    loop: Loop, accounted_for: AccountedFor
) -> None:
    loop.data(60)
    loop.settings(TargetError=TOO_STRICT)

    def stop_the_second(job: LabelingJobRequest) -> None:
        if job.name.endswith("-r001-p2"):
            boto3.client("sagemaker").stop_labeling_job(LabelingJobName=job.name)

    outcome = loop.run(loop.aws(annotators=People(loop, stop_the_second)))
    accounted_for(outcome)
    assert outcome.counts["human"] == 60
    assert [record["labeled_by_people"] for record in outcome.report()["rounds"]] == [47, 13]
    assert sorted(answered(loop)) == list(range(60))


@pytest.mark.usefixtures("small_jobs")
def test_objects_of_several_jobs_that_come_back_unlabeled_end_with_their_reason(
    loop: Loop, accounted_for: AccountedFor
) -> None:
    loop.data(60)
    loop.settings(TargetError=TOO_STRICT)
    outcome = loop.run(loop.aws(annotators=SimulatedAnnotators(loop.people(unanswered_share=0.3))))
    accounted_for(outcome)
    failed = outcome.counts["failed"]
    assert failed > 3
    assert outcome.report()["failures"]["by_reason"] == {"people gave no label, asked 2 times": failed}


@pytest.mark.usefixtures("small_jobs")
def test_a_run_stopped_between_its_jobs_keeps_the_answers_of_those_that_ended(
    loop: Loop, accounted_for: AccountedFor
) -> None:
    loop.data(60)
    loop.settings(TargetError=TOO_STRICT)
    waiting, never = threading.Event(), threading.Event()

    def hang_in_the_second(job: LabelingJobRequest) -> None:
        if job.name.endswith("-p2"):
            waiting.set()
            never.wait(300)

    people = People(loop, hang_in_the_second)
    aws = loop.aws(annotators=people)
    arn = aws.start_execution("ActiveLearningLoop", "run-1", loop.request)
    assert waiting.wait(300)
    until = time.monotonic() + 300
    while len(people.jobs) < 3:
        assert time.monotonic() < until
        time.sleep(0.05)
    first, second, third = sorted(people.jobs)
    await_status(first, "Completed")
    await_status(third, "Completed")
    aws.stop(arn, cause="a test")
    await_status(second, "Stopping")
    never.set()
    aws.wait(arn, seconds=300)
    await_status(second, "Stopped")
    # What it had is lost, as where Ground Truth had not written it yet.
    for path in (loop.s3 / "bucket/out").rglob(f"labeling/{second}/manifests/output/output.manifest"):
        boto3.client("s3").delete_object(Bucket="bucket", Key=str(path.relative_to(loop.s3 / "bucket")))
    kept = {*people.jobs[first], *people.jobs[third]}
    loop.settings(ResumeFromS3Uri="s3://bucket/out/run-1/")
    others = People(loop)
    outcome = loop.run(loop.aws(annotators=others), name="run-2")
    accounted_for(outcome)
    assert outcome.counts["human"] == 60
    assert sorted(number for numbers in others.jobs.values() for number in numbers) == sorted(
        set(range(60)) - kept
    )


def test_a_resumed_run_asks_again_by_a_job_of_another_name(loop: Loop, accounted_for: AccountedFor) -> None:
    loop.data(20)
    waiting, never = threading.Event(), threading.Event()

    def hang(job: LabelingJobRequest) -> None:
        if not waiting.is_set():
            waiting.set()
            never.wait(300)

    people = People(loop, hang)
    aws = loop.aws(annotators=people)
    arn = aws.start_execution("ActiveLearningLoop", "run-1", loop.request)
    assert waiting.wait(300)
    (job,) = people.jobs
    aws.stop(arn, cause="a test")
    await_status(job, "Stopping")
    never.set()
    aws.wait(arn, seconds=300)
    await_status(job, "Stopped")
    for path in (loop.s3 / "bucket/out").rglob("labeling/*/manifests/output/output.manifest"):
        boto3.client("s3").delete_object(Bucket="bucket", Key=str(path.relative_to(loop.s3 / "bucket")))
    loop.settings(ResumeFromS3Uri="s3://bucket/out/run-1/")
    outcome = loop.run(aws, name="run-2")
    accounted_for(outcome)
    assert outcome.counts["human"] == 20
    assert len(people.jobs) >= 2, "Ground Truth takes a name once"
    resumed = json.loads((loop.s3 / "bucket/out/run-2/prepared/state.json").read_bytes())["Labeling"]
    assert resumed["JobName"] == job, "a backend that knows the selection by its name finds it"
    assert resumed["Parts"][0]["JobName"] != job


@pytest.mark.usefixtures("small_jobs")
def test_answers_of_a_backend_without_a_quota_are_found_again_for_all_parts(
    loop: Loop, accounted_for: AccountedFor
) -> None:
    loop.data(60)
    loop.settings(TargetError=TOO_STRICT)
    rows = "".join(f"{number},x,{label}\n" for number, label in enumerate(loop.truth))
    loop.write("in/truth.csv", f"labelloop-id,source,label\n{rows}".encode())
    loop.settings(LabelingBackend="simulated", SimulatedPeople={"TruthS3Uri": "s3://bucket/in/truth.csv"})
    aws = loop.aws()
    broken = ServiceError("ResourceNotFoundException", "no such function", 404)
    aws.interceptors.fail_next("Invoke", broken, times=99, FunctionName="MergeLabels")
    assert loop.run(aws).execution.error == "MergeLabelsFailed"
    assert sorted(answered(loop)) == list(range(60))
    loop.settings(ResumeFromS3Uri="s3://bucket/out/run-1/")
    outcome = loop.run(loop.aws(), name="run-2")
    accounted_for(outcome)
    assert "LabelAtOnce" not in loop.states, "nobody is asked what is answered"
    assert outcome.counts["human"] == 60
