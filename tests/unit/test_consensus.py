"""Dawid and Skene's consensus and Krippendorff's alpha, against published and independent figures."""

import numpy as np
import pytest

from labelloop.core.people.consensus import AnswerTable, dawid_skene, krippendorff_alpha

ACCURACIES = (0.95, 0.85, 0.75, 0.6, 0.4)


def crowd(seed: int = 7, objects: int = 200, classes: int = 3) -> tuple[np.ndarray, AnswerTable]:
    """True classes, and the answers of three of five people of different skill about each object."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, objects)
    rows = []
    for number in range(objects):
        for person in rng.permutation(len(ACCURACIES))[:3]:
            right = rng.random() < ACCURACIES[person]
            label = truth[number] if right else (truth[number] + rng.integers(1, classes)) % classes
            rows.append((number, int(person), int(label)))
    columns = np.array(rows)
    return truth, AnswerTable(columns[:, 0], columns[:, 1], columns[:, 2], classes)


def test_without_a_prior_it_is_crowd_kits_dawid_skene() -> None:
    """crowd-kit 1.4.2, DawidSkene(n_iter=20000, tol=1e-14) on the same answers: its six least sure objects.

    It ends after 114 iterations; all its probabilities are then within 2e-9 of ours.
    """
    truth, answers = crowd()
    consensus = dawid_skene(answers, prior_answers=1e-9, most_iterations=114)
    unsure = [97, 139, 107, 192, 57, 181]
    theirs = [
        [0.5, 0.4992, 0.0007],
        [0.4207, 0.5793, 0.0],
        [0.0001, 0.4193, 0.5806],
        [0.5851, 0.4149, 0.0],
        [0.5955, 0.4045, 0.0],
        [0.5995, 0.4005, 0.0],
    ]
    np.testing.assert_allclose(consensus.probabilities[unsure], theirs, atol=0.0001)
    np.testing.assert_allclose(consensus.probabilities.sum(axis=0), [53.963, 81.003, 65.034], atol=0.001)
    assert (consensus.labels == truth).sum() == 175


def test_it_is_right_more_often_than_the_majority_and_tells_who_is_able() -> None:
    ours = votes = 0
    for seed in range(5):
        truth, answers = crowd(seed)
        consensus = dawid_skene(answers)
        counts = np.zeros((200, 3))
        np.add.at(counts, (answers.objects, answers.labels), 1)
        ours += int((consensus.labels == truth).sum())
        votes += int((counts.argmax(axis=1) == truth).sum())
        assert np.corrcoef(consensus.accuracy, ACCURACIES)[0, 1] > 0.9
        np.testing.assert_allclose(consensus.probabilities.sum(axis=1), 1)
    assert ours > votes + 20


def test_known_answers_stay_and_tell_a_liar_from_an_oracle() -> None:
    """Two people who always contradict each other: only gold tells who is right."""
    objects, people = np.repeat(np.arange(20), 2), np.tile([0, 1], 20)
    answers = AnswerTable(objects, people, np.tile([0, 1], 20), 2)
    consensus = dawid_skene(answers, dict.fromkeys(range(5), 1))
    assert consensus.labels.tolist() == [1] * 20
    assert consensus.accuracy[1] > 0.8 > 0.3 > consensus.accuracy[0]


def test_one_dissenter_does_not_win_and_agreement_is_more_certain() -> None:
    answers = AnswerTable(
        np.array([0, 0, 0, 1, 1, 1]), np.array([0, 1, 2, 0, 1, 2]), np.array([1, 1, 1, 0, 0, 1]), 2
    )
    consensus = dawid_skene(answers)
    assert consensus.labels.tolist() == [1, 0]
    assert 0.5 < consensus.confidence[1] < consensus.confidence[0] < 1


@pytest.mark.parametrize("agreed", [2, 10, 100])
def test_a_split_is_never_certain_though_all_else_is_of_one_class(agreed: int) -> None:
    """Who stands alone for a class that occurs nowhere else may be right all the same."""
    objects, people = np.repeat(np.arange(agreed + 1), 2), np.tile([0, 1], agreed + 1)
    labels = np.zeros(2 * (agreed + 1), np.int64)
    labels[-1] = 1
    confidence = dawid_skene(AnswerTable(objects, people, labels, 2)).confidence
    assert 0.5 < confidence[-1] < min(0.98, confidence[0])


def test_no_answers_at_all() -> None:
    none = np.empty(0, np.int64)
    nothing = AnswerTable(none, none, none, 3)
    assert dawid_skene(nothing).labels.tolist() == []
    assert krippendorff_alpha(nothing) is None


# Krippendorff (2011), example C: nominal data of four observers with missing answers; alpha = 0.743.
PUBLISHED = """
1 2 3 3 2 1 4 1 2 . . .
1 2 3 3 2 2 4 1 2 5 . 3
. 3 3 3 2 3 4 2 2 5 1 .
1 2 3 3 2 4 4 1 2 5 1 .
"""


def test_alpha_is_the_published_one() -> None:
    rows = [line.split() for line in PUBLISHED.strip().splitlines()]
    given = [
        (number, person, int(label) - 1)
        for person, row in enumerate(rows)
        for number, label in enumerate(row)
        if label != "."
    ]
    columns = np.array(given)
    alpha = krippendorff_alpha(AnswerTable(columns[:, 0], columns[:, 1], columns[:, 2], 5))
    assert alpha == pytest.approx(0.743, abs=0.0005)


@pytest.mark.parametrize(
    ("labels", "alpha"), [([0, 0, 1, 1], 1.0), ([0, 1, 1, 0], -0.5), ([0, 0, 0, 0], None)]
)
def test_alpha_of_two_objects(labels: list[int], alpha: float | None) -> None:
    answers = AnswerTable(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), np.array(labels), 2)
    assert krippendorff_alpha(answers) == alpha


def test_alpha_of_people_who_never_met() -> None:
    assert krippendorff_alpha(AnswerTable(np.array([0, 1]), np.array([0, 1]), np.array([0, 1]), 2)) is None
