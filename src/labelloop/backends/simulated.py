"""People who know the truth, to try out a policy."""

from collections.abc import Iterable, Iterator
from typing import ClassVar

from labelloop.backends.protocol import AnswersAtOnce
from labelloop.core.errors import RequestError, TruthError
from labelloop.core.manifest.label_categories import LabelCategories
from labelloop.core.people.simulated_people import SimulatedPeople, read_truth
from labelloop.storage import s3
from labelloop.workflow.request import LabelingRequest
from labelloop.workflow.run_state import RunState


class Simulated(AnswersAtOnce):
    """Reads the truth from S3, and makes mistakes as often as the request says."""

    name: ClassVar = "simulated"

    def check(self, request: LabelingRequest) -> None:
        if request.active_learning.simulated_people.truth_s3_uri is None:
            raise RequestError(
                "ActiveLearning.SimulatedPeople.TruthS3Uri is missing: simulated people must know the truth"
            )

    def prepare(self, request: LabelingRequest, categories: LabelCategories) -> LabelingRequest:  # noqa: ARG002
        truth = request.active_learning.simulated_people.truth_s3_uri
        if truth and not s3.exists(truth):
            raise RequestError(f"the simulated people's truth is missing: there is no {truth}")
        return request

    def answer(self, state: RunState, selection: Iterable[bytes], time: str) -> Iterator[bytes]:
        settings, categories = state.settings.simulated_people, state.label_categories
        if settings.truth_s3_uri is None or state.labeling is None:
            raise TruthError("simulated people need a selection and the truth about it")
        rows = (line.decode() + "\n" for line in s3.read_lines(settings.truth_s3_uri))
        truth = read_truth(rows, categories)
        people = SimulatedPeople.with_faults(truth, categories, settings)
        return people.label_manifest(
            selection, state.label_attribute, job_name=state.labeling.job_name, time=time
        )
