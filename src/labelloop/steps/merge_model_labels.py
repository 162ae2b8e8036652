"""MergeModelLabels: the foundation model's labels become prior labels, and the loop begins."""

from typing import Any

from labelloop.core.errors import RequestError
from labelloop.core.ledger import Ledger
from labelloop.core.loop import Loop
from labelloop.model_labels.merging import merge_labels
from labelloop.steps.step_handler import step
from labelloop.storage import s3
from labelloop.storage.snapshots import save_snapshot
from labelloop.workflow.run_state import RunState


def merge_model_labels(state: RunState, time: str) -> dict[str, Any]:
    work = state.foundation_model
    if work is None or work.record is None:
        raise RequestError("there are no labels to merge: AskFoundationModel comes before MergeModelLabels")
    merged = merge_labels(state, work.record, time)
    ledger = Ledger.from_bytes(s3.read_bytes(state.ledger_s3_uri))
    merged = merged.decided(Loop.begin(merged.loop_settings, ledger).decide())
    save_snapshot(merged, state.files.foundation_model.state)
    return merged.as_document()


handler = step(merge_model_labels)
