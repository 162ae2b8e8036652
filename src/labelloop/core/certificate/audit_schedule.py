"""When the certificate is tested, and how sure each test must be.

The confidence holds for the whole run: the chance of a wrong promise that it leaves is shared out over the
tests of a run (alpha spending; Lan & DeMets, 1983). Each test gets a share of what is left, chosen before its
first draw. Each test draws objects of its own, so by the union bound the promise holds however many tests
there are, whenever they are made and however bad the model's probabilities are. The probabilities decide what
a test costs, not whether its promise is true.

An `AuditSchedule` is data, part of a run's persisted state. How it is read is a matter of the `Tuning`, which
is not persisted, so methods take it.
"""

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from labelloop.core.certificate.reliability import Floats, Reliability
from labelloop.core.certificate.tuning import DEFAULT, Tuning

# Mathematics, not tuned: the least mean doubt that is divided by.
_LEAST_DOUBT = 1e-6


@dataclass(frozen=True)
class AuditSchedule:
    """What is known of earlier tests, and of how far the model's probabilities can be believed."""

    tests: int = 0
    chance_left: float = 1.0  # share of the chance of a wrong promise that no test has been given yet
    human_labels: int = 0  # at the last test; before the first, when the first model was trained
    expected_errors: float = 0.0  # of the model about objects drawn at random, by its own probabilities
    actual_errors: float = 0.0  # what people then agreed on
    answers: float = 0.0  # people's first answers about objects drawn at random
    mistaken_answers: float = 0.0  # those of them that other people did not confirm
    reliability: Reliability = field(default_factory=Reliability)  # from the draws of tests that failed
    learned_from: int = 0  # labels by people, up to the last model
    doubts: float = 0.0  # sum over them of how likely a model was wrong there, when people were asked

    def overconfidence(self, *, tuning: Tuning = DEFAULT) -> float:
        """By what factor the model errs more often than it expects, as far as answers tell."""
        modest = self.actual_errors < self.expected_errors
        prior = tuning.belief.prior_errors_of_modesty if modest else tuning.belief.prior_errors
        return (self.actual_errors + prior) / (self.expected_errors + prior)

    def confirmed_doubt(self, *, tuning: Tuning = DEFAULT) -> float:
        """How much of its doubt the model was right to have, as far as answers tell; from 0 to 1."""
        if any(self.reliability.answers):
            return 1.0
        return min(1.0, self.actual_errors / (self.expected_errors + tuning.belief.prior_doubts))

    def excess_doubt(self, confidence: Floats, *, tuning: Tuning = DEFAULT) -> float:
        """By what factor the model doubts too much of the pool, since it learned from what models doubted.

        `confidence`: in all objects of the pool, shape (objects,). A model is calibrated on its training
        labels. Where these were chosen, they are harder than what is left (covariate shift; Shimodaira,
        2000). After a test that failed, what its draws have told says more.
        """
        if any(self.reliability.answers) or not self.learned_from:
            return 1.0
        doubt = float(1 - confidence.mean())
        harder = self.doubts / self.learned_from / max(doubt, _LEAST_DOUBT)
        known = self.learned_from / (self.learned_from + tuning.belief.prior_labels)
        return float(max(1.0, harder) ** (known * tuning.belief.excess_doubt))

    def with_labels(self, human_labels: int, confidence: Floats) -> "AuditSchedule":
        """When a new model has learned from so many labels by people.

        Of those that no model had seen before, it is taken that they were like the pool: `confidence` is in
        all its objects, shape (objects,).
        """
        new = max(0, human_labels - self.learned_from)
        doubts = self.doubts + new * float(1 - confidence.mean())
        return replace(self, learned_from=self.learned_from + new, doubts=doubts)

    def asked(self, confidence: Floats) -> "AuditSchedule":
        """After people labeled objects to which a model had given this confidence; shape (objects,)."""
        doubts = self.doubts + float((1 - confidence.astype(np.float64)).sum())
        return replace(self, learned_from=self.learned_from + len(confidence), doubts=doubts)

    def mistakes(self, *, tuning: Tuning = DEFAULT) -> float:
        """How often people probably err."""
        belief = tuning.belief
        return min(belief.most_mistakes, self.mistaken_answers / (self.answers + belief.prior_answers))

    def own_uncertainty(self, confidence: Floats, *, tuning: Tuning = DEFAULT) -> Floats:
        """The model's doubt, without the part that people's mistakes taught it; shapes (objects,).

        A model that was calibrated on labels some of which are wrong tells how often people will contradict
        it. Where it is right, they do so by mistake. This solves for how often it is wrong.
        """
        doubt, mistakes = 1 - confidence.astype(np.float64), self.mistakes(tuning=tuning)
        own = (doubt - mistakes) / (1 - mistakes)
        return np.asarray(np.maximum(own, np.minimum(doubt, tuning.belief.least_doubt)))

    def uncertainty(self, confidence: Floats, *, tuning: Tuning = DEFAULT) -> Floats:
        """The chance of objects to be wrong, as earlier tests correct it; shapes (objects,)."""
        own = self.own_uncertainty(confidence, tuning=tuning)
        return self.reliability.uncertainty(1 - own, tuning=tuning)

    def tested(self, human_labels: int, share_spent: float) -> "AuditSchedule":
        """After one more test was begun; `share_spent`: of the chance that was left."""
        return replace(
            self,
            tests=self.tests + 1,
            chance_left=self.chance_left * (1 - share_spent),
            human_labels=human_labels,
        )

    def learned(
        self,
        confidence: Floats,
        wrong: npt.NDArray[np.bool_],
        mistaken: npt.NDArray[np.bool_],
        *,
        tuning: Tuning = DEFAULT,
    ) -> "AuditSchedule":
        """After people agreed about objects drawn at random, to which the model had given this confidence.

        `wrong`: whether the model was; `mistaken`: whether the first person was. Shapes (objects,).
        """
        if not len(wrong):
            return self
        memory, expected = tuning.belief.memory, self.uncertainty(confidence, tuning=tuning)
        return replace(
            self._with_answers(mistaken),
            expected_errors=memory * self.expected_errors + float(expected.sum()),
            actual_errors=memory * self.actual_errors + float(wrong.sum()),
        )

    def failed(
        self,
        confidence: Floats,
        wrong: npt.NDArray[np.bool_],
        mistaken: npt.NDArray[np.bool_],
        *,
        tuning: Tuning = DEFAULT,
    ) -> "AuditSchedule":
        """After a test that failed: its many answers tell more than a factor; shapes (answers,)."""
        schedule = self._with_answers(mistaken)
        confidence = 1 - schedule.own_uncertainty(confidence, tuning=tuning)
        reliability = schedule.reliability.learned(confidence, wrong, tuning=tuning)
        return replace(schedule, expected_errors=0.0, actual_errors=0.0, reliability=reliability)

    def _with_answers(self, mistaken: npt.NDArray[np.bool_]) -> "AuditSchedule":
        # This is about people, not about one model, so nothing is forgotten.
        return replace(
            self,
            answers=self.answers + len(mistaken),
            mistaken_answers=self.mistaken_answers + float(mistaken.sum()),
        )


def level(schedule: AuditSchedule, confidence: float, share_spent: float) -> float:
    """The chance of a wrong promise that the next test takes: this share of what is left."""
    return (1 - confidence) * schedule.chance_left * share_spent


def may_test_again(schedule: AuditSchedule, human_labels: int, *, tuning: Tuning = DEFAULT) -> bool:
    """Whether enough was learned since the last test."""
    return not schedule.tests or human_labels >= tuning.timing.least_growth * schedule.human_labels


def error_after(human_labels: int, batch: int, *, tuning: Tuning = DEFAULT) -> float:
    """What one more batch probably leaves of the model's errors, as a share of them."""
    return float((human_labels / (human_labels + batch)) ** tuning.timing.learning_rate)


def may_be_modest(
    schedule: AuditSchedule,
    human_labels: int,
    expected_error: float,
    target_error: float,
    *,
    tuning: Tuning = DEFAULT,
) -> bool:
    """Whether to find out by a test if the model is better than it says."""
    timing = tuning.timing
    if schedule.confirmed_doubt(tuning=tuning) > timing.most_doubt_confirmed:
        return False
    grown = human_labels >= timing.modest_growth * max(1, schedule.human_labels)
    return grown and expected_error <= timing.hopeless_error * target_error
