"""When the certificate is tested, and how sure each test must be.

The confidence holds for the whole run: the chance of a wrong promise that it leaves is shared out over the
tests of a run (alpha spending; Lan & DeMets, 1983), a fixed share of what is left to each. Each test draws
objects of its own, so by the union bound the promise holds however many tests there are, whenever they are
made and however bad the model's probabilities are: those decide what a test costs, not how true it is.
"""

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from labelloop.core.certificate.reliability import Floats, Reliability

SHARE_SPENT = 0.9
# Between two tests the human labels must grow by this factor: sooner, the second would repeat the first.
LEAST_GROWTH = 1.2
# After this growth a test is made even if the model does not expect to pass: it may be too modest ...
MODEST_GROWTH = 1.5
# ... but not when it expects this many times the errors that are allowed.
HOPELESS = 3.0
# A model's errors on what is left fall with the number of labels to this power, negated (measured: bench/).
LEARNING_RATE = 1.3
# Weight of the belief that the model's probabilities are right, in errors; a larger one against their being
# too modest, for to test too soon costs more than to test too late.
PRIOR_ERRORS = 6.0
PRIOR_ERRORS_OF_MODESTY = 15.0
# Weight of the belief that a model which doubts all it says is too modest, in errors.
PRIOR_DOUBTS = 3.0
# Weight of the belief that people make no mistakes, in answers.
PRIOR_ANSWERS = 20.0
MOST_MISTAKES = 0.5
# However much of its doubt is put down to people: so much, if it doubts that much, is the model's own.
LEAST_DOUBT = 0.01
# What a round ago still counts.
MEMORY = 0.9


@dataclass(frozen=True)
class AuditSchedule:
    """What is known of earlier tests, and of how far the model's probabilities can be believed."""

    tests: int = 0
    chance_left: float = 1.0  # of the chance of a wrong promise, what no test has been given yet
    human_labels: int = 0  # at the last test; before the first, when the first model was trained
    expected_errors: float = 0.0  # of the model about objects drawn at random, by its own probabilities
    actual_errors: float = 0.0  # what people then agreed on
    answers: float = 0.0  # of people, about objects drawn at random: the first about each
    mistaken_answers: float = 0.0  # those of them that others did not bear out
    reliability: Reliability = field(default_factory=Reliability)  # from the draws of tests that failed

    @property
    def overconfidence(self) -> float:
        """By what factor the model errs more often than is expected of it, as far as can be known."""
        modest = self.actual_errors < self.expected_errors
        prior = PRIOR_ERRORS_OF_MODESTY if modest else PRIOR_ERRORS
        return (self.actual_errors + prior) / (self.expected_errors + prior)

    @property
    def borne_out(self) -> float:
        """How much of its doubt the model was right to have, as far as answers tell; from 0 to 1."""
        if any(self.reliability.answers):
            return 1.0
        return min(1.0, self.actual_errors / (self.expected_errors + PRIOR_DOUBTS))

    @property
    def mistakes(self) -> float:
        """How often people probably err."""
        return min(MOST_MISTAKES, self.mistaken_answers / (self.answers + PRIOR_ANSWERS))

    def own_uncertainty(self, confidence: Floats) -> Floats:
        """The model's doubt, less what people's mistakes taught it; shapes (objects,).

        A model calibrated on labels some of which are wrong tells how often people will contradict it: where
        it is right they do so by mistake. What is solved for is how often it is wrong.
        """
        doubt = 1 - confidence.astype(np.float64)
        own = (doubt - self.mistakes) / (1 - self.mistakes)
        return np.asarray(np.maximum(own, np.minimum(doubt, LEAST_DOUBT)))

    def uncertainty(self, confidence: Floats) -> Floats:
        """The chance of objects to be wrong, as earlier tests correct it; shapes (objects,)."""
        return self.reliability.uncertainty(1 - self.own_uncertainty(confidence))

    def tested(self, human_labels: int, *, last: bool = False) -> "AuditSchedule":
        """After one more test was begun."""
        return replace(
            self,
            tests=self.tests + 1,
            chance_left=0.0 if last else self.chance_left * (1 - SHARE_SPENT),
            human_labels=human_labels,
        )

    def learned(
        self, confidence: Floats, wrong: npt.NDArray[np.bool_], mistaken: npt.NDArray[np.bool_]
    ) -> "AuditSchedule":
        """After people agreed about objects drawn at random, which the model had given that confidence.

        `wrong`: the model; `mistaken`: the first of the people. Shapes (objects,).
        """
        if not len(wrong):
            return self
        return replace(
            self._with_answers(mistaken),
            expected_errors=MEMORY * self.expected_errors + float(self.uncertainty(confidence).sum()),
            actual_errors=MEMORY * self.actual_errors + float(wrong.sum()),
        )

    def failed(
        self, confidence: Floats, wrong: npt.NDArray[np.bool_], mistaken: npt.NDArray[np.bool_]
    ) -> "AuditSchedule":
        """After a test that failed: its many answers tell more than a factor; shapes (answers,)."""
        schedule = self._with_answers(mistaken)
        reliability = schedule.reliability.learned(1 - schedule.own_uncertainty(confidence), wrong)
        return replace(schedule, expected_errors=0.0, actual_errors=0.0, reliability=reliability)

    def _with_answers(self, mistaken: npt.NDArray[np.bool_]) -> "AuditSchedule":
        # Of people, not of a model: nothing of it is forgotten.
        return replace(
            self,
            answers=self.answers + len(mistaken),
            mistaken_answers=self.mistaken_answers + float(mistaken.sum()),
        )


def level(schedule: AuditSchedule, confidence: float, *, last: bool = False) -> float:
    """The chance of a wrong promise the next test may take: all that is left, when it is the run's last."""
    left = (1 - confidence) * schedule.chance_left
    return left if last else left * SHARE_SPENT


def may_test_again(schedule: AuditSchedule, human_labels: int) -> bool:
    """Whether enough was learned since the last test."""
    return not schedule.tests or human_labels >= LEAST_GROWTH * schedule.human_labels


def error_after(human_labels: int, batch: int) -> float:
    """What one more batch probably leaves of the model's errors, as a share of them."""
    return float((human_labels / (human_labels + batch)) ** LEARNING_RATE)


def may_be_modest(
    schedule: AuditSchedule, human_labels: int, expected_error: float, target_error: float
) -> bool:
    """Whether to find out by a test if the model is better than it says."""
    grown = human_labels >= MODEST_GROWTH * max(1, schedule.human_labels)
    return grown and expected_error <= HOPELESS * target_error
