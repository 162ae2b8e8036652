"""Simulated people as the annotators of the local labeling jobs."""

from collections.abc import Iterable, Iterator

from labelloop.core.manifest.lines import LabelAttribute
from labelloop.core.people.simulated_people import SimulatedPeople
from labelloop.local.labeling_job import LabelingJobRequest


class SimulatedAnnotators:
    """Lets simulated people label the manifest of a labeling job."""

    def __init__(self, people: SimulatedPeople) -> None:
        self._people = people

    def label(self, job: LabelingJobRequest, records: Iterable[bytes]) -> Iterator[bytes]:
        return self._people.label_manifest(
            records,
            LabelAttribute(job.label_attribute),
            job_name=job.name,
            time=job.created.isoformat(timespec="milliseconds"),
        )
