"""What the model said of the objects people are asked about, before they answered."""

from typing import Any

import numpy as np
import numpy.typing as npt

from labelloop.core.ledger import Ids
from labelloop.core.predictions import Predictions

EXPECTATION = np.dtype([("id", "<i8"), ("label", "<i2"), ("confidence", "<f4"), ("probe", "?")])
Expectations = npt.NDArray[Any]


def expectations_of(predictions: Predictions, ids: Ids, probes: Ids) -> Expectations:
    """Label and confidence of those of the objects that the model could read; `probes`: see `probes`."""
    readable = ids[predictions.present[ids]]
    expected = np.empty(len(readable), EXPECTATION)
    expected["id"] = readable
    expected["label"] = predictions.label[readable]
    expected["confidence"] = predictions.confidence[readable]
    expected["probe"] = np.isin(readable, probes)
    return expected
