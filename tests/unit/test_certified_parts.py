"""Several parts of the pool, each certified by a test of its own, in the course of one run."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from labelloop.core.certificate.auto_labeling import may_learn_another_part, worth_another_part
from labelloop.core.certificate.possible_parts import Outlook
from labelloop.core.certificate.promise import Promise
from labelloop.core.certificate.tuning import DEFAULT, GIVEN_LABELS
from labelloop.core.records import Certificate, ClassCertificate
from labelloop.simulation import Labels, ModelAnswers, SimulatedRun, simulate

SIZE = 2_000
CLASSES = 4


class LearnsEasyOnesFirst:
    """Knows the classes of the easy half soon, and those of the hard half once it has many of its labels.

    `inputs` are pairs of (is hard, answer); `hard_labels`: how many labels of the hard half it needs.
    """

    def __init__(self, hard_labels: int) -> None:
        self.hard_labels = hard_labels

    def fit(self, inputs: Any, labels: Labels, classes: int, seed: int) -> Callable[[Any], ModelAnswers]:
        knows_hard = inputs[:, 0].sum() >= self.hard_labels

        def predict(unseen: Any) -> ModelAnswers:
            rng = np.random.default_rng(seed)
            sure = (unseen[:, 0] == 0) | knows_hard
            confidence = np.where(
                sure, rng.uniform(0.99, 0.999, len(unseen)), rng.uniform(0.7, 0.8, len(unseen))
            )
            guess = (unseen[:, 1] + (~sure & (rng.random(len(unseen)) > confidence))) % CLASSES
            others = (1 - confidence[:, None]) / (CLASSES - 1)
            probabilities = np.broadcast_to(others, (len(unseen), CLASSES)).copy()
            probabilities[np.arange(len(unseen)), guess.astype(int)] = confidence
            return ModelAnswers(probabilities)

        return predict


def run(seed: int = 0, *, hard_labels: int = 300, wrong: float = 0.0, **settings: Any) -> SimulatedRun:
    """`wrong`: the share of the objects about which even a model that knows all of them is wrong."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, CLASSES, SIZE)
    answer = np.where(rng.random(SIZE) < wrong, (truth + 1) % CLASSES, truth)
    inputs = np.column_stack([np.arange(SIZE) % 2, answer])
    # At random: a batch of what the model doubts would put the first test off until it knows all.
    asked = {"QueryStrategy": "random", "BatchSize": 0.05, "Seed": seed, **settings}
    return simulate(inputs, truth, LearnsEasyOnesFirst(hard_labels), asked)


def certified(ended: SimulatedRun) -> Certificate:
    assert ended.certificate is not None
    return ended.certificate


def test_what_a_later_model_learns_is_certified_too() -> None:
    ended = run()
    parts = [record.certificate for record in ended.records if record.certificate is not None]
    assert len(parts) == 2
    whole = certified(ended)
    assert whole.parts == 2
    assert whole.auto_labels == sum(part.auto_labels for part in parts)
    assert whole.auto_labels == sum(record.auto_labels_committed for record in ended.records)
    assert parts[0].auto_labels < SIZE / 2 < whole.auto_labels, "the hard half came later"
    assert whole.level == pytest.approx(sum(part.level for part in parts))
    assert whole.level <= 1 - whole.confidence
    assert whole.wrong_bound == sum(part.wrong_bound or 0 for part in parts)
    assert whole.error_bound <= 0.05
    assert ended.auto_label_error <= 0.05
    assert ended.human_share < 0.4


def test_what_the_first_test_drew_is_learned_from_for_the_second() -> None:
    ended = run()
    first = next(record for record in ended.records if record.certificate is not None)
    assert first.counts.validation == 0
    later = next(record for record in ended.records if record.round > first.round)
    assert later.trained
    assert later.human_labels_before == first.human_labels


def test_a_model_that_will_not_learn_the_rest_leaves_it_to_people_at_once() -> None:
    ended = run(hard_labels=10 * SIZE)
    first = next(record for record in ended.records if record.certificate is not None)
    after = [record for record in ended.records if record.round > first.round]
    assert sum(record.trained for record in after) <= 5
    assert ended.certificate is not None
    assert ended.certificate.parts is None
    assert ended.stopped_because == "every data object is labeled"
    assert max(record.sent_to_people for record in after) > SIZE / 5, (
        "nothing is gained by asking about few at a time"
    )


def test_a_promise_about_the_whole_data_set_is_not_made_twice() -> None:
    """The first part takes all the wrong labels that are allowed."""
    ended = run(CertificateFor="dataset", wrong=0.03)
    whole = certified(ended)
    assert whole.wrong_bound is not None
    assert whole.wrong_bound <= 0.05 * SIZE
    assert ended.dataset_error <= 0.05


@pytest.mark.slow
@pytest.mark.parametrize("certificate_for", ["all", "dataset"])
def test_promises_are_broken_as_rarely_as_the_confidence_allows(certificate_for: str) -> None:
    """Where every part is wrong just more often than may be promised."""
    runs = [run(seed, wrong=0.055, CertificateFor=certificate_for) for seed in range(12)]
    error = "auto_label_error" if certificate_for == "all" else "dataset_error"
    broken = sum(ended.certificate is not None and getattr(ended, error) > 0.05 for ended in runs)
    assert broken <= 4, "0.1 of 12, and three standard deviations"


def test_it_is_not_waited_for_where_little_is_left() -> None:
    of_auto_labels = Promise(0.05)
    assert may_learn_another_part(of_auto_labels, 500, 1_000)
    assert not may_learn_another_part(of_auto_labels, 500, 400)
    assert not may_learn_another_part(of_auto_labels, 50, 1_000, tuning=GIVEN_LABELS), "no model learns"
    spent = Promise(0.05, output=2_000, by_people=2_000, granted=99)
    assert not may_learn_another_part(spent, 500, 1_000), "one wrong label of 1,000 is left"
    hopeless = Outlook(expected_error=0.5, left_to_people=1_000, draws=float("inf"))
    assert not worth_another_part(hopeless, of_auto_labels, 500, 1_000, tuning=DEFAULT)
    better = Outlook(expected_error=0.08, left_to_people=1_000, draws=float("inf"))
    assert worth_another_part(better, of_auto_labels, 500, 1_000, tuning=DEFAULT)


def test_certificates_of_classes_are_added_class_by_class() -> None:
    def part(*classes: tuple[int, int, float]) -> Certificate:
        labels = sum(labels for _, labels, _ in classes)
        return Certificate(
            promise="p", threshold=0.5, target_error=0.1, confidence=0.9, level=0.05, coverage=0.5,
            error_bound=max(bound for *_, bound in classes), error_estimate=0.01, auto_labels=labels,
            validation_objects=10, validation_errors=1, wrong_bound=round(sum(n * b for _, n, b in classes)),
            by_class=tuple(
                ClassCertificate(
                    class_index=number, auto_labels=n, error_bound=bound, validation_objects=5,
                    validation_errors=0,
                )
                for number, n, bound in classes
            ),
        )  # fmt: skip

    both = part((0, 100, 0.1), (2, 50, 0.02)).plus(part((1, 40, 0.05), (2, 50, 0.06)))
    assert [(one.class_index, one.auto_labels) for one in both.by_class] == [(0, 100), (1, 40), (2, 100)]
    assert both.by_class[2].error_bound == pytest.approx(0.04)
    assert both.error_bound == pytest.approx(0.1), "the largest of all classes"
    assert (both.parts, both.auto_labels, both.validation_objects) == (2, 240, 20)
    assert both.coverage == pytest.approx(0.8), "of the pool that the first test saw"
