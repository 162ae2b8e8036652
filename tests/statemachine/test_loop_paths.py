"""Every path through the deployed state machines, each test named after the path it walks."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from labelloop.local.labeling_job import LabelingFailed, LabelingJobRequest
from labelloop.local.service_error import ServiceError
from labelloop.local.simulated_annotators import SimulatedAnnotators
from tests.words import CLASSES, TOO_STRICT

from .conftest import Loop, Outcome
from .replay import ends_the_same_in_memory

AccountedFor = Callable[[Outcome], None]

pytestmark = pytest.mark.slow


# The ways that end well -----------------------------------------------------------------------------------


def test_all_labeled_goes_straight_to_the_output_manifest(loop: Loop, accounted_for: AccountedFor) -> None:
    loop.data(30, labeled=30)
    outcome = loop.run()
    assert loop.states == ["PrepareManifest", "NextAction", "ExportManifest"]
    assert outcome.output["StoppedBecause"] == "every data object is labeled"
    assert "TrainedModelArn" not in outcome.output
    assert "Certificate" not in outcome.output
    accounted_for(outcome)
    assert outcome.read("FinalManifestS3Uri") == (loop.s3 / "bucket/in/input.manifest").read_bytes()


def test_one_object_is_labeled_by_people(loop: Loop, accounted_for: AccountedFor) -> None:
    loop.data(1)
    outcome = loop.run()
    assert outcome.counts == {"input": 1, "human": 1, "auto": 0, "failed": 0, "unlabeled": 0}
    assert "CreateTrainingJob" not in loop.states
    accounted_for(outcome)


def test_none_labeled_people_label_a_start_then_the_model_labels_the_rest(
    loop: Loop, accounted_for: AccountedFor
) -> None:
    """By the post's request as it stands; what the loop decides is in tests/unit/test_loop_runs.py."""
    loop.data(300)
    outcome = loop.run()
    accounted_for(outcome)
    assert outcome.output["TrainedModelArn"].startswith("arn:aws:sagemaker:")
    ended = ends_the_same_in_memory(loop, outcome)
    assert ended.certificate is not None
    assert ended.auto_labels > 100


def test_people_who_differ_from_the_model_lose_no_answer_when_the_run_ends(
    loop: Loop, accounted_for: AccountedFor
) -> None:
    """Spot checks they have not agreed on yet are labeled as the first said."""
    loop.data(500)
    loop.settings(MaxRounds=4, TargetError=0.02, BatchSize=50)
    outcome = loop.run(loop.aws(annotators=SimulatedAnnotators(loop.people(error_rate=0.4))))
    accounted_for(outcome)
    ended = ends_the_same_in_memory(loop, outcome)
    assert sum(record.repeated_answers for record in ended.records) > 0


def test_simulated_people_answer_as_a_step_where_the_request_says_so(
    loop: Loop, accounted_for: AccountedFor
) -> None:
    loop.data(50)
    rows = "".join(f"{number},x,{label}\n" for number, label in enumerate(loop.truth))
    loop.write("in/truth.csv", f"labelloop-id,source,label\n{rows}".encode())
    loop.settings(LabelingBackend="simulated", SimulatedPeople={"TruthS3Uri": "s3://bucket/in/truth.csv"})
    del loop.request["HumanTaskConfig"]
    outcome = loop.run()
    assert "LabelAtOnce" in loop.states
    assert "CreateLabelingJob" not in loop.states
    accounted_for(outcome)
    assert [CLASSES[line["category"]] for line in outcome.lines()] == loop.truth


# The loop must stop ---------------------------------------------------------------------------------------


def test_what_nobody_answers_and_what_the_budget_leaves_is_exported_with_its_reason(
    loop: Loop, accounted_for: AccountedFor
) -> None:
    loop.data(60, labeled=5)
    loop.settings(MaxHumanLabels=30, StartSize=20, BatchSize=2)
    outcome = loop.run(loop.aws(annotators=SimulatedAnnotators(loop.people(unanswered_share=0.3))))
    accounted_for(outcome)
    failed, unlabeled = outcome.counts["failed"], outcome.counts["unlabeled"]
    assert outcome.counts["human"] == 5 + 30
    assert failed > 3
    assert unlabeled > 3
    because = outcome.output["StoppedBecause"]
    assert "MaxHumanLabels" in because
    failures = outcome.report()["failures"]
    assert failures["by_reason"] == {
        "people gave no label, asked 2 times": failed,
        f"not labeled: the run ended because {because}": unlabeled,
    }
    assert len(failures["first"]) == failed + unlabeled
    ends_the_same_in_memory(loop, outcome, labeled=5)


