"""People who answer at once."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from labelloop.core.ledger import NO_LABEL
from labelloop.in_memory.batch_run import Answers, Batch


@dataclass(frozen=True)
class SimulatedTruth:
    """People who answer with the truth; where it is not known, they cannot say."""

    truth: npt.NDArray[np.integer]  # class index, -1 where it is not known; shape (rows,)

    def ask(self, batch: Batch) -> Answers:
        said = self.truth[batch.asked]
        return {
            number: int(label) if label != NO_LABEL else None
            for number, label in zip(batch.asked.tolist(), said.tolist(), strict=True)
        }
