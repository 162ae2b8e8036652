"""Labels that are given, as the model of a round: nothing is trained but how far to believe them."""

from dataclasses import dataclass

import numpy as np

from labelloop.core.ledger import Ledger, State
from labelloop.core.model.predictions import Predictions
from labelloop.core.model.prior_labels import PriorLabelModel, PriorLabels

_NOTHING_GIVEN = "nothing gave it a label"
# Objects whose probabilities are held at once.
_AT_ONCE = 50_000


@dataclass(frozen=True)
class GivenLabels:
    """Answers at once, about every object that any source gave a label."""

    priors: PriorLabels

    def predict(self, ledger: Ledger, classes: int) -> Predictions:
        """What the labels are worth by all that people have said so far."""
        known = ledger.ids(State.HUMAN, State.VALIDATION)
        model = PriorLabelModel.fit(self.priors, known, ledger.labels[known], classes)
        predictions, asked = Predictions(len(ledger)), ledger.ids(State.POOL, State.VALIDATION)
        given = self.priors.given[asked]
        for ids in np.array_split(asked[given], len(asked) // _AT_ONCE + 1):
            predictions.put(ids, model.probabilities(ids))
        for _ in range(int((~given).sum())):
            predictions.refuse(_NOTHING_GIVEN)
        return predictions
