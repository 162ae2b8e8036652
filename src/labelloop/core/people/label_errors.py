"""Human labels that are probably wrong: those the model contradicted most confidently."""

from collections.abc import Sequence

import numpy as np

from labelloop.core.ledger import Ids, Ledger, State
from labelloop.core.model.recorded_predictions import RECORDED_PREDICTION, RecordedPredictions


def label_error_candidates(
    predictions: Sequence[RecordedPredictions], ledger: Ledger, leave_out: Ids
) -> RecordedPredictions:
    """Training objects with the class a model gave them instead, the most confident contradiction first.

    `predictions` are of models that had not learned from the object. Validation objects are left out: to look
    again only where the model disagrees would make it look better than it is. So are objects that people were
    asked about again already, in a test, and labels that came with the input, which are the user's own.
    """
    asked_once = ledger.mask(State.HUMAN) & (ledger.times_asked <= 1) & (ledger.rounds > 0)
    said = [one[asked_once[one["id"]] & ~np.isin(one["id"], leave_out)] for one in predictions]
    all_said = np.concatenate([np.empty(0, RECORDED_PREDICTION), *said])
    contradicts = all_said["label"] != ledger.labels[all_said["id"]]
    confident = all_said[contradicts]
    confident = confident[np.argsort(-confident["confidence"], kind="stable")]
    _, first = np.unique(confident["id"], return_index=True)
    return np.asarray(confident[np.sort(first)])
