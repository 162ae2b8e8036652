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

from .conftest import CLASSES, TOO_STRICT, Loop, Outcome

AccountedFor = Callable[[Outcome], None]

pytestmark = pytest.mark.slow


def wrong_labels(outcome: Outcome, loop: Loop, human: str) -> int:
    return sum(
        CLASSES[int(line["category"])] != truth
        for line, truth in zip(outcome.lines(), loop.truth, strict=True)
        if "category" in line and line["category-metadata"]["human-annotated"] == human
    )


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
    loop.data(800)
    outcome = loop.run()
    accounted_for(outcome)
    assert outcome.counts["auto"] > 300
    assert wrong_labels(outcome, loop, "no") <= 0.05 * outcome.counts["auto"]
    assert wrong_labels(outcome, loop, "yes") == 0
    assert outcome.output["TrainedModelArn"].startswith("arn:aws:sagemaker:")
    certificate = outcome.output["Certificate"]
    assert certificate["ErrorBound"] <= certificate["TargetError"] == 0.05
    first, second = outcome.report()["rounds"][:2]
    assert (first["trained"], first["sent_to_people"], first["labeled_by_people"]) == (False, 44, 44)
    assert second["trained"]
    assert outcome.counts["human"] < 300


def test_a_test_goes_on_without_training_until_it_is_decided(loop: Loop, accounted_for: AccountedFor) -> None:
    loop.data(800)
    # One in eighteen is labeled by chance, so that a few drawn objects decide nothing.
    loop.truth = [
        CLASSES[number % 3] if number % 18 == 0 else label for number, label in enumerate(loop.truth)
    ]
    loop.settings(TargetError=0.07)
    outcome = loop.run()
    accounted_for(outcome)
    rounds = outcome.report()["rounds"]
    tested = [record for record in rounds if record["test"]]
    assert [record["test"]["verdict"] for record in tested][-1] == "PASSED"
    assert tested[-1]["test"]["drawn"] == outcome.output["Certificate"]["ValidationObjects"]
    later = [record for record in tested if not record["trained"]]
    assert later, "the first draws alone decide nothing"
    assert all(record["drawn_for_test"] == record["sent_to_people"] for record in later)
    assert sum(record["auto_labels_committed"] for record in rounds) == outcome.counts["auto"] > 0


def test_people_who_differ_from_the_model_are_asked_again_until_two_agree(
    loop: Loop, accounted_for: AccountedFor
) -> None:
    loop.data(800)
    outcome = loop.run(loop.aws(annotators=SimulatedAnnotators(loop.people(error_rate=0.1))))
    accounted_for(outcome)
    rounds = outcome.report()["rounds"]
    assert sum(record["repeated_answers"] for record in rounds) > 3
    assert outcome.counts["auto"] > 100, "a tenth of wrong labels does not keep the model from labeling"
    assert wrong_labels(outcome, loop, "no") <= 0.05 * outcome.counts["auto"]
    assert sum(record["labeled_by_people"] for record in rounds) == outcome.counts["human"]


@pytest.mark.parametrize("limit", [{"MaxHumanLabels": 150}, {"MaxRounds": 4}])
def test_people_who_differ_from_the_model_lose_no_answer_when_the_run_ends(
    loop: Loop, accounted_for: AccountedFor, limit: dict[str, int]
) -> None:
    """SpotChecks they have not agreed on yet are labeled as the first said."""
    loop.data(500)
    loop.settings(**limit, TargetError=0.02, BatchSize=50)
    outcome = loop.run(loop.aws(annotators=SimulatedAnnotators(loop.people(error_rate=0.4))))
    accounted_for(outcome)
    rounds = outcome.report()["rounds"]
    again = sum(record["repeated_answers"] for record in rounds)
    assert again
    assert outcome.counts["human"] + again == sum(record["sent_to_people"] for record in rounds) <= 200
    assert sum(record["labeled_by_people"] for record in rounds) == outcome.counts["human"]
    assert all(record["sent_to_people"] for record in rounds)


def test_a_model_that_fails_its_test_learns_from_what_was_drawn(
    loop: Loop, accounted_for: AccountedFor
) -> None:
    loop.data(800)
    # Every fifth object is labeled by chance: no model can be right about those.
    loop.truth = [
        CLASSES[number % 3] if number % 5 == 0 else label for number, label in enumerate(loop.truth)
    ]
    loop.settings(TargetError=0.1, BatchSize=0.1)
    outcome = loop.run()
    accounted_for(outcome)
    rounds = outcome.report()["rounds"]
    assert "FAILED" in [record["test"]["verdict"] for record in rounds if record["test"]]
    assert outcome.counts["auto"] == 0
    assert "failed, so the model labeled nothing" in outcome.report()["no_certificate_because"]
    assert all(record["counts"]["validation"] == 0 for record in rounds if not record["test"])


def test_each_class_has_a_certificate_of_its_own_where_that_is_asked_for(
    loop: Loop, accounted_for: AccountedFor
) -> None:
    loop.data(1500)
    loop.settings(CertificateFor="class", TargetError=0.1)
    outcome = loop.run()
    accounted_for(outcome)
    certificate = outcome.output["Certificate"]
    assert "of each class" in certificate["Promise"]
    assert sum(found["AutoLabels"] for found in certificate["ByClass"]) == outcome.counts["auto"] > 0


