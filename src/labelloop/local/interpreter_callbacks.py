"""What the state machine interpreter calls."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol


class RunningJob(Protocol):
    """A SageMaker job that a `.sync` task waits for."""

    ended: threading.Event

    @property
    def succeeded(self) -> bool:
        """True when it has ended successfully."""
        ...

    def description(self) -> dict[str, Any]:
        """The answer of the job's Describe call."""
        ...

    def stop(self) -> None:
        """Starts to stop the job, if it is still running."""
        ...


@dataclass(frozen=True)
class InterpreterCallbacks:
    """What the patched interpreter calls.

    `sagemaker` answers an operation. `job` returns the job that a Create request made, if it made one.
    `on_start` gets the request for an execution that another one starts, and may refuse it by a ServiceError.
    `on_object` gets the bucket and key of each object that was written or deleted in S3, `on_event` each
    history event with its execution's ARN, `on_end` the ARN of an execution that has its final status.
    `time_scale` stretches or shrinks Wait states and the pauses between retries.
    """

    sagemaker: Callable[[str, Mapping[str, Any]], dict[str, Any]]
    job: Callable[[str, Mapping[str, Any]], RunningJob | None]
    on_start: Callable[[Mapping[str, Any]], None]
    on_object: Callable[[str, str], None]
    on_event: Callable[[str, dict[str, Any]], None]
    on_end: Callable[[str], None]
    time_scale: float = 1.0
