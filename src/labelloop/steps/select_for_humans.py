"""SelectForHumans: choose the data objects that people are asked about in this round."""

from typing import Any

from labelloop.core.arrays import to_bytes
from labelloop.core.loop import Loop, Selection
from labelloop.core.model.predictions import Predictions
from labelloop.core.query_strategies import load_query_strategy
from labelloop.steps.step_handler import step
from labelloop.storage import s3
from labelloop.storage.labeling_files import write_parts
from labelloop.storage.loop_files import load_loop, save_test
from labelloop.storage.manifest_files import lines_of
from labelloop.storage.prediction_files import load_predictions
from labelloop.storage.snapshots import save_snapshot
from labelloop.workflow.run_state import Labeling, RunState


def select_for_humans(state: RunState, _time: str) -> dict[str, Any]:
    loop, files = load_loop(state), state.round_files
    selection = loop.select(_predictions(state, loop), load_query_strategy(state.settings.query_strategy))
    labeling = _save_selection(state, loop, selection)
    s3.write_bytes(files.selected_ledger, loop.ledger.to_bytes())
    selected = state.with_loop(
        loop,
        ledger_s3_uri=files.selected_ledger,
        labeling=labeling,
        audit=save_test(state, loop.test, files.selected_candidates),
    )
    save_snapshot(selected, files.selected_state)
    return selected.as_document()


def _predictions(state: RunState, loop: Loop) -> Predictions | None:
    if state.model is None:
        return None
    return load_predictions(
        state.round_files.predictions, state.model.predictions_s3_uri, loop.ledger, state.label_categories
    )


def _save_selection(state: RunState, loop: Loop, selection: Selection) -> Labeling:
    files, recorded_uri = state.round_files, None
    if selection.recorded is not None:
        recorded_uri = files.recorded_predictions
        s3.write_bytes(recorded_uri, to_bytes(selection.recorded))
    s3.write_lines(files.selection, lines_of(state.manifest_s3_uri, selection.asked, len(loop.ledger)))
    return write_parts(
        Labeling(
            selection_s3_uri=files.selection,
            selected=len(selection.asked),
            recorded_s3_uri=recorded_uri,
            drawn=len(selection.drawn),
            job_name=state.round_name,
            output_folder_s3_uri=files.labeling_folder,
        )
    )


handler = step(select_for_humans)