def test_enough_labels_in_the_input_train_at_once(loop: Loop, accounted_for: AccountedFor) -> None:
    loop.data(600, labeled=60)
    loop.settings(BatchSize=0.2)
    outcome = loop.run()
    assert loop.states[:3] == ["PrepareManifest", "NextAction", "ActiveLearning"]
    accounted_for(outcome)


def test_labels_in_the_input_may_be_biased_for_the_test_draws_from_the_rest(
    loop: Loop, accounted_for: AccountedFor
) -> None:
    loop.data(900)
    # Nothing of one class came with the input, so the first model never says it.
    biased = [number for number, label in enumerate(loop.truth) if label != "river"][:200]
    loop.label(biased)
    outcome = loop.run()
    accounted_for(outcome)
    assert wrong_labels(outcome, loop, "no") <= 0.05 * outcome.counts["auto"]
    drawn = [record["drawn_for_test"] for record in outcome.report()["rounds"]]
    assert sum(drawn) >= outcome.output["Certificate"]["ValidationObjects"] > 0


def test_the_posts_rules_commit_above_the_margin_at_once_and_promise_nothing(
    loop: Loop, accounted_for: AccountedFor
) -> None:
    loop.data(100, clean=False)
    loop.settings(Policy="blog")
    outcome = loop.run()
    accounted_for(outcome)
    rounds = outcome.report()["rounds"]
    trained = [record for record in rounds if record["trained"]]
    assert rounds[0]["sent_to_people"] == 20
    assert all(record["threshold"] == 0.5 for record in trained)
    assert trained[0]["auto_labels_committed"] > 0
    assert all(record["sent_to_people"] <= 10 for record in trained)
    assert trained[0]["counts"]["validation"] == 10
    assert "Certificate" not in outcome.output


def test_the_default_commits_nothing_before_the_end(loop: Loop) -> None:
    loop.data(500, clean=False)
    loop.settings(TargetError=0.2)
    rounds = loop.run().report()["rounds"]
    committed = [record for record in rounds if record["auto_labels_committed"]]
    assert len(committed) == 1
    assert committed[0]["test"]["verdict"] == "PASSED"


def test_where_nothing_can_be_certified_people_label_everything(
    loop: Loop, accounted_for: AccountedFor
) -> None:
    loop.data(60)
    loop.settings(TargetError=TOO_STRICT)
    outcome = loop.run()
    accounted_for(outcome)
    assert outcome.counts["human"] == 60
    assert "CreateTrainingJob" not in loop.states
    assert "draws 65 objects or more, and there are 60" in outcome.report()["no_certificate_because"]


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
    assert wrong_labels(outcome, loop, "yes") == 0


def test_the_same_seed_gives_the_same_labels_and_another_seed_others(loop: Loop) -> None:
    loop.data(500)
    loop.settings(BatchSize=0.2)
    aws = loop.aws()

    def who_labeled(name: str) -> list[tuple[int, str]]:
        lines = loop.run(aws, name).lines()
        return [(line["category"], line["category-metadata"]["human-annotated"]) for line in lines]

    first, again = who_labeled("a"), who_labeled("b")
    loop.settings(Seed=1)
    assert first == again
    assert first != who_labeled("c")


# The loop must stop ---------------------------------------------------------------------------------------


def test_nobody_answers_and_the_loop_stops_with_the_reason(loop: Loop, accounted_for: AccountedFor) -> None:
    loop.data(500, labeled=5)
    outcome = loop.run(loop.aws(annotators=SimulatedAnnotators(loop.people(unanswered_share=1.0))))
    assert outcome.output["StoppedBecause"] == "people gave no new label in 2 rounds in a row"
    accounted_for(outcome)
    assert outcome.counts["human"] == 5


def test_some_objects_are_never_answered_and_end_with_their_reason(
    loop: Loop, accounted_for: AccountedFor
) -> None:
    loop.data(60)
    outcome = loop.run(loop.aws(annotators=SimulatedAnnotators(loop.people(unanswered_share=0.2))))
    accounted_for(outcome)
    assert outcome.counts["failed"] > 3
    assert outcome.counts["unlabeled"] == 0
    failures = outcome.report()["failures"]
    assert failures["by_reason"] == {"people gave no label, asked 2 times": outcome.counts["failed"]}
    assert len(failures["first"]) == outcome.counts["failed"]


def test_the_budget_of_human_labels_is_kept_and_the_rest_is_exported_with_its_reason(
    loop: Loop, accounted_for: AccountedFor
) -> None:
    loop.data(60)
    loop.settings(MaxHumanLabels=25)
    outcome = loop.run()
    accounted_for(outcome)
    assert (outcome.counts["human"], outcome.counts["unlabeled"]) == (25, 35)
    assert "MaxHumanLabels" in outcome.output["StoppedBecause"]


def test_the_last_round_commits_what_is_certified(loop: Loop, accounted_for: AccountedFor) -> None:
    loop.data(600)
    loop.settings(MaxRounds=2, BatchSize=3)
    outcome = loop.run()
    accounted_for(outcome)
    assert "MaxRounds" in outcome.output["StoppedBecause"] or outcome.counts["unlabeled"] == 0
    assert outcome.counts["auto"] > 0


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
            if item["Key"].endswith("pool.jsonl.out"):
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
    loop.settings(BatchSize=0.2)
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
    aws.interceptors.fail_next("CreateLabelingJob", refusal, times=99)
    execution = loop.run(aws).execution
    assert execution.error == "CreateLabelingJobFailed"
    assert "no more labeling jobs" in (execution.cause or "")
