"""Spot checks: some objects of each batch, drawn at random, tell how far to believe the model.

Where people are asked because the model is unsure says little of how often it errs where it is sure. Where a
probe's answer is not the model's, more people are asked until two agree, as in a test: so the model's errors
are told from people's.
"""

import numpy as np

from labelloop.core.ledger import NO_LABEL
from labelloop.core.model.recorded_predictions import RecordedPredictions
from labelloop.core.people.second_opinions import VOTES, Rows, SecondOpinions

SPOT_CHECK = np.dtype([("id", "<i8"), ("label", "<i2"), ("confidence", "<f4"), VOTES])
NO_SPOT_CHECKS: Rows = np.empty(0, SPOT_CHECK)


class SpotChecks(SecondOpinions):
    """The spot_checks of a round, and those of earlier rounds that people have not agreed on."""

    @classmethod
    def of(cls, expected: RecordedPredictions | None, earlier: Rows, *, reviewed: bool) -> "SpotChecks":
        """Those among what was expected of this round's objects, and `earlier` ones."""
        new = expected[expected["probe"]] if expected is not None else NO_SPOT_CHECKS
        rows = np.zeros(len(new), SPOT_CHECK)
        for name in ("id", "label", "confidence"):
            rows[name] = new[name]
        rows["votes"] = NO_LABEL
        rows = np.concatenate([earlier, rows])
        return cls(rows[np.argsort(rows["id"])], reviewed=reviewed)
