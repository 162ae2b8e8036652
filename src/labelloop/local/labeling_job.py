"""A labeling job as in Ground Truth. The caller says who labels."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Protocol

from botocore.exceptions import ClientError

from labelloop.local.job import Job, JobFailed, JobStopped, JobSurroundings
from labelloop.local.s3_objects import S3ObjectsError, download, split_s3_uri, upload
from labelloop.workflow import ground_truth


@dataclass(frozen=True)
class LabelingJobRequest:
    """What the annotators need to know about a labeling job.

    `label_categories` is the content of the label category file, `request` the whole CreateLabelingJob
    request, `created` the time (UTC) at which the job was created.
    """

    name: str
    label_attribute: str
    label_categories: Mapping[str, Any] | None
    workers_per_object: int
    created: datetime
    request: Mapping[str, Any]


class Annotators(Protocol):
    """Those who label: people, or a stand-in for them."""

    def label(self, job: LabelingJobRequest, records: Iterable[bytes]) -> Iterable[bytes]:
        """The output manifest's lines for the input manifest's lines (both without line ends).

        May raise `LabelingFailed` to end the job as `Failed`. A record that nobody labels is returned without
        the label attribute, or with a `failure-reason` in `<attr>-metadata`.
        """
        ...


class LabelingFailed(Exception):  # noqa: N818 - an outcome, not an error of ours
    """Raised by annotators to end a labeling job as `Failed`; the message becomes its FailureReason."""


class LabelingJob(Job):
    """Lets annotators label the records of a manifest, and writes Ground Truth's output manifest."""

    kind: ClassVar[str] = "LabelingJob"
    arn_type: ClassVar[str] = "labeling-job"

    def __init__(
        self, request: Mapping[str, Any], surroundings: JobSurroundings, annotators: Annotators
    ) -> None:
        super().__init__(request, surroundings)
        self._annotators = annotators
        self._counters = _Counters(request["LabelAttributeName"])
        self._has_output = False

    def details(self) -> dict[str, Any]:
        """The counters, and the URI of the output manifest once there is one."""
        details: dict[str, Any] = {
            "LabelCounters": self._counters.as_label_counters(),
            "LastModifiedTime": self.changed,
            "JobReferenceCode": "local",
        }
        if self._has_output:
            details["LabelingJobOutput"] = {"OutputDatasetS3Uri": self._output_uri()}
        return details

    def work(self, folder: Path) -> None:
        """Reads the manifest, lets it be labeled, and writes all of it, or what was labeled before a stop."""
        manifest, output = folder / "input.manifest", folder / "output.manifest"
        self._download(self.request["InputConfig"]["DataSource"]["S3DataSource"]["ManifestS3Uri"], manifest)
        job = self._job_request(folder)
        with manifest.open("rb") as lines:
            self._counters.total = sum(1 for _ in _records(lines))
        if self._counters.total == 0:
            raise JobFailed("ClientError: the input manifest holds no data objects")
        if self._counters.total > ground_truth.MOST_OBJECTS_A_JOB:
            raise JobFailed(
                f"ClientError: the input manifest holds {self._counters.total} data objects, and a labeling "
                f"job takes at most {ground_truth.MOST_OBJECTS_A_JOB}"
            )
        try:
            with manifest.open("rb") as lines, output.open("wb") as labeled:
                self._label(job, lines, labeled)
        except LabelingFailed as failure:
            self._store(output)
            raise JobFailed(f"ClientError: {failure}") from failure
        self._store(output)
        if self.stop_requested.is_set() or self._stops_by_itself():
            raise JobStopped

    def _label(self, job: LabelingJobRequest, lines: BinaryIO, labeled: BinaryIO) -> None:
        for line in self._annotators.label(job, _records(lines)):
            if self.stop_requested.is_set() or self._stops_by_itself():
                return
            self._counters.count(line)
            labeled.write(line.rstrip(b"\n") + b"\n")

    def _stops_by_itself(self) -> bool:
        """Whether one of the request's StoppingConditions is met."""
        conditions = self.request.get("StoppingConditions", {})
        human, labeled = self._counters.human, self._counters.labeled
        most_by_people = conditions.get("MaxHumanLabeledObjectCount", self._counters.total)
        percentage = conditions.get("MaxPercentageOfInputDatasetLabeled", 100)
        whole = self._counters.total
        return labeled < whole and (human >= most_by_people or labeled >= whole * percentage / 100)

    def _job_request(self, folder: Path) -> LabelingJobRequest:
        categories = None
        uri = self.request.get("LabelCategoryConfigS3Uri")
        if uri is not None:
            path = folder / "categories.json"
            self._download(uri, path)
            try:
                categories = json.loads(path.read_bytes())
            except ValueError as error:
                raise JobFailed(f"ClientError: the label category file {uri} is not JSON: {error}") from error
        return LabelingJobRequest(
            name=self.name,
            label_attribute=self.request["LabelAttributeName"],
            label_categories=categories,
            workers_per_object=self.request["HumanTaskConfig"]["NumberOfHumanWorkersPerDataObject"],
            created=self.created,
            request=self.request,
        )

    def _download(self, uri: str, path: Path) -> None:
        try:
            download(self.surroundings.s3, *split_s3_uri(uri), path)
        except (ClientError, S3ObjectsError) as error:
            raise JobFailed(f"ClientError: {uri} cannot be read: {error}") from error

    def _output_uri(self) -> str:
        root = self.request["OutputConfig"]["S3OutputPath"].rstrip("/")
        return f"{root}/{self.name}/manifests/output/output.manifest"

    def _store(self, output: Path) -> None:
        try:
            upload(self.surroundings.s3, output, *split_s3_uri(self._output_uri()))
        except (ClientError, S3ObjectsError) as error:
            raise JobFailed(f"ClientError: {self._output_uri()} cannot be written: {error}") from error
        self._has_output = True


class _Counters:
    """Ground Truth's LabelCounters, from the output lines."""

    def __init__(self, label_attribute: str) -> None:
        self.total = 0
        self._attribute = label_attribute
        self._human = self._machine = self._failed = 0

    @property
    def human(self) -> int:
        return self._human

    @property
    def labeled(self) -> int:
        return self._human + self._machine

    def count(self, line: bytes) -> None:
        record = json.loads(line)
        metadata = record.get(f"{self._attribute}-metadata", {})
        if "failure-reason" in metadata:
            self._failed += 1
        elif self._attribute in record and metadata.get("human-annotated") == "no":
            self._machine += 1
        elif self._attribute in record:
            self._human += 1

    def as_label_counters(self) -> dict[str, int]:
        labeled = self.labeled
        return {
            "TotalLabeled": labeled,
            "HumanLabeled": self._human,
            "MachineLabeled": self._machine,
            "FailedNonRetryableError": self._failed,
            "Unlabeled": max(0, self.total - labeled - self._failed),
        }


def _records(file: BinaryIO) -> Iterator[bytes]:
    return (line.rstrip(b"\r\n") for line in file if line.strip())
