"""AutoLabel: what the model labels in this round, and the certificate for it."""

from collections.abc import Iterator
from typing import Any

import orjson

from labelloop.core.auto_labeling import auto_label as apply_policy
from labelloop.core.auto_labeling import validation_accuracy
from labelloop.core.ledger import Ids
from labelloop.core.manifest import ID_KEY, label_metadata
from labelloop.core.predictions import Predictions
from labelloop.core.run_state import ModelOutput, RunState, certificate_document
from labelloop.steps.round_predictions import load_predictions
from labelloop.steps.step_handler import load_ledger, step
from labelloop.storage import s3


def auto_label(state: RunState, time: str) -> dict[str, Any]:
    ledger = load_ledger(state)
    predictions = load_predictions(state, ledger)
    limits = state.limits
    last = state.progress(rounds_done=state.round - 1, new_human_labels=0).is_last_round(limits)
    labeling = apply_policy(ledger, predictions, state.settings, state.looks, limits.batch, last=last)
    uri = f"{state.round_folder}auto-labels/auto-labels.jsonl"
    s3.write_lines(uri, _auto_labels(state, predictions, labeling.ids, time))
    output = ModelOutput(
        predictions_s3_uri=state.training.predictions_s3_uri if state.training else "",
        auto_labels_s3_uri=uri,
        auto_labels=len(labeling.ids),
        validation_accuracy=validation_accuracy(ledger, predictions),
        threshold=labeling.threshold,
        certificate=certificate_document(labeling.certificate),
        tested=labeling.looks.tests > state.looks.tests,
        expected_error=labeling.outlook.expected_error if labeling.outlook else None,
        allowed_error=labeling.outlook.allowed_error if labeling.outlook else None,
        unreadable=predictions.errors,
        first_unreadable=predictions.first_error,
    )
    return state.model_copy(update={"model": output, "looks": labeling.looks}).as_document()


def _auto_labels(state: RunState, predictions: Predictions, ids: Ids, time: str) -> Iterator[bytes]:
    attribute = state.request.label_attribute_name
    for object_id in ids.tolist():
        label = int(predictions.label[object_id])
        metadata = label_metadata(
            class_name=state.class_names[label],
            confidence=float(predictions.confidence[object_id]),
            human=False,
            time=time,
            job_name=state.round_name,
        )
        yield orjson.dumps({ID_KEY: object_id, attribute: label, f"{attribute}-metadata": metadata})


handler = step(auto_label)
