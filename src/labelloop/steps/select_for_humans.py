"""SelectForHumans: the data objects people are asked about in this round."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from labelloop.core.arrays import to_bytes
from labelloop.core.ledger import NO_IDS, Ids
from labelloop.core.manifest.lines import object_id
from labelloop.core.model.recorded_predictions import record_predictions
from labelloop.core.query_strategies import load_query_strategy
from labelloop.core.rounds import choose_for_humans
from labelloop.steps.audit_under_way import load_audit, save_audit
from labelloop.steps.auto_labels import auto_label_ids
from labelloop.steps.disputed_spot_checks import load_disputed_spot_checks
from labelloop.steps.labeling_parts import write_parts
from labelloop.steps.round_predictions import load_predictions
from labelloop.steps.snapshot import save_snapshot
from labelloop.steps.step_handler import load_ledger, step
from labelloop.storage import s3
from labelloop.workflow.run_state import Labeling, RunState


def select_for_humans(state: RunState, _time: str) -> dict[str, Any]:
    ledger, audit = load_ledger(state), load_audit(state)
    predictions = load_predictions(state, ledger) if state.model else None
    auto_labeled = auto_label_ids(state.model.auto_labels_s3_uri) if state.model else NO_IDS
    strategy = load_query_strategy(state.settings.query_strategy)
    again = load_disputed_spot_checks(state)["id"]
    selection = choose_for_humans(state, ledger, predictions, auto_labeled, audit, strategy, again)
    folder = f"{state.round_folder}selected/"
    expectations_uri = None
    if predictions is not None:
        expectations_uri = f"{folder}expectations.npy"
        expected = record_predictions(predictions, selection.asked, selection.spot_checks)
        s3.write_bytes(expectations_uri, to_bytes(expected))
    ledger.ask(selection.asked)
    labeling = Labeling(
        selection_s3_uri=f"{folder}selection.manifest",
        selected=len(selection.asked),
        expectations_s3_uri=expectations_uri,
        drawn=len(selection.drawn),
        job_name=state.round_name,
        output_folder_s3_uri=f"{state.round_folder}labeling/",
    )
    s3.write_lines(labeling.selection_s3_uri, _lines(state, selection.asked, len(ledger)))
    labeling = write_parts(labeling)
    s3.write_bytes(f"{folder}ledger.npy", ledger.to_bytes())
    selected = state.with_ledger(ledger, f"{folder}ledger.npy").model_copy(
        update={"labeling": labeling, "audit": save_audit(state, audit, folder) if audit else None}
    )
    save_snapshot(selected, folder)
    return selected.as_document()


def _lines(state: RunState, ids: Ids, size: int) -> Iterator[bytes]:
    wanted = np.zeros(size, np.bool_)
    wanted[ids] = True
    return (line for line in s3.read_lines(state.manifest_s3_uri) if wanted[object_id(line)])


handler = step(select_for_humans)