# What goes wrong ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "content", "message"),
    [
        ("in/input.manifest", b'{"source": "x"}\nbroken\n{"sauce": 1}\n', "line 2: it is not JSON"),
        ("in/input.manifest", b"", "the input manifest is empty"),
        ("in/classes.json", b'{"labels": [{"label": "a"}, {"label": "a"}]}', "the class 'a' twice"),
    ],
)
def test_bad_input_fails_in_prepare_manifest_before_any_job(
    loop: Loop, key: str, content: bytes, message: str
) -> None:
    loop.data(10)
    loop.write(key, content)
    execution = loop.run().execution
    assert (execution.status, execution.error) == ("FAILED", "PrepareManifestFailed")
    assert message in (execution.cause or "")
    assert loop.states == ["PrepareManifest", "Failed"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Surprise": 1}, "unknown field Surprise"),
        (
            {"LabelCategoryConfigS3Uri": "s3://bucket/missing.json"},
            "s3://bucket/missing.json: there is no such",
        ),
        ({"LabelCategoryConfigS3Uri": "s3://no-bucket/x.json"}, "there is no such bucket"),
        ({"LabelAttributeName": 'a"b'}, "cannot be a label attribute name"),
    ],
)
def test_a_bad_request_fails_in_prepare_manifest(loop: Loop, change: dict[str, Any], message: str) -> None:
    loop.data(10)
    loop.request.update(change)
    execution = loop.run().execution
    assert execution.error == "PrepareManifestFailed"
    assert message in (execution.cause or "")


def test_an_output_path_that_holds_an_execution_of_this_name_is_refused(loop: Loop) -> None:
    loop.data(10)
    assert loop.run(name="twice").execution.status == "SUCCEEDED"
    execution = loop.run(loop.aws(), name="twice").execution
    assert execution.error == "PrepareManifestFailed"
    assert "an execution of this name" in (execution.cause or "")


def test_training_fails_and_the_execution_says_why_and_how_to_go_on(loop: Loop) -> None:
    loop.data(600)
    loop.told = {"STAND_IN_TRAIN": "fail"}
    execution = loop.run().execution
    assert (execution.status, execution.error) == ("FAILED", "ActiveLearningFailed")
    cause = execution.cause or ""
    assert "CreateTrainingJob failed: AlgorithmError: the stand-in was told to fail" in cause
    assert "ResumeFromS3Uri is s3://bucket/out/run-1/" in cause


def test_a_failed_transform_job_fails_the_execution_with_its_reason(loop: Loop) -> None:
    loop.data(600)
    loop.told = {"STAND_IN_SERVE": "refuse"}
    cause = loop.run().execution.cause or ""
    assert "CreateTransformJob failed" in cause
    assert "400" in cause


def test_a_transform_job_that_loses_its_output_fails_the_execution_with_its_reason(loop: Loop) -> None:
    loop.data(600)
    aws = loop.aws()
    seen: list[str] = []

    def lose(request: Any) -> None:
        s3 = boto3.client("s3")
        for item in s3.list_objects_v2(Bucket="bucket", Prefix="out/")["Contents"]:
            if item["Key"].endswith(".jsonl.out"):
                s3.delete_object(Bucket="bucket", Key=item["Key"])
                seen.append(item["Key"])

    aws.interceptors.before("TransformJobEnding", lose)
    execution = loop.run(aws).execution
    assert seen
    assert "AutoLabel failed: the transform job succeeded but did not write" in (execution.cause or "")


def fail_labeling(_job: LabelingJobRequest) -> None:
    raise LabelingFailed("the template is broken")


def stop_labeling(job: LabelingJobRequest) -> None:
    boto3.client("sagemaker").stop_labeling_job(LabelingJobName=job.name)


