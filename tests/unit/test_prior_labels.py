import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelloop.core.model.prior_labels import NONE_GIVEN, PriorLabelModel, PriorLabels, bins_of

CLASSES = 3


def priors(labels: list[list[int]], confidence: list[list[float]]) -> PriorLabels:
    return PriorLabels(np.array(labels, np.int16), np.array(confidence, np.float32))


def one_source(
    size: int, errors: dict[tuple[int, float], float], seed: int = 0
) -> tuple[PriorLabels, np.ndarray]:
    """A source that errs at the rate of its label and confidence; and the truth."""
    rng = np.random.default_rng(seed)
    kinds = list(errors)
    chosen = rng.integers(len(kinds), size=size)
    labels = np.array([kinds[number][0] for number in chosen])
    confidence = np.array([kinds[number][1] for number in chosen])
    wrong = rng.random(size) < np.array([errors[kinds[number]] for number in chosen])
    truth = np.where(wrong, (labels + 1) % CLASSES, labels)
    return priors(labels[:, np.newaxis].tolist(), confidence[:, np.newaxis].tolist()), truth


def fitted(found: PriorLabels, truth: np.ndarray, known: int) -> np.ndarray:
    ids = np.arange(known)
    model = PriorLabelModel.fit(found, ids, truth[ids], CLASSES)
    return model.probabilities(np.arange(len(found)))


def test_each_class_and_confidence_is_believed_as_far_as_its_answers_tell() -> None:
    errors = {(0, 0.9): 0.02, (0, 0.6): 0.5, (1, 0.9): 0.3, (1, 0.6): 0.1}
    found, truth = one_source(8_000, errors)
    chances = fitted(found, truth, 4_000)
    for (label, confidence), error in errors.items():
        of_kind = (found.labels[:, 0] == label) & np.isclose(found.confidence[:, 0], confidence)
        assert 1 - chances[of_kind, label].mean() == pytest.approx(error, abs=0.04)


def test_where_a_class_is_mostly_wrong_the_other_class_is_said() -> None:
    found, truth = one_source(2_000, {(0, 0.9): 0.9, (1, 0.9): 0.05})
    chances = fitted(found, truth, 500)
    assert (chances.argmax(axis=1)[found.labels[:, 0] == 0] == 1).all()


def test_without_a_stated_confidence_the_class_alone_tells() -> None:
    found, truth = one_source(2_000, {(0, np.nan): 0.3, (1, np.nan): 0.02})
    chances = fitted(found, truth, 1_000)
    assert 1 - chances[found.labels[:, 0] == 0, 0].mean() == pytest.approx(0.3, abs=0.05)


def test_an_object_without_any_label_has_the_chances_of_all() -> None:
    labels = [[0]] * 90 + [[1]] * 9 + [[NONE_GIVEN]]
    found = priors(labels, [[np.nan]] * 100)
    chances = fitted(found, np.array([0] * 90 + [1] * 9 + [2]), 99)
    assert chances[99].tolist() == pytest.approx([91 / 102, 10 / 102, 1 / 102])


def test_a_source_that_knows_outweighs_one_that_guesses() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(CLASSES, size=3_000)
    knows = np.where(rng.random(3_000) < 0.95, truth, (truth + 1) % CLASSES)
    guesses = rng.integers(CLASSES, size=3_000)
    found = priors(np.stack([guesses, knows], axis=1).tolist(), [[np.nan, np.nan]] * 3_000)
    chances = fitted(found, truth, 500)
    assert (chances.argmax(axis=1) == knows).mean() > 0.99


def test_sources_that_agree_are_believed_more_than_each_alone() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(CLASSES, size=4_000)
    said = [np.where(rng.random(4_000) < 0.8, truth, (truth + 1) % CLASSES) for _ in range(2)]
    chances = fitted(priors(np.stack(said, axis=1).tolist(), [[np.nan, np.nan]] * 4_000), truth, 1_000)
    agree = said[0] == said[1]
    right = truth[agree] == said[0][agree]
    assert chances[agree].max(axis=1).mean() == pytest.approx(right.mean(), abs=0.03)


def test_bins_ascend_and_what_is_not_stated_is_apart() -> None:
    assert bins_of(np.array([0.5, np.nan, 0.9, 0.5, 0.1], np.float32)).tolist() == [2, 0, 3, 2, 1]
    many = bins_of(np.linspace(0, 1, 10_000, dtype=np.float32))
    assert np.all(np.diff(many) >= 0)
    assert 15 <= len(np.unique(many)) <= 20


@given(
    rows=st.lists(
        st.tuples(
            st.integers(-1, CLASSES - 1),
            st.one_of(st.just(np.nan), st.floats(0, 1)),
            st.integers(0, CLASSES - 1),
        ),
        min_size=1,
        max_size=30,
    ),
    known=st.integers(0, 30),
)
def test_whatever_is_given_there_are_probabilities(rows: list[tuple[int, float, int]], known: int) -> None:
    found = priors([[row[0]] for row in rows], [[row[1]] for row in rows])
    chances = fitted(found, np.array([row[2] for row in rows]), min(known, len(rows)))
    assert np.isfinite(chances).all()
    assert np.allclose(chances.sum(axis=1), 1)
