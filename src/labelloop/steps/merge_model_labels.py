"""MergeModelLabels: the foundation model's labels become prior labels, and the loop begins or goes on."""

from typing import Any

from labelloop.core.errors import RequestError
from labelloop.core.ledger import Ledger
from labelloop.core.loop import Loop
from labelloop.model_labels.merging import merge_labels
from labelloop.steps.step_handler import step
from labelloop.storage import s3
from labelloop.storage.loop_files import load_loop
from labelloop.storage.snapshots import save_snapshot
from labelloop.workflow.run_state import RunState


def merge_model_labels(state: RunState, time: str) -> dict[str, Any]:
    work = state.foundation_model
    if work is None or work.record is None:
        raise RequestError("there are no labels to merge: AskFoundationModel comes before MergeModelLabels")
    merged = merge_labels(state, work.record, time)
    merged = merged.decided(_loop(merged).decide())
    save_snapshot(merged, state.model_label_files.state)
    return merged.as_document()


def _loop(state: RunState) -> Loop:
    """With what the labels have cost, which may be more than people can be paid from."""
    if state.asks_model_again:
        return load_loop(state)
    return Loop.begin(state.loop_settings, Ledger.from_bytes(s3.read_bytes(state.ledger_s3_uri)))


handler = step(merge_model_labels)
