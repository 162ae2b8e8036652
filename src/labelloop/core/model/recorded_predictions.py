"""What the model said of the objects people are asked about, before they answered."""

from typing import Any

import numpy as np
import numpy.typing as npt

from labelloop.core.ledger import Ids
from labelloop.core.model.predictions import Predictions

RECORDED_PREDICTION = np.dtype([("id", "<i8"), ("label", "<i2"), ("confidence", "<f4"), ("probe", "?")])
RecordedPredictions = npt.NDArray[Any]


def record_predictions(predictions: Predictions, ids: Ids, spot_checks: Ids) -> RecordedPredictions:
    """Label and confidence of the objects the model could read; `spot_checks`: ids drawn at random."""
    readable = ids[predictions.present[ids]]
    expected = np.empty(len(readable), RECORDED_PREDICTION)
    expected["id"] = readable
    expected["label"] = predictions.label[readable]
    expected["confidence"] = predictions.confidence[readable]
    expected["probe"] = np.isin(readable, spot_checks)
    return expected
