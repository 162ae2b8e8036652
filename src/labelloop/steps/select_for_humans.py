"""SelectForHumans: choose the data objects that people are asked about in this round."""

from typing import Any

from labelloop.core.arrays import to_bytes
from labelloop.core.loop import Loop, Selection
from labelloop.core.model.predictions import Predictions
from labelloop.core.query_strategies import load_query_strategy
from labelloop.core.query_strategies.alike import alike
from labelloop.core.randomness import random_stream
from labelloop.steps.step_handler import step
from labelloop.storage import s3
from labelloop.storage.labeling_files import write_parts
from labelloop.storage.loop_files import load_loop, save_test
from labelloop.storage.manifest_files import lines_of
from labelloop.storage.prediction_files import load_predictions
from labelloop.storage.snapshots import save_snapshot
from labelloop.workflow.run_files import ahead_of, labeling_output
from labelloop.workflow.run_state import Labeling, LabelingAhead, RunState


def select_for_humans(state: RunState, time: str) -> dict[str, Any]:
    loop, files = load_loop(state), state.round_files
    if state.last_labeling is not None:
        loop.times = state.last_labeling.times(time)
    predictions = _predictions(state, loop)
    selection = loop.select(predictions, load_query_strategy(state.settings.query_strategy))
    labeling = _save_selection(state, loop, selection, time)
    labeling = labeling.model_copy(update={"alike_s3_uri": _save_alike(state, loop, selection, predictions)})
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


def _save_alike(
    state: RunState, loop: Loop, selection: Selection, predictions: Predictions | None
) -> str | None:
    """Not in a test: people who see like after like may answer by the one before."""
    wanted = state.settings.workbench.like_with_like != "off" and state.people_take_time
    if not wanted or predictions is None or loop.test is not None or len(selection.drawn):
        return None
    rng = random_stream(loop.settings.seed, "alike", loop.round)
    neighbors = alike(predictions, selection.asked, rng)
    if neighbors is None:
        return None
    s3.write_bytes(state.round_files.alike, to_bytes(neighbors))
    return state.round_files.alike


def _save_selection(state: RunState, loop: Loop, selection: Selection, time: str) -> Labeling:
    files, recorded_uri = state.round_files, None
    if selection.recorded is not None:
        recorded_uri = files.recorded_predictions
        s3.write_bytes(recorded_uri, to_bytes(selection.recorded))
    size = len(loop.ledger)
    s3.write_lines(files.selection, lines_of(state.manifest_s3_uri, selection.asked, size))
    return write_parts(
        Labeling(
            selection_s3_uri=files.selection,
            selected=len(selection.asked),
            recorded_s3_uri=recorded_uri,
            drawn=len(selection.drawn),
            selected_at=time if state.people_take_time else None,
            job_name=state.round_name,
            output_folder_s3_uri=files.labeling_folder,
            ahead=_save_ahead(state, selection, size),
        )
    )


def _save_ahead(state: RunState, selection: Selection, size: int) -> LabelingAhead | None:
    if not len(selection.ahead):
        return None
    files, name, recorded_uri = state.round_files, ahead_of(state.round_name), None
    if selection.recorded_ahead is not None:
        recorded_uri = files.predictions_ahead
        s3.write_bytes(recorded_uri, to_bytes(selection.recorded_ahead))
    s3.write_lines(files.selection_ahead, lines_of(state.manifest_s3_uri, selection.ahead, size))
    return LabelingAhead(
        job_name=name,
        selection_s3_uri=files.selection_ahead,
        selected=len(selection.ahead),
        output_s3_uri=labeling_output(files.labeling_folder, name),
        recorded_s3_uri=recorded_uri,
    )


handler = step(select_for_humans)
