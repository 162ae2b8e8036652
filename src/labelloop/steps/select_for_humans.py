"""SelectForHumans: the data objects people are asked about in this round."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from labelloop.core.ledger import Ids, Ledger
from labelloop.core.manifest import object_id
from labelloop.core.query_strategies import QUERY_STRATEGIES
from labelloop.core.randomness import random_stream
from labelloop.core.run_state import Labeling, RunState
from labelloop.core.selection import Selection, select_at_random, select_most_useful
from labelloop.core.stopping import Progress
from labelloop.steps.round_predictions import load_auto_labeling
from labelloop.steps.snapshot import save_snapshot
from labelloop.steps.step_handler import load_ledger, step
from labelloop.storage import s3


def select_for_humans(state: RunState, _time: str) -> dict[str, Any]:
    ledger = load_ledger(state)
    selection = _select(state, ledger)
    ledger.release_to_training(selection.released)
    ledger.ask(selection.asked)
    folder = f"{state.round_folder}selected/"
    labeling = Labeling(
        selection_s3_uri=f"{folder}selection.manifest",
        selected=len(selection.asked),
        job_name=state.round_name,
        output_folder_s3_uri=f"{state.round_folder}labeling/",
    )
    s3.write_lines(labeling.selection_s3_uri, _lines(state, selection.asked, len(ledger)))
    s3.write_bytes(f"{folder}ledger.npy", ledger.to_bytes())
    selected = state.with_ledger(ledger, f"{folder}ledger.npy").model_copy(update={"labeling": labeling})
    save_snapshot(selected, folder)
    return selected.as_document()


def _select(state: RunState, ledger: Ledger) -> Selection:
    rng = random_stream(state.settings.seed, "selection", state.round)
    count = _how_many(state)
    if state.model is None:
        return select_at_random(ledger, count, rng)
    predictions, labeling = load_auto_labeling(state, ledger)
    strategy = QUERY_STRATEGIES[state.settings.query_strategy]()
    hidden_pool = state.settings.policy != "blog"
    return select_most_useful(
        ledger, predictions, labeling.ids, count, strategy, rng, hidden_pool=hidden_pool
    )


def _how_many(state: RunState) -> int:
    """A batch, or what is missing to the start size; never more labels than are left to ask for."""
    progress = Progress(
        counts=state.counts,
        labels_in_input=state.labels_in_input,
        round_number=state.round,
        new_human_labels=0,
        idle_rounds=state.idle_rounds,
    )
    limits = state.limits
    missing = limits.start - state.counts.human_labels
    wanted = missing if state.model is None and missing > 0 else limits.batch
    return min(wanted, progress.human_labels_left(limits))


def _lines(state: RunState, ids: Ids, size: int) -> Iterator[bytes]:
    wanted = np.zeros(size, np.bool_)
    wanted[ids] = True
    return (line for line in s3.read_lines(state.manifest_s3_uri) if wanted[object_id(line)])


handler = step(select_for_humans)
