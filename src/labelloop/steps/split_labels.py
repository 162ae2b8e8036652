"""SplitLabels: the channels of the training job, and the objects the model shall look at."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from labelloop.core.ledger import Ids, Ledger, State
from labelloop.core.looks import Looks
from labelloop.core.manifest import LabelAttribute, object_id
from labelloop.core.randomness import random_stream
from labelloop.core.run_state import RunState, Training
from labelloop.core.splitting import Split, draw_validation_set, split_with_holdout, split_with_validation_set
from labelloop.steps.step_handler import label_attribute, load_ledger, step
from labelloop.storage import s3

# The stack's own image needs no labels to tune on; others may stop early by them.
HOLDOUT_SHARE_OF_OTHER_IMAGES = 0.1


def split_labels(state: RunState, _time: str) -> dict[str, Any]:
    ledger = load_ledger(state)
    if not state.validation_drawn:
        rng = random_stream(state.settings.seed, "validation set")
        draw_validation_set(ledger, state.limits.validation, rng, input_is_random=state.input_is_random)
    split = _split(ledger, state)
    folder = f"{state.round_folder}training/"
    training = Training(
        train_s3_uri=f"{folder}train/train.jsonl",
        validation_s3_uri=f"{folder}validation/validation.jsonl",
        pool_s3_uri=f"{folder}pool/pool.jsonl",
        ledger_s3_uri=f"{folder}ledger.npy",
        model_folder_s3_uri=f"{state.round_folder}model/",
        predictions_folder_s3_uri=f"{state.round_folder}predictions/",
        hyper_parameters=_hyper_parameters(state),
    )
    size = len(ledger)
    s3.write_bytes(training.ledger_s3_uri, ledger.to_bytes())
    s3.write_lines(training.train_s3_uri, _lines(state, split.train, size))
    s3.write_lines(training.validation_s3_uri, _lines(state, split.holdout, size))
    unseen = ledger.ids(State.POOL, State.VALIDATION)
    attribute = label_attribute(state)
    s3.write_lines(
        training.pool_s3_uri, (without_label(line, attribute) for line in _lines(state, unseen, size))
    )
    return (
        state.with_ledger(ledger, training.ledger_s3_uri)
        .model_copy(update={"validation_drawn": True, "training": training, "looks": _looks(state, ledger)})
        .as_document()
    )


def _looks(state: RunState, ledger: Ledger) -> Looks:
    """Before the first test, growth is counted from the labels of the first model."""
    if state.looks.human_labels:
        return state.looks
    return replace(state.looks, human_labels=ledger.counts().human_labels)


def without_label(line: bytes, attribute: LabelAttribute) -> bytes:
    """The line as the model may see it: it must not read the label of a validation object."""
    if attribute.name.encode() not in line:
        return line
    record = json.loads(line)
    kept = {key: value for key, value in record.items() if key not in (attribute.name, attribute.metadata)}
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()


def _split(ledger: Ledger, state: RunState) -> Split:
    if state.settings.policy == "blog":
        return split_with_validation_set(ledger)
    rng = random_stream(state.settings.seed, "holdout", state.round)
    return split_with_holdout(ledger, _holdout_share(state), rng)


def _holdout_share(state: RunState) -> float:
    model = state.settings.model
    if model.holdout_share is not None:
        return model.holdout_share
    return HOLDOUT_SHARE_OF_OTHER_IMAGES if model.image_uri else 0.0


def _lines(state: RunState, ids: Ids, size: int) -> Iterator[bytes]:
    wanted: npt.NDArray[np.bool_] = np.zeros(size, np.bool_)
    wanted[ids] = True
    return (line for line in s3.read_lines(state.manifest_s3_uri) if wanted[object_id(line)])


def _hyper_parameters(state: RunState) -> dict[str, str]:
    contract = {
        "num_classes": str(len(state.class_names)),
        "label_attribute": state.request.label_attribute_name,
        "seed": str(state.settings.seed),
    }
    return {**contract, **state.settings.model.hyper_parameters}


handler = step(split_labels)
