import json
import threading
from collections.abc import Iterable
from typing import Any

import pytest

from labelloop.local.aws import LocalAws
from labelloop.local.labeling_job import LabelingFailed, LabelingJob, LabelingJobRequest
from labelloop.workflow import ground_truth
from tests.local.conftest import EveryoneSaysZero, OpenAws, await_end, get_lines, labeling_request, put_lines

# Each test starts a stack.
pytestmark = pytest.mark.slow

CLASSES = {"document-version": "2018-11-28", "labels": [{"label": "zero"}, {"label": "one"}]}


def label(aws: LocalAws, records: list[Any] | None = None, **changes: Any) -> dict[str, Any]:
    start(aws, records, **changes)
    return await_end(aws, "labeling", "label-1")


def start(aws: LocalAws, records: list[Any] | None = None, **changes: Any) -> None:
    put_lines(aws, "in.manifest", [{"source": "a"}, {"source": "b"}] if records is None else records)
    put_lines(aws, "classes.json", [CLASSES])
    aws.client("sagemaker").create_labeling_job(**labeling_request(**changes))


def test_a_labeling_job_writes_ground_truths_output_manifest_and_counts(open_aws: OpenAws) -> None:
    aws = open_aws()
    job = label(aws)
    output = "labels/label-1/manifests/output/output.manifest"
    assert job["LabelingJobStatus"] == "Completed"
    assert job["LabelingJobOutput"] == {"OutputDatasetS3Uri": f"s3://data/{output}"}
    assert job["LabelCounters"] == {
        "TotalLabeled": 2,
        "HumanLabeled": 2,
        "MachineLabeled": 0,
        "FailedNonRetryableError": 0,
        "Unlabeled": 0,
    }
    lines = get_lines(aws, output)
    assert [line["source"] for line in lines] == ["a", "b"]
    assert all(line["category"] == 0 for line in lines)
    assert lines[0]["category-metadata"]["job-name"] == "labeling-job/label-1"


def test_the_annotators_are_told_what_the_job_is_about(open_aws: OpenAws) -> None:
    seen: list[Any] = []

    class Listens(EveryoneSaysZero):
        def label(self, job: LabelingJobRequest, records: Iterable[bytes]) -> Iterable[bytes]:
            lines = list(records)
            seen.extend([job, lines])
            return super().label(job, lines)

    label(open_aws(annotators=Listens()))
    job, lines = seen
    assert (job.name, job.label_attribute, job.workers_per_object) == ("label-1", "category", 1)
    assert job.label_categories == CLASSES
    assert job.request["HumanTaskConfig"]["TaskTitle"] == "Classify"
    assert lines == [b'{"source": "a"}', b'{"source": "b"}']


def test_unanswered_failed_and_machine_labeled_objects_are_counted_apart(open_aws: OpenAws) -> None:
    answers = [
        {"category": 1, "category-metadata": {"human-annotated": "yes"}},
        {"category": 1, "category-metadata": {"human-annotated": "no"}},
        {"category-metadata": {"failure-reason": "nobody answered"}},
        {},
    ]

    class Mixed:
        def label(self, job: LabelingJobRequest, records: Iterable[bytes]) -> Iterable[bytes]:
            return (
                json.dumps(json.loads(record) | answer).encode()
                for record, answer in zip(records, answers, strict=True)
            )

    counters = label(open_aws(annotators=Mixed()), [{"source": str(n)} for n in range(4)])["LabelCounters"]
    assert counters == {
        "TotalLabeled": 2,
        "HumanLabeled": 1,
        "MachineLabeled": 1,
        "FailedNonRetryableError": 1,
        "Unlabeled": 1,
    }


def test_annotators_that_give_up_fail_the_job_and_what_they_did_is_kept(open_aws: OpenAws) -> None:
    class GivesUp(EveryoneSaysZero):
        def label(self, job: LabelingJobRequest, records: Iterable[bytes]) -> Iterable[bytes]:
            yield next(iter(super().label(job, records)))
            raise LabelingFailed("the work force went home")

    aws = open_aws(annotators=GivesUp())
    job = label(aws)
    assert job["LabelingJobStatus"] == "Failed"
    assert job["FailureReason"] == "ClientError: the work force went home"
    assert job["LabelCounters"]["Unlabeled"] == 1
    assert len(get_lines(aws, "labels/label-1/manifests/output/output.manifest")) == 1


