"""LabelAtOnce: ask any labeling backend that answers without waiting."""

from typing import Any

from labelloop.backends import AnswersAtOnce, load_backend
from labelloop.core.errors import RequestError
from labelloop.steps.step_handler import step
from labelloop.storage import s3
from labelloop.workflow.run_files import labeling_output
from labelloop.workflow.run_state import RunState


def label_at_once(state: RunState, time: str) -> dict[str, Any]:
    backend, labeling = load_backend(state.settings.labeling_backend), state.labeling
    if labeling is None:
        raise RequestError("there is no selection to label: SelectForHumans comes before LabelAtOnce")
    assert isinstance(backend, AnswersAtOnce), "the others have states of their own"
    output = labeling_output(labeling.output_folder_s3_uri, labeling.job_name)
    s3.write_lines(output, backend.answer(state, s3.read_lines(labeling.selection_s3_uri), time))
    answered = labeling.model_copy(update={"output_s3_uri": output})
    return state.model_copy(update={"labeling": answered}).as_document()


handler = step(label_at_once)
