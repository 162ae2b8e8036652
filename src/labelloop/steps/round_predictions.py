"""The round's predictions, as AutoLabel and SelectForHumans both need them."""

from labelloop.core.errors import PredictionsError
from labelloop.core.ledger import Ledger, State
from labelloop.core.predictions import Predictions, read_predictions
from labelloop.core.run_state import RunState
from labelloop.steps.step_handler import label_categories
from labelloop.storage import s3


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
