"""CollectLabels: a batch whose time is over ends with what is labeled; the rest returns to the pool."""

from typing import Any

from labelloop.steps.step_handler import step
from labelloop.workbench.deployment import STOPPED, opened_parts
from labelloop.workflow.run_state import RunState


def collect_labels(state: RunState, _time: str) -> dict[str, Any]:
    assert state.labeling is not None, "CollectLabels comes after LabelInWorkbench"
    with opened_parts() as parts:
        batch = parts.store.batch(state.labeling.job_name)
        if batch is not None:
            parts.closing.close(batch, "its time was over")
    labeling = state.labeling.model_copy(
        update={
            "output_s3_uri": batch.output_uri if batch else None,
            "error": STOPPED["Error"],
            "cause": STOPPED["Cause"],
        }
    )
    return state.model_copy(update={"labeling": labeling}).as_document()


handler = step(collect_labels)
