"""The protocol of a labeling backend. The base classes provide what most backends do."""

from collections.abc import Iterable
from typing import Protocol, runtime_checkable

from labelloop.core.manifest.label_categories import LabelCategories
from labelloop.core.manifest.lines import labeled_line
from labelloop.workflow.request import LabelingRequest
from labelloop.workflow.run_state import Labeling, RunState


class LabelingBackend(Protocol):
    """Shows data objects to people.

    Ground Truth needs only these methods: the state machine itself creates its labeling jobs.
    """

    def check(self, request: LabelingRequest) -> None:
        """Raises RequestError for errors that the request alone shows. Reads nothing else."""

    def prepare(self, request: LabelingRequest, categories: LabelCategories) -> LabelingRequest:  # noqa: ARG002
        """The request with what the backend adds to it. PrepareManifest calls it before anything is spent.

        Raises RequestError or StorageError when the user's files cannot be used.
        """
        return request

    def people_per_object(self, request: LabelingRequest) -> int:
        """How many people label each data object; the costs depend on it."""
        task = request.human_task_config
        return task.number_of_human_workers_per_data_object if task else 1


@runtime_checkable
class AnswersAtOnce(LabelingBackend, Protocol):
    """A backend that answers without waiting: the state LabelAtOnce runs it."""

    def answer(self, state: RunState, selection: Iterable[bytes], time: str) -> Iterable[bytes]:
        """The selection's lines with labels, in the format of Ground Truth's output manifests.

        A line that comes back unchanged is not labeled; `labeled` makes a labeled line. `time` is the date of
        the labels. A retried step must give the same answers.
        """
        ...

    def labeled(self, line: bytes, label: int, state: RunState, time: str) -> bytes:
        """A line of the selection with its label, a class index."""
        return labeled_line(
            line,
            state.label_attribute,
            label,
            class_name=state.class_names[label],
            time=time,
            job_name=state.labeling.job_name if state.labeling else state.round_name,
        )


@runtime_checkable
class AnswersLater(LabelingBackend, Protocol):
    """A backend that waits for its people. It has its own state, which waits for a task token."""

    def ask(self, state: RunState, time: str, task_token: str) -> None:
        """Show the selection to people. If it is called again for the same selection, nobody is asked twice.

        When people are done, `task_token` goes back to the state machine with `OutputS3Uri`.
        """
        ...

    def collect(self, state: RunState, *, now: str | None = None) -> Labeling:
        """The time is over: stop asking, and return the labels so far.

        Where `now` is given, a batch may stay open whose deadline was moved beyond it: then the result says
        for how many seconds (`wait_seconds`).
        """
        ...
