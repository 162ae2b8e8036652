"""What people said of objects that were drawn at random, by the class that they gave.

A certificate is about the labels that the model gave. If it gives a rare class's objects another one's label,
few labels are wrong, and the class is lost: only what people said of drawn objects shows that.
"""

import numpy as np
import numpy.typing as npt

from labelloop.core.certificate.audit import Audit
from labelloop.core.certificate.inverse_probability import inclusion_chances_of, inverse_probability_weights
from labelloop.core.ledger import NO_LABEL, Ledger
from labelloop.core.people.second_opinions import SecondOpinions
from labelloop.core.records import TrueClass

Floats = npt.NDArray[np.floating]


def classes_of_draws(audit: Audit, ledger: Ledger) -> tuple[TrueClass, ...]:
    """Of a test that has passed. `ledger`: with its labels, so that each draw represents some of them."""
    represented, _ = inverse_probability_weights(inclusion_chances_of(audit), ledger)
    candidates = audit.candidates
    return _counted(audit.settled(), candidates["label"], candidates["drawn"], represented[candidates["id"]])


def classes_of_spot_checks(spot_checks: SecondOpinions) -> tuple[TrueClass, ...]:
    """Of those that people agree on. They represent no others: the pool they were drawn from is no more."""
    rows = spot_checks.rows
    return _counted(spot_checks.settled(), rows["label"], np.ones(len(rows), np.bool_), np.zeros(len(rows)))


def _counted(
    people: npt.NDArray[np.int16],
    model: npt.NDArray[np.int16],
    drawn: npt.NDArray[np.bool_],
    represented: Floats,
) -> tuple[TrueClass, ...]:
    known = drawn & (people != NO_LABEL)
    people, wrong, represented = people[known], people[known] != model[known], represented[known]
    return tuple(
        TrueClass(
            class_index=label,
            seen=int((people == label).sum()),
            wrong=int(wrong[people == label].sum()),
            objects=round(float(represented[people == label].sum()), 1),
            wrong_objects=round(float(represented[wrong & (people == label)].sum()), 1),
        )
        for label in np.unique(people).tolist()
    )
