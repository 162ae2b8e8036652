"""A model container as the model of a run in memory: its `train` and `serve` as processes, without AWS."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from labelloop.core.ledger import Ids
from labelloop.core.manifest.label_categories import LabelCategories
from labelloop.core.manifest.lines import LabelAttribute, labeled_line
from labelloop.core.model.predictions import Predictions, read_predictions
from labelloop.local.batch_transform import BatchTransform
from labelloop.local.container_client import ContainerClient, ContainerError, serving, wait_until_ready
from labelloop.local.container_process import ModelContainer, RunningContainer
from labelloop.local.job import JobFailed
from labelloop.local.template import ACCOUNT_ID, PARTITION, REGION
from labelloop.local.training_folder import reason_of_failure, write_settings
from labelloop.local.transform_records import RecordsError
from labelloop.simulation import Labels
from labelloop.workflow.request import ActiveLearning
from labelloop.workflow.training_job import contract, file_channel, longest_wait, training_job

# What the state CreateTransformJob asks for.
TRANSFORM_JOB: dict[str, Any] = {
    "TransformInput": {"ContentType": "application/jsonlines", "SplitType": "Line"},
    "TransformOutput": {"Accept": "application/jsonlines", "AssembleWith": "Line"},
    "DataProcessing": {"JoinSource": "Input", "OutputFilter": "$['labelloop-id','SageMakerOutput']"},
}
_CHANNELS = ("train", "validation", "pool")
_FILES = "File"
_NAME = "simulation"
# Of labels whose date is not known, and of no interest to a model.
_TIME = "2000-01-01T00:00:00.000000"


@dataclass(frozen=True)
class Objects:
    """Data objects, as lines of the working manifest."""

    lines: Sequence[bytes]

    def __getitem__(self, ids: Ids) -> "Objects":
        return Objects([self.lines[number] for number in ids.tolist()])

    def __len__(self) -> int:
        return len(self.lines)


@dataclass(frozen=True)
class ContainerAnswers:
    """Answers as lines, in the form of the transform job's output."""

    lines: Sequence[bytes]
    categories: LabelCategories

    def predictions(self, size: int, ids: Ids) -> Predictions:
        """Raises PredictionsError when they cannot be used."""
        return read_predictions(self.lines, ids, size, self.categories)


@dataclass(frozen=True)
class ContainerModel:
    """Predicts what a run of the state machine with the same container would have predicted.

    training_job: the request for a round's training
    transform_job: how it is asked
    log: gets all that the container prints, round after round
    """

    container: ModelContainer
    training_job: Mapping[str, Any]
    transform_job: Mapping[str, Any]
    attribute: LabelAttribute
    categories: LabelCategories
    log: Path
    held_out: tuple[bytes, ...] = ()

    @classmethod
    def of(
        cls,
        container: ModelContainer,
        settings: ActiveLearning,
        attribute: LabelAttribute,
        categories: LabelCategories,
        log: Path,
        prior_labels: Sequence[str] = (),
    ) -> "ContainerModel":
        """With the jobs that a request with these settings leads to; `prior_labels`: keys in its lines."""
        model = settings.model
        training = training_job(
            model,
            image_uri="",
            input_mode=_FILES,
            hyper_parameters=contract(
                classes=len(categories),
                label_attribute=attribute.name,
                seed=settings.loop_settings().seed,
                prior_labels=prior_labels,
            ),
            channels=[file_channel(name, "", _FILES) for name in _CHANNELS],
            longest_wait_in_seconds=longest_wait(model),
        )
        asking = {"BatchStrategy": model.batch_strategy, "MaxPayloadInMB": model.max_payload_in_mb}
        return cls(container, training, {**TRANSFORM_JOB, **asking}, attribute, categories, log)

    def with_holdout(self, inputs: Objects, labels: Labels) -> "ContainerModel":
        return replace(self, held_out=tuple(self._labeled(inputs, labels)))

    def fit(
        self,
        inputs: Objects,
        labels: Labels,
        classes: int,  # noqa: ARG002 - the training job's request has them, and the seed
        seed: int,  # noqa: ARG002
    ) -> Callable[[Objects], ContainerAnswers]:
        """Returns a predictor that also trains: only then is known what goes into the channel `pool`."""

        def predict(unseen: Objects) -> ContainerAnswers:
            lines = (self._labeled(inputs, labels), self.held_out, unseen.lines)
            channels = dict(zip(_CHANNELS, lines, strict=True))
            with tempfile.TemporaryDirectory(prefix="labelloop-") as folder:
                training, ml_root = Path(folder, "training"), Path(folder, "serving")
                self._train(training, channels)
                ml_root.mkdir()
                shutil.move(training / "model", ml_root / "model")
                return ContainerAnswers(self._ask(ml_root, _file_of(training, "pool")), self.categories)

        return predict

    def _labeled(self, objects: Objects, labels: Labels) -> list[bytes]:
        names = self.categories.names
        return [
            labeled_line(line, self.attribute, label, class_name=names[label], time=_TIME, job_name=_NAME)
            for line, label in zip(objects.lines, labels.tolist(), strict=True)
        ]

    def _train(self, folder: Path, channels: Mapping[str, Iterable[bytes]]) -> None:
        write_settings(folder, self.training_job)
        for name, lines in channels.items():
            file = _file_of(folder, name)
            file.parent.mkdir()
            file.write_bytes(b"".join(line + b"\n" for line in lines))
        running = self.container.train(folder, _training_environment(), self.log)
        try:
            _wait(running, self.training_job["StoppingCondition"]["MaxRuntimeInSeconds"])
        finally:
            running.kill()
        if (code := running.exit_code()) != 0:
            raise JobFailed(reason_of_failure(folder, code, self.log))

    def _ask(self, ml_root: Path, records: Path) -> list[bytes]:
        with serving(self.container, ml_root, {}, self.log) as (running, port), records.open("rb") as lines:
            client = ContainerClient(port, {})
            wait_until_ready(running, client, self.log, _nobody_stops)
            try:
                transform = BatchTransform(self.transform_job, client.execution_parameters())
                return b"".join(transform.answers(lines, client, _nobody_stops)).splitlines()
            except RecordsError as error:
                raise JobFailed(f"ClientError: {error}, log: {self.log}") from error
            except ContainerError as error:
                raise JobFailed(f"{error.kind}: {error}, log: {self.log}") from error


def _file_of(folder: Path, channel: str) -> Path:
    return folder / "input/data" / channel / f"{channel}.jsonl"


def _training_environment() -> dict[str, str]:
    arn = f"arn:{PARTITION}:sagemaker:{REGION}:{ACCOUNT_ID}:training-job/{_NAME}"
    return {"TRAINING_JOB_NAME": _NAME, "TRAINING_JOB_ARN": arn}


def _wait(running: RunningContainer, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    # In small steps, so that Ctrl-C gets through.
    while not running.wait(0.05):
        if time.monotonic() > deadline:
            raise JobFailed(f"AlgorithmError: the training took more than {seconds:,.0f} s")


def _nobody_stops() -> None:
    """Ctrl-C ends the whole run."""
