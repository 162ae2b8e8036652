"""What the model said of objects before people answered: how far its probabilities can be believed."""

from typing import Any

import numpy as np
import numpy.typing as npt

from labelloop.core.ledger import NO_LABEL, Ids, Ledger
from labelloop.core.looks import Looks
from labelloop.core.predictions import Predictions

EXPECTATION = np.dtype(
    [("id", "<i8"), ("label", "<i2"), ("confidence", "<f4"), ("probe", "?"), ("sure", "?")]
)
Expectations = npt.NDArray[Any]


def expectations_of(predictions: Predictions, ids: Ids, probes: Ids) -> Expectations:
    """Label and confidence of those of the objects that the model could read.

    `probes` are those of them that were drawn at random; "sure" are those in the surer half of all.
    """
    readable = ids[predictions.present[ids]]
    expected = np.empty(len(readable), EXPECTATION)
    expected["id"] = readable
    expected["label"] = predictions.label[readable]
    expected["confidence"] = predictions.confidence[readable]
    expected["probe"] = np.isin(readable, probes)
    expected["sure"] = expected["confidence"] >= np.median(predictions.confidence[predictions.present])
    return expected


def learn_from(looks: Looks, expected: Expectations, ledger: Ledger) -> Looks:
    """Compare those drawn at random with the labels that people gave meanwhile; who gave none is left out.

    Where people are asked because the model is unsure says little of how often it errs where it is sure.
    """
    expected = expected[expected["probe"]]
    labels = ledger.labels[expected["id"]]
    answered = labels != NO_LABEL
    wrong = expected["label"][answered] != labels[answered]
    return looks.learned(expected["confidence"][answered], wrong, expected["sure"][answered])
