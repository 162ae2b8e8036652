"""The round's predictions: read once from the transform job's lines, then kept as arrays."""

import io
import tarfile
from collections.abc import Collection, Iterable
from itertools import chain
from typing import Any

import numpy.typing as npt

from labelloop.core.errors import PredictionsError
from labelloop.core.ledger import Ledger, State
from labelloop.core.manifest.label_categories import LabelCategories
from labelloop.core.model.predictions import Predictions, read_out_of_fold, read_predictions
from labelloop.storage import s3
from labelloop.storage.array_files import read_archive, write_archive
from labelloop.workflow.run_files import training_output
from labelloop.workflow.run_state import RunState

_OUT_OF_FOLD = "out_of_fold.jsonl"


def read_transform_output(state: RunState, ledger: Ledger) -> Predictions:
    """What the round's model says about pool and validation set.

    Raises PredictionsError when the transform job left no output, or output that does not fit.
    """
    if state.training is None:
        raise PredictionsError("no model was asked in this round")
    uris = state.training.prediction_files
    for uri in uris:
        if not s3.exists(uri):
            raise PredictionsError(
                f"the transform job succeeded but did not write {uri}: look at the job's log, "
                "and check that its role may write there"
            )
    return _from_lines(uris, ledger, state.label_categories)


def save_predictions(state: RunState, predictions: Predictions) -> None:
    write_archive(state.round_files.predictions, predictions.as_arrays())


def load_predictions(
    arrays_uri: str,
    lines_uri: str,
    ledger: Ledger,
    categories: LabelCategories,
    without: Collection[str] = (),
) -> Predictions:
    """A round's predictions; `ledger`: as its model saw it; `without`: optional arrays that nobody needs.

    Rounds of format 1 have only the transform job's lines. Raises PredictionsError, StorageError.
    """
    if s3.exists(arrays_uri):
        predictions = Predictions.of_arrays(_archive(arrays_uri, without))
        if len(predictions.label) != len(ledger):
            raise PredictionsError(
                f"{arrays_uri} has predictions for {len(predictions.label):,} data objects, "
                f"but the run has {len(ledger):,}"
            )
        return predictions
    return _from_lines([lines_uri], ledger, categories)


def load_out_of_fold(state: RunState, ledger: Ledger) -> Predictions | None:
    """Cross-validation: what the round's training job says about each object it learned from.

    A part of the model that has not learned from the object says it. labelloop's own container writes this;
    None if a container does not.
    """
    if state.training is None:
        return None
    archive = training_output(s3.list_uris(state.training.model_folder_s3_uri))
    if archive is None:
        return None
    with tarfile.open(fileobj=io.BytesIO(s3.read_bytes(archive)), mode="r:gz") as output:
        member = next((one for one in output if one.isfile() and one.name.endswith(_OUT_OF_FOLD)), None)
        lines = output.extractfile(member) if member is not None else None
        return read_out_of_fold(lines, len(ledger), state.label_categories) if lines is not None else None


def _archive(uri: str, without: Collection[str]) -> dict[str, npt.NDArray[Any]]:
    try:
        return read_archive(uri, without)
    except ValueError as error:
        raise PredictionsError(f"{uri} does not hold predictions as labelloop keeps them: {error}") from error


def _from_lines(uris: Iterable[str], ledger: Ledger, categories: LabelCategories) -> Predictions:
    asked = ledger.ids(State.POOL, State.VALIDATION)
    lines = chain.from_iterable(map(s3.read_lines, uris))
    return read_predictions(lines, asked, len(ledger), categories)
