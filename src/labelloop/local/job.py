"""What the stand-ins for SageMaker's jobs have in common: a thread, a status, an end."""

import shutil
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from labelloop.local.container_process import ModelContainer, RunningContainer
from labelloop.local.template import ACCOUNT_ID, PARTITION, REGION

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# SageMaker cuts a FailureReason after this many characters.
_REASON_CHARACTERS = 1024
# How long SageMaker waits between SIGTERM and SIGKILL when it stops a training job.
STOP_GRACE_SECONDS = 120.0


class JobFailed(Exception):  # noqa: N818 - an outcome, not an error of ours
    """Raised by a job's work to end it as `Failed`; the message becomes its FailureReason."""


class JobStopped(Exception):  # noqa: N818 - an outcome, not an error of ours
    """Raised by a job's work after it has obeyed a stop request."""


@dataclass(frozen=True)
class JobSurroundings:
    """What a job works with: S3, the model container, a folder for its files, one for its logs.

    `on_ending` is called with a job's kind and description when its work is done; it may raise `JobFailed`.
    `on_end` is called when a job has ended, before anyone else can see that.
    """

    s3: "S3Client"
    container: ModelContainer
    work: Path
    logs: Path
    on_ending: Callable[[str, dict[str, Any]], None]
    on_end: Callable[[], None]
    stop_grace_seconds: float = STOP_GRACE_SECONDS


class Job(ABC):
    """One job of SageMaker. `kind` is `TrainingJob`, `TransformJob` or `LabelingJob`."""

    kind: ClassVar[str]
    arn_type: ClassVar[str]

    def __init__(self, request: Mapping[str, Any], surroundings: JobSurroundings) -> None:
        self.request = dict(request)
        self.name: str = request[f"{self.kind}Name"]
        self.arn = f"arn:{PARTITION}:sagemaker:{REGION}:{ACCOUNT_ID}:{self.arn_type}/{self.name.lower()}"
        self.surroundings = surroundings
        self.ended = threading.Event()
        self.stop_requested = threading.Event()
        self.created = _now()
        self.changed = self.created
        self.end_time: datetime | None = None
        self._status = "InProgress"
        self._failure_reason: str | None = None
        self._grace_seconds = surroundings.stop_grace_seconds
        self._lock = threading.Lock()
        self.thread = threading.Thread(
            target=self._run, name=f"labelloop {self.kind} {self.name}", daemon=True
        )

    @property
    def status(self) -> str:
        """`InProgress`, `Stopping`, or one of the final ones: `Completed`, `Failed`, `Stopped`."""
        return self._status

    @property
    def succeeded(self) -> bool:
        """True when the job has ended successfully."""
        return self._status == "Completed"

    @property
    def log(self) -> Path:
        """The file that gets what the job's container prints."""
        return self.surroundings.logs / f"{self.arn_type}-{self.name}.log"

    def start(self) -> None:
        """Starts the work, in a thread."""
        self.thread.start()

    def stop(self, grace_seconds: float | None = None) -> None:
        """Asks the job to stop, if it is running; `grace_seconds` is the time between SIGTERM and SIGKILL."""
        with self._lock:
            if grace_seconds is not None:
                self._grace_seconds = grace_seconds
            if self._status == "InProgress":
                self._status = "Stopping"
                self.stop_requested.set()

    def description(self) -> dict[str, Any]:
        """The answer to the job's Describe call: the request, and how it went."""
        fields = {key: value for key, value in self.request.items() if key != "Tags"}
        fields |= {
            f"{self.kind}Arn": self.arn,
            f"{self.kind}Status": self._status,
            "CreationTime": self.created,
        }
        if self._failure_reason is not None:
            fields["FailureReason"] = self._failure_reason
        return fields | self.details()

    @abstractmethod
    def details(self) -> dict[str, Any]:
        """What this kind of job adds to its description."""

    @abstractmethod
    def work(self, folder: Path) -> None:
        """Does the job, in an empty folder of its own.

        Raises `JobFailed`, or `JobStopped` after it has noticed `stop_requested`.
        """

    def _run(self) -> None:
        status, reason = "Completed", None
        folder = self.surroundings.work / f"{self.arn_type}-{self.name}"
        try:
            folder.mkdir(parents=True)
            self.work(folder)
            self.surroundings.on_ending(self.kind, self.description())
        except JobStopped:
            status = "Stopped"
        except JobFailed as failure:
            status, reason = "Failed", str(failure)
        except Exception as error:
            # A bug of ours must end the job too, or whoever waits for it would wait forever.
            status, reason = "Failed", f"InternalServerError: {type(error).__name__}: {error}"
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            self._end(status, reason)

    def _end(self, status: str, reason: str | None) -> None:
        # What the job wrote is saved first; only then may others build on it.
        self.surroundings.on_end()
        with self._lock:
            self._failure_reason = None if reason is None else reason[:_REASON_CHARACTERS]
            self._status = status
            self.end_time = self.changed = _now()
        self.ended.set()

    def wait_for_exit(self, container: RunningContainer, seconds: float) -> None:
        """Waits for a container to end by itself.

        Raises `JobStopped` when the job is stopped, `TimeoutError` after `seconds`. Both end the container.
        """
        deadline = time.monotonic() + seconds
        while not container.wait(0.05):
            if self.stop_requested.is_set():
                self.end_container(container)
                raise JobStopped
            if time.monotonic() > deadline:
                self.end_container(container)
                raise TimeoutError

    def end_container(self, container: RunningContainer) -> None:
        """SIGTERM, then SIGKILL after the grace period; also ends what the container has left running."""
        container.terminate()
        began = time.monotonic()
        # In small steps: the grace period may be shortened meanwhile.
        while not container.wait(0.05) and time.monotonic() - began < self._grace_seconds:
            pass
        container.kill()
        container.wait(5)


def _now() -> datetime:
    return datetime.now(UTC)
