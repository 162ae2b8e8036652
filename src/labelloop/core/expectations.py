"""What the model said of objects before people answered: how far its probabilities can be believed."""

from typing import Any

import numpy as np
import numpy.typing as npt

from labelloop.core.ledger import NO_LABEL, Ids, Ledger
from labelloop.core.looks import Looks
from labelloop.core.predictions import Predictions

EXPECTATION = np.dtype([("id", "<i8"), ("label", "<i2"), ("confidence", "<f4")])
Expectations = npt.NDArray[Any]


def expectations_of(predictions: Predictions, ids: Ids) -> Expectations:
    """Label and confidence of those of the objects that the model could read."""
    readable = ids[predictions.present[ids]]
    expected = np.empty(len(readable), EXPECTATION)
    expected["id"] = readable
    expected["label"] = predictions.label[readable]
    expected["confidence"] = predictions.confidence[readable]
    return expected


def learn_from(looks: Looks, expected: Expectations, ledger: Ledger) -> Looks:
    """Compare with the labels that people gave meanwhile; who gave none is left out."""
    labels = ledger.labels[expected["id"]]
    answered = labels != NO_LABEL
    wrong = expected["label"][answered] != labels[answered]
    return looks.learned(expected["confidence"][answered], wrong)
