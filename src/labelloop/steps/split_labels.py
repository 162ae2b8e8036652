"""SplitLabels: the channels of the training job, and the objects the model shall look at."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from labelloop.core.ledger import Ids, State
from labelloop.core.manifest.lines import ID_KEY, LabelAttribute, object_id
from labelloop.core.rounds import schedule_at_first_model, split
from labelloop.steps.step_handler import label_attribute, load_ledger, step
from labelloop.storage import s3
from labelloop.workflow.blazingtext import TEXT_ATTRIBUTE
from labelloop.workflow.run_state import RunState, Training
from labelloop.workflow.training_job import training_job


def split_labels(state: RunState, _time: str) -> dict[str, Any]:
    ledger = load_ledger(state)
    channels = split(state, ledger)
    folder = f"{state.round_folder}training/"
    training = Training(
        train_s3_uri=f"{folder}train/train.jsonl",
        validation_s3_uri=f"{folder}validation/validation.jsonl",
        pool_s3_uri=f"{folder}pool/pool.jsonl",
        ledger_s3_uri=f"{folder}ledger.npy",
        model_folder_s3_uri=f"{state.round_folder}model/",
        predictions_folder_s3_uri=f"{state.round_folder}predictions/",
        job={},
    )
    training = training.model_copy(update={"job": _job(state, training)})
    size = len(ledger)
    s3.write_bytes(training.ledger_s3_uri, ledger.to_bytes())
    s3.write_lines(training.train_s3_uri, _lines(state, channels.train, size))
    s3.write_lines(training.validation_s3_uri, _lines(state, channels.holdout, size))
    unseen = ledger.ids(State.POOL, State.VALIDATION)
    attribute = label_attribute(state)
    asked = _for_blazingtext if state.settings.model.algorithm == "blazingtext" else _as_it_is
    lines = (without_label(line, attribute) for line in _lines(state, unseen, size))
    s3.write_lines(training.pool_s3_uri, (asked(line, len(state.class_names)) for line in lines))
    return (
        state.with_ledger(ledger, training.ledger_s3_uri)
        .model_copy(update={"training": training, "schedule": schedule_at_first_model(state, ledger)})
        .as_document()
    )


def without_label(line: bytes, attribute: LabelAttribute) -> bytes:
    """The line as the model may see it: it must not read the label of a validation object."""
    if attribute.name.encode() not in line:
        return line
    record = json.loads(line)
    kept = {key: value for key, value in record.items() if key not in (attribute.name, attribute.metadata)}
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()


def _as_it_is(line: bytes, _classes: int) -> bytes:
    return line


def _for_blazingtext(line: bytes, classes: int) -> bytes:
    """The line as a question for the probabilities of all classes: unasked, it tells that of the best."""
    record = json.loads(line)
    question = {key: record[key] for key in (ID_KEY, TEXT_ATTRIBUTE) if key in record}
    return json.dumps({**question, "k": classes}, ensure_ascii=False, separators=(",", ":")).encode()


def _lines(state: RunState, ids: Ids, size: int) -> Iterator[bytes]:
    wanted: npt.NDArray[np.bool_] = np.zeros(size, np.bool_)
    wanted[ids] = True
    return (line for line in s3.read_lines(state.manifest_s3_uri) if wanted[object_id(line)])


def _job(state: RunState, training: Training) -> dict[str, Any]:
    contract = {
        "num_classes": str(len(state.class_names)),
        "label_attribute": state.request.label_attribute_name,
        "seed": str(state.settings.seed),
    }
    channels = {
        "train": training.train_s3_uri,
        "validation": training.validation_s3_uri,
        "pool": training.pool_s3_uri,
    }
    return training_job(state.request, state.image_uri, channels, contract, _checkpoints(state))


def _checkpoints(state: RunState) -> str:
    folder = state.settings.model.checkpoint_s3_uri
    if folder is None:
        return f"{state.round_folder}checkpoints/"
    return f"{folder.rstrip('/')}/{state.round_name}/"


handler = step(split_labels)
