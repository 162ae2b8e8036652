"""AutoLabel: find what the model labels in this round, or would label once a test has passed."""

from typing import Any

import numpy as np

from labelloop.core.ledger import NO_IDS, Ids, Ledger
from labelloop.core.loop import Loop
from labelloop.core.model.predictions import Predictions
from labelloop.labelers import load_labeler
from labelloop.steps.step_handler import step
from labelloop.storage import s3
from labelloop.storage.array_files import write_array
from labelloop.storage.auto_label_files import write_auto_labels
from labelloop.storage.lineage import hear_model
from labelloop.storage.loop_files import load_loop
from labelloop.storage.prediction_files import read_transform_output, save_predictions
from labelloop.workflow.run_state import AuditUnderWay, ModelOutput, RunState


def auto_label(state: RunState, time: str) -> dict[str, Any]:
    predictions = _predictions(state, load_loop(state).ledger)
    save_predictions(state, predictions)
    # Most of their memory, and of use to query strategies alone.
    predictions.embedding = None
    loop, tests_counted = hear_model(state, predictions, time)
    assert state.training is not None, "its predictions have been read"
    assert loop.model is not None, "it has been heard"
    auto_labels_uri = write_auto_labels(state, predictions, _labeled(loop), time)
    if state.training.job is not None:
        for uri in state.training.prediction_files:
            s3.mark_intermediate(uri)
    model = ModelOutput.of(
        loop.model,
        predictions_s3_uri=state.round_files.predictions,
        auto_labels_s3_uri=auto_labels_uri,
    )
    audit = _begin_test(state, loop, auto_labels_uri)
    return state.with_loop(loop, model=model, audit=audit, tests_counted=tests_counted).as_document()


def _labeled(loop: Loop) -> Ids:
    """What the model labels, or would label."""
    if loop.test is not None:
        return np.asarray(loop.test.audit.candidates["id"])
    return loop.proposal.ids if loop.proposal is not None else NO_IDS


def _predictions(state: RunState, ledger: Ledger) -> Predictions:
    if state.training is not None and state.training.job is None:
        return load_labeler(state.settings.model.algorithm).predict(state, ledger)
    return read_transform_output(state, ledger)


def _begin_test(state: RunState, loop: Loop, auto_labels_uri: str) -> AuditUnderWay | None:
    if loop.test is None:
        return None
    uri = state.round_files.candidates
    write_array(uri, loop.test.audit.candidates)
    return AuditUnderWay.of(loop.test, candidates_s3_uri=uri, auto_labels_s3_uri=auto_labels_uri)


handler = step(auto_label)