def test_a_stopped_labeling_job_keeps_what_was_labeled_until_then(open_aws: OpenAws) -> None:
    first_done, go_on = threading.Event(), threading.Event()

    class Slow(EveryoneSaysZero):
        def label(self, job: LabelingJobRequest, records: Iterable[bytes]) -> Iterable[bytes]:
            for line in super().label(job, records):
                yield line
                first_done.set()
                go_on.wait(300)

    aws = open_aws(annotators=Slow())
    start(aws)
    assert first_done.wait(300)
    aws.client("sagemaker").stop_labeling_job(LabelingJobName="label-1")
    assert (
        aws.client("sagemaker").describe_labeling_job(LabelingJobName="label-1")["LabelingJobStatus"]
        == "Stopping"
    )
    go_on.set()
    job = await_end(aws, "labeling", "label-1")
    assert job["LabelingJobStatus"] == "Stopped"
    assert job["LabelCounters"]["TotalLabeled"] == 1
    assert len(get_lines(aws, "labels/label-1/manifests/output/output.manifest")) == 1


@pytest.mark.parametrize(
    ("records", "changes", "reason"),
    [
        ([], {}, "the input manifest holds no data objects"),
        (None, {"LabelCategoryConfigS3Uri": "s3://data/none.json"}, "s3://data/none.json cannot be read"),
        (None, {"LabelCategoryConfigS3Uri": "s3://data/text"}, "is not JSON"),
        (None, {"OutputConfig": {"S3OutputPath": "s3://no-such-bucket/"}}, "cannot be written"),
    ],
)
def test_what_cannot_be_read_or_written_fails_the_job(
    open_aws: OpenAws, records: list[Any] | None, changes: dict[str, Any], reason: str
) -> None:
    aws = open_aws()
    aws.client("s3").put_object(Bucket="data", Key="text", Body=b"no JSON")
    job = label(aws, records, **changes)
    assert job["LabelingJobStatus"] == "Failed"
    assert reason in job["FailureReason"]


def test_closing_does_not_wait_for_annotators_that_never_answer(
    open_aws: OpenAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labelloop.local.aws._CLOSING_SECONDS", 0.2)
    asleep, wake, awake = threading.Event(), threading.Event(), threading.Event()

    class Asleep:
        def label(self, job: LabelingJobRequest, records: Iterable[bytes]) -> Iterable[bytes]:
            asleep.set()
            wake.wait(300)
            awake.set()
            return []

    aws = open_aws(annotators=Asleep())
    start(aws)
    assert asleep.wait(300)
    aws.__exit__(None, None, None)
    assert not awake.is_set()
    wake.set()


@pytest.mark.parametrize(
    ("conditions", "labeled"),
    [
        ({"MaxHumanLabeledObjectCount": 3}, 3),
        ({"MaxPercentageOfInputDatasetLabeled": 25}, 2),
        ({"MaxHumanLabeledObjectCount": 5, "MaxPercentageOfInputDatasetLabeled": 50}, 4),
    ],
)
def test_a_stopping_condition_stops_the_job_and_what_was_labeled_is_written(
    open_aws: OpenAws, conditions: dict[str, int], labeled: int
) -> None:
    aws = open_aws()
    job = label(aws, [{"source": str(number)} for number in range(8)], StoppingConditions=conditions)
    assert job["LabelingJobStatus"] == "Stopped"
    assert job["LabelCounters"]["HumanLabeled"] == labeled
    assert job["LabelCounters"]["Unlabeled"] == 8 - labeled
    assert len(get_lines(aws, "labels/label-1/manifests/output/output.manifest")) == labeled


def test_a_stopping_condition_that_only_the_last_object_meets_leaves_the_job_completed(
    open_aws: OpenAws,
) -> None:
    job = label(open_aws(), StoppingConditions={"MaxHumanLabeledObjectCount": 2})
    assert job["LabelingJobStatus"] == "Completed"


def test_more_objects_than_a_job_takes_fail_it(open_aws: OpenAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ground_truth, "MOST_OBJECTS_A_JOB", 1)
    job = label(open_aws())
    assert job["LabelingJobStatus"] == "Failed"
    assert "2 data objects, and a labeling job takes at most 1" in job["FailureReason"]


def test_closing_waits_for_a_job_that_is_about_to_start(
    open_aws: OpenAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An execution that was stopped may be asking for one at this moment."""
    about_to, closing = threading.Event(), threading.Event()
    start_job = LabelingJob.start

    def start_late(job: LabelingJob) -> None:
        about_to.set()
        closing.wait(1)
        start_job(job)

    monkeypatch.setattr(LabelingJob, "start", start_late)
    aws = open_aws()
    asks = threading.Thread(target=start, args=(aws,))
    asks.start()
    assert about_to.wait(60)
    aws._sagemaker.close(60)
    closing.set()
    asks.join(60)
    assert await_end(aws, "labeling", "label-1")["LabelingJobStatus"] in {"Stopped", "Completed"}
