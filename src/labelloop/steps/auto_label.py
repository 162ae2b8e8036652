"""AutoLabel: what the model labels in this round, or what it would label once a test has passed."""

import math
from collections.abc import Iterator
from typing import Any

import orjson

from labelloop.core.arrays import to_bytes
from labelloop.core.certificate.auto_labeling import AutoLabeling
from labelloop.core.ledger import Ids, Ledger
from labelloop.core.manifest.lines import ID_KEY, label_metadata
from labelloop.core.model.predictions import Predictions
from labelloop.core.rounds import label_what_is_sure, validation_accuracy
from labelloop.steps.round_predictions import load_predictions
from labelloop.steps.step_handler import load_ledger, step
from labelloop.storage import s3
from labelloop.workflow.run_state import AuditUnderWay, ModelOutput, RunState


def auto_label(state: RunState, time: str) -> dict[str, Any]:
    ledger = load_ledger(state)
    predictions = load_predictions(state, ledger)
    labeling = label_what_is_sure(state, ledger, predictions)
    uri = f"{state.round_folder}auto-labels/auto-labels.jsonl"
    s3.write_lines(uri, _auto_labels(state, predictions, labeling.ids, time))
    outlook = labeling.outlook
    output = ModelOutput(
        predictions_s3_uri=state.training.predictions_s3_uri if state.training else "",
        auto_labels_s3_uri=uri,
        auto_labels=len(labeling.ids),
        validation_accuracy=validation_accuracy(ledger, predictions),
        threshold=labeling.threshold,
        expected_error=outlook.expected_error if outlook else None,
        left_to_people=outlook.left_to_people if outlook else None,
        expected_draws=outlook.draws if outlook and math.isfinite(outlook.draws) else None,
        unreadable=predictions.errors,
        first_unreadable=predictions.first_error,
    )
    s3.mark_intermediate(output.predictions_s3_uri)
    return state.model_copy(
        update={"model": output, "schedule": labeling.schedule, "audit": _begin_test(state, ledger, labeling)}
    ).as_document()


def _begin_test(state: RunState, ledger: Ledger, labeling: AutoLabeling) -> AuditUnderWay | None:
    if labeling.audit is None or labeling.threshold is None:
        return None
    uri = f"{state.round_folder}auto-labels/candidates.npy"
    s3.write_bytes(uri, to_bytes(labeling.audit.candidates))
    return AuditUnderWay.of(
        labeling.audit,
        threshold=labeling.threshold,
        pool=ledger.counts().pool,
        candidates_s3_uri=uri,
        auto_labels_s3_uri=f"{state.round_folder}auto-labels/auto-labels.jsonl",
    )


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
