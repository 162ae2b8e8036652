"""How many unlabeled objects each example stands for.

People are asked about what earlier models doubted. So the examples are harder than the pool, also than what
the model doubts as much there, and a temperature that makes their labels most likely has the model doubt the
pool too much. Each example counts as often as it is the nearest one of an unlabeled object: nearest-neighbor
importance weighting (Loog, "Nearest neighbor-based importance weighting", MLSP 2012), which corrects for
covariate shift (Shimodaira, 2000).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from classifier.calibration import Importance
from classifier.neighbors import Places, columns_of, in_blocks, with_constant
from classifier.reference_objects import AXES

# An example that is alone in a large part of the pool decides no more than the first in a hundred.
_MOST = 0.99


def importance_of(examples: Places, unlabeled: Places) -> Importance:
    """Return how many examples each one counts for, shape (examples,).

    examples, unlabeled: places of shape (objects, axes). The sum is how many examples that count the same
    would tell as much (Kish's effective sample size). There is at least one of each.
    """
    columns = columns_of(np.ascontiguousarray(examples[:, :AXES]))

    def nearest(places: Places) -> NDArray[np.intp]:
        return np.asarray((with_constant(places) @ columns).argmax(axis=1))

    numbers = np.concatenate(in_blocks(unlabeled[:, :AXES], columns.shape[1], nearest))
    counts = np.bincount(numbers, minlength=len(examples)).astype(np.float64)
    return as_many_as_tell(np.minimum(counts, max(1.0, np.quantile(counts, _MOST))))


def as_many_as_tell(weights: Importance) -> Importance:
    """Scale weights so that they sum to how many examples that count the same would tell as much.

    That is Kish's effective sample size (Survey Sampling, 1965). weights: shape (examples,), not all 0.
    """
    return np.asarray(weights * (weights.sum() / (weights @ weights)))
