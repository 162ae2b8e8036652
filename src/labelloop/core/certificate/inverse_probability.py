"""How many unlabeled objects each object represents that people labeled for a test."""

from typing import Any

import numpy as np
import numpy.typing as npt

from labelloop.core.certificate.audit import Audit
from labelloop.core.certificate.betting import weights
from labelloop.core.ledger import Ledger, State
from labelloop.core.numerics import zero_of

CHANCE = np.dtype([("id", "<i8"), ("group", "<i2"), ("drawn", "?"), ("chance", "<f8")])
Floats = npt.NDArray[np.float64]


def inclusion_chances_of(audit: Audit) -> npt.NDArray[Any]:
    """Each candidate's chance to be among those drawn; dtype CHANCE, shape (candidates,)."""
    candidates = audit.candidates
    found = np.zeros(len(candidates), CHANCE)
    found["id"], found["group"], found["drawn"] = candidates["id"], candidates["group"], candidates["drawn"]
    for number, group in enumerate(audit.groups):
        by_chance = candidates["drawn"] | ~audit.asked
        members = np.flatnonzero((candidates["group"] == number) & by_chance)
        weight = weights(candidates["uncertainty"][members], group.plan.evenness)
        found["chance"][members] = inclusion_chances(weight, int(candidates["drawn"][members].sum()))
    return found


def inclusion_chances(weight: Floats, drawn: int) -> Floats:
    """The chance of each object to be among the first `drawn`, drawn one by one in proportion to `weight`.

    Computed for exponential keys with a known threshold (Cohen & Kaplan, 2007, bottom-k sketches). The
    threshold is the one at which as many objects are expected as were drawn. Shapes (objects,).
    """
    if drawn >= len(weight):
        return np.ones(len(weight))
    if not drawn:
        return np.zeros(len(weight))
    most = (np.log(len(weight)) + 1) / weight.min()
    threshold = zero_of(
        lambda key: np.asarray(-np.expm1(-weight * key).sum() - drawn), np.zeros(()), np.asarray(most)
    )
    return np.asarray(-np.expm1(-weight * threshold), np.float64)


def inverse_probability_weights(
    chances: npt.NDArray[Any], ledger: Ledger
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """How many objects that people did not label each object represents, and which ones are represented.

    Shapes (objects,). These are ratio (Hajek) estimates: in each group the drawn objects represent all that
    people did not label, in proportion to the odds that such an object is not drawn. `ledger` is the run's
    last one.
    """
    counted, represented = np.zeros(len(ledger)), np.zeros(len(ledger), np.bool_)
    by_people = ledger.mask(State.HUMAN, State.VALIDATION)
    open_objects = ledger.mask(State.AUTO, State.POOL)
    for number in np.unique(chances["group"]).tolist():
        members = chances[chances["group"] == number]
        drawn = members[members["drawn"] & by_people[members["id"]]]
        others = members["id"][open_objects[members["id"]]]
        odds = 1 / drawn["chance"] - 1
        if len(others) and odds.sum() > 0:
            counted[drawn["id"]] = odds * len(others) / odds.sum()
            represented[others] = True
    return counted, represented
