"""SimulateLabeling: the `simulated` labeling backend, people who know the truth."""

from typing import Any

from labelloop.core.errors import TruthError
from labelloop.core.people.simulated_people import SimulatedPeople, read_truth
from labelloop.steps.step_handler import step
from labelloop.storage import s3
from labelloop.workflow.run_files import labeling_output
from labelloop.workflow.run_state import RunState


def simulate_labeling(state: RunState, time: str) -> dict[str, Any]:
    settings = state.settings.simulated_people
    if settings.truth_s3_uri is None or state.labeling is None:
        raise TruthError("simulated people need a selection and the truth about it")
    categories = state.label_categories
    truth = read_truth((line.decode() + "\n" for line in s3.read_lines(settings.truth_s3_uri)), categories)
    people = SimulatedPeople.with_faults(truth, categories, settings)
    job_name = state.labeling.job_name
    output = labeling_output(state.labeling.output_folder_s3_uri, job_name)
    selection = s3.read_lines(state.labeling.selection_s3_uri)
    s3.write_lines(
        output, people.label_manifest(selection, state.label_attribute, job_name=job_name, time=time)
    )
    labeling = state.labeling.model_copy(update={"output_s3_uri": output})
    return state.model_copy(update={"labeling": labeling}).as_document()


handler = step(simulate_labeling)