class EndingAnnotators:
    """Label half of the first job's objects, then something ends that job."""

    def __init__(self, loop: Loop, end: Callable[[LabelingJobRequest], None]) -> None:
        self._people = SimulatedAnnotators(loop.people())
        self._end = end
        self._calls = 0

    def label(self, job: LabelingJobRequest, records: Any) -> Any:
        self._calls += 1
        lines = list(records)
        if self._calls > 1:
            yield from self._people.label(job, lines)
            return
        yield from self._people.label(job, lines[: len(lines) // 2])
        self._end(job)
        yield from lines[len(lines) // 2 :]


def test_a_labeling_job_fails_its_labels_are_kept_and_the_execution_says_how_to_go_on(
    loop: Loop, accounted_for: AccountedFor
) -> None:
    loop.data(60)
    execution = loop.run(loop.aws(annotators=EndingAnnotators(loop, fail_labeling))).execution
    assert (execution.status, execution.error) == ("FAILED", "CreateLabelingJobFailed")
    assert "the template is broken" in (execution.cause or "")
    asked = _asked(loop, "run-1")

    loop.settings(ResumeFromS3Uri="s3://bucket/out/run-1/")
    outcome = loop.run(loop.aws(), name="run-2")
    accounted_for(outcome)
    assert outcome.counts["human"] == 60
    kept = {line["n"] for line in outcome.lines() if "job-name" in line["category-metadata"]}
    assert len(kept) == 60
    assert not set(asked[: len(asked) // 2]) & set(_asked(loop, "run-2")), "nobody is asked what is answered"


def test_a_labeling_job_is_stopped_by_its_owner_and_the_loop_goes_on(
    loop: Loop, accounted_for: AccountedFor
) -> None:
    loop.data(60)
    loop.settings(TargetError=TOO_STRICT)
    outcome = loop.run(loop.aws(annotators=EndingAnnotators(loop, stop_labeling)))
    accounted_for(outcome)
    assert outcome.counts["human"] == 60
    assert outcome.report()["rounds"][0]["labeled_by_people"] == 30, "half of all: no model can help"


def _asked(loop: Loop, run: str) -> list[int]:
    selections = sorted((loop.s3 / "bucket/out" / run).glob("round-*/selected/selection.manifest"))
    return [json.loads(line)["n"] for path in selections for line in path.read_bytes().splitlines()]


def test_throttled_calls_are_tried_again(loop: Loop, accounted_for: AccountedFor) -> None:
    loop.data(600)
    loop.settings(MaxRounds=2)
    aws = loop.aws()
    throttled: list[str] = []
    for operation, where in [
        ("Invoke", {"FunctionName": "MergeLabels"}),
        ("Invoke", {"FunctionName": "PrepareManifest"}),
        ("Invoke", {"FunctionName": "AutoLabel"}),
        ("CreateTrainingJob", {}),
        ("CreateModel", {}),
        ("CreateTransformJob", {}),
        ("CreateLabelingJob", {}),
    ]:
        code = "TooManyRequestsException" if operation == "Invoke" else "ThrottlingException"

        def refuse(_request: Any, name: str = f"{operation} {where}", code: str = code) -> None:
            throttled.append(name)
            raise ServiceError(code, "Rate exceeded", 429)

        aws.interceptors.before(operation, refuse, times=2, **where)
    accounted_for(loop.run(aws))
    assert sorted(Counter(throttled).values()) == [2] * 7, "each of them twice, and then it went on"


def test_a_service_that_refuses_for_good_fails_the_execution(loop: Loop) -> None:
    loop.data(600)
    aws = loop.aws()
    refusal = ServiceError("AccessDeniedException", "not authorized to pass the role", 403)
    aws.interceptors.fail_next("CreateTrainingJob", refusal, times=99)
    assert "not authorized to pass the role" in (loop.run(aws).execution.cause or "")


def test_a_labeling_job_that_cannot_be_created_fails_the_execution_with_nothing_lost(loop: Loop) -> None:
    loop.data(60)
    aws = loop.aws()
    refusal = ServiceError("ResourceLimitExceeded", "no more labeling jobs", 400)
    aws.interceptors.fail_next("CreateLabelingJob", refusal, times=999)
    execution = loop.run(aws).execution
    assert execution.error == "CreateLabelingJobFailed"
    assert "no more labeling jobs" in (execution.cause or "")
