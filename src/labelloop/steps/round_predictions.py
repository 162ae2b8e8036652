"""The round's predictions, as the steps need them that come after the model."""

import io
import tarfile

from labelloop.core.errors import PredictionsError
from labelloop.core.ledger import Ledger, State
from labelloop.core.model.predictions import Predictions, read_out_of_fold, read_predictions
from labelloop.steps.step_handler import label_categories
from labelloop.storage import s3
from labelloop.workflow.run_state import RunState

# What SageMaker makes of all that a training container leaves in output/data.
_TRAINING_OUTPUT, _OUT_OF_FOLD = "/output/output.tar.gz", "out_of_fold.jsonl"


def load_predictions(state: RunState, ledger: Ledger) -> Predictions:
    """Raises PredictionsError when the transform job left no output."""
    if state.training is None:
        raise PredictionsError("no model was asked in this round")
    uri = state.training.predictions_s3_uri
    if not s3.exists(uri):
        raise PredictionsError(
            f"the transform job ended well but wrote no {uri}: look at the job's log, "
            "and check that its role may write there"
        )
    asked = ledger.ids(State.POOL, State.VALIDATION)
    return read_predictions(s3.read_lines(uri), asked, len(ledger), label_categories(state))


def load_out_of_fold(state: RunState, ledger: Ledger) -> Predictions | None:
    """What the round's training job says of each object it learned from, by a part of the model that has not.

    Ours leaves it; None where a container leaves none.
    """
    if state.training is None:
        return None
    outputs = s3.list_uris(state.training.model_folder_s3_uri)
    archive = next((uri for uri in reversed(outputs) if uri.endswith(_TRAINING_OUTPUT)), None)
    if archive is None:
        return None
    with tarfile.open(fileobj=io.BytesIO(s3.read_bytes(archive)), mode="r:gz") as output:
        member = next((one for one in output if one.isfile() and one.name.endswith(_OUT_OF_FOLD)), None)
        lines = output.extractfile(member) if member is not None else None
        return read_out_of_fold(lines, len(ledger), label_categories(state)) if lines is not None else None
