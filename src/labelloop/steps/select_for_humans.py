"""SelectForHumans: the data objects people are asked about in this round."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from labelloop.core.arrays import to_bytes
from labelloop.core.expectations import expectations_of
from labelloop.core.ledger import NO_IDS, Ids, Ledger
from labelloop.core.manifest import object_id
from labelloop.core.predictions import Predictions
from labelloop.core.query_strategies import load_query_strategy
from labelloop.core.randomness import random_stream
from labelloop.core.run_state import Labeling, RunState
from labelloop.core.selection import Selection, select_at_random, select_most_useful, top_up_validation
from labelloop.core.stopping import objects_to_ask
from labelloop.steps.auto_labels import auto_labeled_ids
from labelloop.steps.round_predictions import load_predictions
from labelloop.steps.snapshot import save_snapshot
from labelloop.steps.step_handler import load_ledger, step
from labelloop.storage import s3


def select_for_humans(state: RunState, _time: str) -> dict[str, Any]:
    ledger = load_ledger(state)
    predictions = load_predictions(state, ledger) if state.model else None
    selection = _select(state, ledger, predictions)
    top_up = _top_up(state, ledger, selection)
    asked = np.union1d(selection.asked, top_up)
    folder = f"{state.round_folder}selected/"
    expectations_uri = None
    if predictions is not None:
        expectations_uri = f"{folder}expectations.npy"
        # Released before people are asked: their labels are known, but were not when the model predicted.
        expected = expectations_of(predictions, np.union1d(selection.asked, selection.released))
        s3.write_bytes(expectations_uri, to_bytes(expected))
    ledger.release_to_training(selection.released)
    ledger.ask(asked)
    labeling = Labeling(
        selection_s3_uri=f"{folder}selection.manifest",
        selected=len(asked),
        expectations_s3_uri=expectations_uri,
        for_validation_s3_uri=f"{folder}for-validation.npy" if len(top_up) else None,
        job_name=state.round_name,
        output_folder_s3_uri=f"{state.round_folder}labeling/",
    )
    if labeling.for_validation_s3_uri:
        s3.write_bytes(labeling.for_validation_s3_uri, to_bytes(top_up))
    s3.write_lines(labeling.selection_s3_uri, _lines(state, asked, len(ledger)))
    s3.write_bytes(f"{folder}ledger.npy", ledger.to_bytes())
    selected = state.with_ledger(ledger, f"{folder}ledger.npy").model_copy(update={"labeling": labeling})
    save_snapshot(selected, folder)
    return selected.as_document()


def _select(state: RunState, ledger: Ledger, predictions: Predictions | None) -> Selection:
    rng = random_stream(state.settings.seed, "selection", state.round)
    progress = state.progress(rounds_done=state.round - 1, new_human_labels=0)
    count = objects_to_ask(
        progress, state.limits, with_model=predictions is not None, certified=state.has_certificate
    )
    if predictions is None:
        return select_at_random(ledger, count, rng)
    auto_labeled = auto_labeled_ids(state)
    strategy = load_query_strategy(state.settings.query_strategy)
    hidden_pool = state.settings.policy != "blog"
    return select_most_useful(
        ledger, predictions, auto_labeled, count, strategy, rng, hidden_pool=hidden_pool
    )


def _top_up(state: RunState, ledger: Ledger, selection: Selection) -> Ids:
    """Objects for the validation set, as long as a test may still come."""
    if state.settings.policy == "blog" or not state.validation_drawn or state.has_certificate:
        return NO_IDS
    progress = state.progress(rounds_done=state.round - 1, new_human_labels=0)
    most = progress.human_labels_left(state.limits) - len(selection.asked)
    rng = random_stream(state.settings.seed, "validation top-up", state.round)
    return top_up_validation(
        ledger, selection, state.looks.validation_wanted, state.fewest_validation, most, rng
    )


def _lines(state: RunState, ids: Ids, size: int) -> Iterator[bytes]:
    wanted = np.zeros(size, np.bool_)
    wanted[ids] = True
    return (line for line in s3.read_lines(state.manifest_s3_uri) if wanted[object_id(line)])


handler = step(select_for_humans)
