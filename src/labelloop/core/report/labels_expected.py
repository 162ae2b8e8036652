"""How many labels people would give in all, as the models of a run expected it."""

import math
from collections.abc import Sequence

from labelloop.core.certificate.tuning import DEFAULT, Tuning
from labelloop.core.records import ModelRecord, RoundRecord

# Flat: so many trainings have not lowered the expected number by more than this share of all objects.
_TRAININGS = 4
_FALL = 0.03


def labels_expected(model: ModelRecord | RoundRecord, human_labels: int, pool: int) -> int | None:
    """People's labels so far, those that a test would draw, and what it would leave to them.

    `human_labels`, `pool`: data objects when the model had learned. None for a model that did not say.
    """
    if model.left_to_people is None:
        return None
    draws = math.inf if model.expected_draws is None else model.expected_draws
    return human_labels + round(min(pool, model.left_to_people + draws))


def is_flat(expected: Sequence[int], data_objects: int, *, tuning: Tuning = DEFAULT) -> bool:
    """Whether people would label nearly all, and the last few trainings have not changed that.

    `expected`: of each model so far, see `labels_expected`.
    """
    last = expected[-_TRAININGS:]
    if len(last) < _TRAININGS or last[-1] <= tuning.rounds.told_above * data_objects:
        return False
    return last[0] - last[-1] < _FALL * data_objects
