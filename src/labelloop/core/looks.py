"""Which rounds test the certificate, and how sure each test must be.

The confidence holds for the whole run: the chance of a wrong promise that it leaves is shared out over the
tests of a run (alpha spending; Lan & DeMets, 1983), a fixed share of what is left to each. When a test is
made never depends on the labels of the validation set as it stands, only on the model's own probabilities,
on labels that are not in the set, and on whether earlier tests failed. So by the union bound the promise
holds however many tests there are and however bad the model's probabilities: those decide how soon a test
succeeds, not how true it is.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

SHARE_SPENT = 0.5
# Between two tests the human labels must grow by this factor: sooner, the second would repeat the first.
LEAST_GROWTH = 1.15
# After this growth a test is made even if the model does not expect to pass: it may be too modest ...
MODEST_GROWTH = 1.5
# ... but not when it expects this many times the errors that are allowed.
HOPELESS = 1.5
# After a test that failed the validation set is topped up to so many times its size: a set with more than its
# share of errors that no model mends would fail again and again.
VALIDATION_GROWTH = 1.1
# Each failed test makes the model's expectations so much less believable.
DOUBT_AFTER_FAILURE = 1.5
# Weight of the belief that the model's probabilities are right, in errors; and what a round ago still counts.
PRIOR_ERRORS = 3.0
MEMORY = 0.5


@dataclass(frozen=True)
class Looks:
    """What is known of earlier tests, and of how far the model's probabilities can be believed."""

    tests: int = 0
    validation_wanted: int = 0  # how large the last failed test left the validation set wanting to be
    chance_left: float = 1.0  # of the chance of a wrong promise, what no test has been given yet
    human_labels: int = 0  # at the last test; before the first, when the first model was trained
    expected_errors: float = 0.0  # of the model about objects people then labeled, by its own probabilities
    actual_errors: float = 0.0

    @property
    def overconfidence(self) -> float:
        """By what factor the model errs more often than its probabilities say, as far as can be known.

        People are asked where it is unsure; that it is too sure elsewhere shows in tests that fail.
        """
        asked = (self.actual_errors + PRIOR_ERRORS) / (self.expected_errors + PRIOR_ERRORS)
        return asked * DOUBT_AFTER_FAILURE**self.tests

    def tested(self, human_labels: int, validation_objects: int, *, last: bool = False) -> "Looks":
        """After one more test, on a validation set of that size."""
        return replace(
            self,
            tests=self.tests + 1,
            validation_wanted=math.ceil(VALIDATION_GROWTH * validation_objects),
            chance_left=0.0 if last else self.chance_left * (1 - SHARE_SPENT),
            human_labels=human_labels,
        )

    def learned(self, confidence: npt.NDArray[np.floating], wrong: npt.NDArray[np.bool_]) -> "Looks":
        """After people labeled objects the model had predicted with that confidence; shapes (objects,)."""
        expected = MEMORY * self.expected_errors + float(np.sum(1 - confidence))
        actual = MEMORY * self.actual_errors + float(np.sum(wrong))
        return replace(self, expected_errors=expected, actual_errors=actual)


def level(looks: Looks, confidence: float, *, last: bool = False) -> float:
    """The chance of a wrong promise the next test may take: all that is left, when it is the run's last."""
    left = (1 - confidence) * looks.chance_left
    return left if last else left * SHARE_SPENT


def is_due(looks: Looks, human_labels: int, expected_errors: float, errors_allowed: int) -> bool:
    """Whether a test is worth its share.

    `expected_errors` is how many errors in the validation set the model's probabilities predict, corrected by
    its overconfidence; `errors_allowed` how many the test would let pass.
    """
    if errors_allowed < 0:
        return False
    growth = human_labels / max(1, looks.human_labels)
    if expected_errors <= errors_allowed:
        return looks.tests == 0 or growth >= LEAST_GROWTH
    return growth >= MODEST_GROWTH and expected_errors <= HOPELESS * errors_allowed
