"""SplitLabels: the channels of the training job, and the objects the model is asked about."""

import json
import math
from collections.abc import Mapping
from itertools import islice
from typing import Any

from labelloop.core.ledger import Ledger, State
from labelloop.core.manifest.lines import LabelAttribute
from labelloop.core.model.splitting import Split
from labelloop.core.randomness import seed_of_model
from labelloop.labelers import Labeler, load_labeler
from labelloop.steps.step_handler import step
from labelloop.storage import s3
from labelloop.storage.loop_files import load_loop
from labelloop.storage.manifest_files import lines_of
from labelloop.workflow.run_files import part_of_pool
from labelloop.workflow.run_state import RunState, Training
from labelloop.workflow.training_job import contract, job_environment

MOST_IN_A_FILE = 250_000


def split_labels(state: RunState, _time: str) -> dict[str, Any]:
    loop, files = load_loop(state), state.round_files
    channels = loop.split()
    s3.write_bytes(files.training_ledger, loop.ledger.to_bytes())
    labeler = load_labeler(state.settings.model.algorithm)
    parts = None
    if state.image_uri is not None:
        parts = _write_channels(state, loop.ledger, channels, labeler)
    # The first execution's: those that go on from it encode nothing again.
    of_jobs = job_environment(state.first_files.encodings) if labeler.keeps_encodings else {}
    training = Training(
        train_s3_uri=files.train,
        validation_s3_uri=files.holdout,
        pool_s3_uri=files.pool,
        pool_parts=parts,
        ledger_s3_uri=files.training_ledger,
        model_folder_s3_uri=files.model_folder,
        predictions_folder_s3_uri=files.predictions_folder,
        job=None if state.image_uri is None else _job(state, state.image_uri, labeler, of_jobs),
        environment=of_jobs or None,
    )
    return state.with_loop(loop, ledger_s3_uri=files.training_ledger, training=training).as_document()


def _write_channels(state: RunState, ledger: Ledger, channels: Split, labeler: Labeler) -> int:
    """Returns in how many files the pool is."""
    size, manifest, files = len(ledger), state.manifest_s3_uri, state.round_files
    s3.write_lines(files.train, lines_of(manifest, channels.train, size))
    s3.write_lines(files.holdout, lines_of(manifest, channels.holdout, size))
    unseen = ledger.ids(State.POOL, State.VALIDATION)
    lines = (without_label(line, state.label_attribute) for line in lines_of(manifest, unseen, size))
    questions = (labeler.question(line, len(state.class_names)) for line in lines)
    parts = parts_of_pool(len(unseen), state.settings.model.transform_instance_count)
    for number, size in enumerate(parts):
        s3.write_lines(part_of_pool(files.pool, number), islice(questions, size))
    return len(parts)


def parts_of_pool(objects: int, instances: int) -> list[int]:
    """How many objects each file has: a transform job gives whole files to its instances.

    All have about as many, and no more than 250,000.
    """
    count = max(1, min(instances, objects), math.ceil(objects / MOST_IN_A_FILE))
    return [objects // count + (number < objects % count) for number in range(count)]


def without_label(line: bytes, attribute: LabelAttribute) -> bytes:
    """The line as the model may see it: without the label of a validation object."""
    if attribute.name.encode() not in line:
        return line
    record = json.loads(line)
    kept = {key: value for key, value in record.items() if key not in (attribute.name, attribute.metadata)}
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()


def _job(state: RunState, image_uri: str, labeler: Labeler, environment: Mapping[str, str]) -> dict[str, Any]:
    hyper_parameters = contract(
        classes=len(state.class_names),
        label_attribute=state.request.label_attribute_name,
        seed=seed_of_model(state.loop_settings.seed),
        prior_labels=state.prior_attributes,
    )
    files = state.round_files
    channels = {"train": files.train, "validation": files.holdout, "pool": files.pool}
    job = labeler.training_job(state.request, image_uri, channels, hyper_parameters, _checkpoints(state))
    return {**job, "Environment": {**job.get("Environment", {}), **environment}} if environment else job


def _checkpoints(state: RunState) -> str:
    folder = state.settings.model.checkpoint_s3_uri
    if folder is None:
        return state.round_files.checkpoints
    return f"{folder.rstrip('/')}/{state.round_name}/"


handler = step(split_labels)
