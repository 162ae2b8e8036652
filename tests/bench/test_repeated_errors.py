"""People who repeat the model's errors: noticed where they do not see them, and only there."""

import numpy as np
import pytest

from bench.repeated_errors import EVERYWHERE, NOT_ON_DRAWN, OF_THREE, TARGET_ERROR, Swayed
from labelloop.core.ledger import State
from labelloop.simulation import Labels, ModelAnswers, Predict, SimulatedRun, simulate

CLASSES = 3
TRUTH = np.random.default_rng(0).integers(0, CLASSES, 1_200).astype(np.int16)
WRONG = np.random.default_rng(1).random(len(TRUTH)) < 2.5 * TARGET_ERROR


class OftenWrong:
    """A model as wrong as it always is, and too sure of that."""

    def fit(self, inputs: Labels, labels: Labels, classes: int, seed: int) -> Predict:
        def predict(of: Labels) -> ModelAnswers:
            said = np.where(WRONG[of], (TRUTH[of] + 1) % CLASSES, TRUTH[of])
            probabilities = np.full((len(of), CLASSES), 0.01)
            probabilities[np.arange(len(of)), said] = 0.98
            return ModelAnswers(probabilities)

        return predict


def run(chance: float, where: str) -> SimulatedRun:
    people = Swayed(TRUTH, chance, where, seed=0)
    return simulate(np.arange(len(TRUTH)), TRUTH, OftenWrong(), {"TargetError": TARGET_ERROR}, people=people)


def test_errors_that_people_repeat_are_not_noticed() -> None:
    ended = run(0.9, EVERYWHERE)
    assert ended.certificate is not None
    assert ended.auto_label_error > 2 * TARGET_ERROR


@pytest.mark.slow
@pytest.mark.parametrize(("chance", "where"), [(0.0, EVERYWHERE), (0.9, NOT_ON_DRAWN), (0.1, OF_THREE)])
def test_they_are_noticed_where_people_do_not_see_them_or_overrule_each_other(
    chance: float, where: str
) -> None:
    ended = run(chance, where)
    assert ended.certificate is None or ended.auto_label_error <= TARGET_ERROR
    drawn = ended.ledger.ids(State.VALIDATION)
    assert np.mean(ended.ledger.labels[drawn] == TRUTH[drawn]) > 0.97 if len(drawn) else True
