"""Prior labels count as far as people's labels bear them out, and never where they do not."""

from pathlib import Path

import numpy as np
import pytest
from classifier.distillation import PriorSignals
from classifier.prior_labels import PriorLabels
from classifier.stacking import Stacking, StackingChoice, choose_stacking

from tests.container.clusters import Floats, Numbers

CLASSES = 3


class Data:
    """Texts of three classes, of which a model of texts knows something."""

    def __init__(self, size: int, seed: int = 0) -> None:
        self.random = np.random.default_rng(seed)
        self.truth = self.random.integers(CLASSES, size=size)
        logits = 0.8 * np.eye(CLASSES)[self.truth] + 0.6 * self.random.normal(size=(size, CLASSES))
        self.of_texts = np.asarray(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), np.float32)

    def source(self, right: float | list[float]) -> Numbers:
        """Returns labels that are right this often, or this often in each class."""
        chance = np.broadcast_to(right, CLASSES)[self.truth]
        others = (self.truth + self.random.integers(1, CLASSES, size=len(self.truth))) % CLASSES
        return np.where(self.random.random(len(self.truth)) < chance, self.truth, others)

    def signals(self, *labels: Numbers, confidence: Floats | None = None) -> PriorSignals:
        table = np.stack(labels, axis=1)
        stated = np.full(table.shape, np.nan) if confidence is None else confidence[:, None]
        nothing = np.full((*table.shape, CLASSES), -np.log(CLASSES), np.float32)
        return PriorSignals(PriorLabels(table, stated.astype(np.float64)), nothing)

    def choose(self, signals: PriorSignals, people: int = 200) -> StackingChoice:
        some = np.arange(people)
        return choose_stacking(self.of_texts[some], signals[some], self.truth[some], seed=0)

    def after(self, signals: PriorSignals, people: int = 200) -> Floats:
        """What is said of the texts that people have not labeled."""
        rest = np.arange(people, len(self.truth))
        stacking = self.choose(signals, people).stacking
        before = self.of_texts[rest]
        return stacking.probabilities(before, signals[rest]) if stacking else before

    def wrong(self, probabilities: Floats) -> float:
        rest = self.truth[-len(probabilities) :]
        return float(np.mean(probabilities.argmax(axis=1) != rest))

    def loss(self, probabilities: Floats) -> float:
        rest = self.truth[-len(probabilities) :]
        return float(-np.log(np.maximum(probabilities[np.arange(len(rest)), rest], 1e-9)).mean())


@pytest.fixture
def data() -> Data:
    return Data(4_000)


def test_a_good_source_is_believed_and_the_probabilities_are_as_often_right_as_they_say(data: Data) -> None:
    found = data.after(data.signals(data.source(0.85)))
    assert data.wrong(found) < 0.155 < 0.25 < data.wrong(data.of_texts)
    assert found.max(axis=1).mean() == pytest.approx(1 - data.wrong(found), abs=0.03)
    assert np.allclose(found.sum(axis=1), 1, atol=1e-5)


def test_few_labels_are_enough_to_believe_a_good_source(data: Data) -> None:
    assert data.wrong(data.after(data.signals(data.source(0.9)), people=30)) < 0.15


def test_a_source_is_believed_in_the_classes_it_knows(data: Data) -> None:
    labels = data.source([0.95, 0.95, 0.1])
    found = data.after(data.signals(labels), people=400)
    alike = data.after(data.signals(np.where(labels == 2, 1, labels)), people=400)
    # Whoever is class 2 is called 0 or 1 nine times in ten, but what is called 2 is none of the others.
    assert data.wrong(found) < min(data.wrong(alike), data.wrong(data.of_texts) - 0.05)
    assert (found.argmax(axis=1)[labels[400:] == 2] == data.truth[400:][labels[400:] == 2]).mean() > 0.6


def test_the_surer_of_a_sources_labels_are_believed_more(data: Data) -> None:
    labels = data.source(0.8)
    right = labels == data.truth
    sure = np.where(right, data.random.beta(6, 2, len(right)), data.random.beta(2, 3, len(right)))
    plain = data.after(data.signals(labels))
    stated = data.after(data.signals(labels, confidence=sure.astype(np.float32)))
    assert data.loss(stated) < 0.8 * data.loss(plain)


@pytest.mark.parametrize("people", [50, 200])
def test_a_source_is_believed_less_where_its_class_and_confidence_show_that_it_errs(
    data: Data, people: int
) -> None:
    sure = data.random.choice([0.6, 0.75, 0.9, 0.97], size=4_000)
    # Of a fifth of all texts it is sure that they are class 1, whatever they are.
    anything = data.random.random(4_000) < 0.2
    labels = np.where(anything, 1, data.source(0.95))
    sure = np.where(anything, 0.97, np.where(labels == 1, np.minimum(sure, 0.75), sure))
    found = data.after(data.signals(labels, confidence=sure), people)
    anything, labels = anything[people:], labels[people:]
    believed = found[np.arange(len(found)), labels]
    assert believed[~anything].mean() > 0.88
    assert believed[~anything & (labels == 1)].mean() > 0.8
    # The texts tell some of them.
    assert believed[anything].mean() < 0.55


def test_a_source_is_believed_less_at_middling_confidences_if_it_errs_there(data: Data) -> None:
    sure = data.random.choice([0.6, 0.75, 0.9, 0.97], size=4_000)
    labels = np.where(sure == 0.75, data.random.integers(CLASSES, size=4_000), data.source(0.95))
    found = data.after(data.signals(labels, confidence=sure), 400)
    believed, errs = found[np.arange(len(found)), labels[400:]], sure[400:] == 0.75
    assert believed[~errs].mean() > 0.9
    assert believed[errs].mean() < 0.5


def test_a_source_that_is_sure_where_it_is_wrong_is_believed_where_it_is_unsure(data: Data) -> None:
    labels = data.source(0.8)
    right = labels == data.truth
    sure = np.where(right, data.random.beta(2, 3, len(right)), data.random.beta(6, 2, len(right)))
    plain = data.after(data.signals(labels))
    stated = data.after(data.signals(labels, confidence=sure))
    assert data.loss(stated) < 0.8 * data.loss(plain)


def test_equal_confidences_say_no_more_than_none(data: Data) -> None:
    labels = data.source(0.8)
    equal = data.after(data.signals(labels, confidence=np.full(4_000, 0.9)))
    assert np.array_equal(equal, data.after(data.signals(labels)))
    some = np.where(np.arange(4_000) % 3, np.nan, 0.9)
    assert np.array_equal(equal, data.after(data.signals(labels, confidence=some)))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("source", ["random", "always the same", "none"])
def test_a_source_that_says_nothing_costs_nothing(seed: int, source: str) -> None:
    data = Data(3_000, seed)
    labels = {
        "random": data.random.integers(CLASSES, size=3_000),
        "always the same": np.ones(3_000, np.int64),
        "none": np.full(3_000, -1),
    }[source]
    found = data.after(data.signals(labels))
    before = data.of_texts[200:]
    assert data.wrong(found) <= data.wrong(before) + 0.01
    assert data.loss(found) <= data.loss(before) + 0.01


@pytest.mark.parametrize("people", [40, 200])
def test_a_source_that_is_always_wrong_does_not_hurt(data: Data, people: int) -> None:
    found = data.after(data.signals(data.source(0.0)), people)
    assert data.wrong(found) <= data.wrong(data.of_texts[people:])
    assert data.loss(found) < data.loss(data.of_texts[people:])


def test_where_prior_labels_do_not_count_what_was_said_out_of_fold_stays_bit_for_bit(data: Data) -> None:
    choice = data.choose(data.signals(data.random.integers(CLASSES, size=4_000)))
    assert choice.stacking is None
    assert np.array_equal(choice.out_of_fold, data.of_texts[:200])


def test_a_useless_source_does_not_keep_a_good_one_from_being_believed(data: Data) -> None:
    good, useless = data.source(0.85), data.random.integers(CLASSES, size=4_000)
    alone = data.loss(data.after(data.signals(good)))
    assert data.loss(data.after(data.signals(good, useless))) < alone + 0.02
    both = data.signals(good, data.source(0.8))
    assert data.loss(data.after(both)) < alone - 0.05


def test_objects_without_a_prior_label_keep_what_the_texts_say(data: Data) -> None:
    labels = np.where(np.arange(4_000) % 2, data.source(0.9), -1)
    found = data.after(data.signals(labels), people=300)
    without = labels[300:] == -1
    wrong = found.argmax(axis=1) != data.truth[300:]
    assert wrong[~without].mean() < 0.15
    before = data.of_texts[300:][without].argmax(axis=1) != data.truth[300:][without]
    assert wrong[without].mean() <= before.mean() + 0.01


def test_the_seed_decides_and_an_answer_does_not_depend_on_others(data: Data) -> None:
    signals = data.signals(data.source(0.8))
    first, second = data.choose(signals), data.choose(signals)
    assert np.array_equal(first.out_of_fold, second.out_of_fold)
    assert first.stacking
    assert second.stacking
    all_of_them = first.stacking.probabilities(data.of_texts, signals)
    assert np.array_equal(all_of_them, second.stacking.probabilities(data.of_texts, signals))
    one = np.array([7])
    assert np.allclose(first.stacking.probabilities(data.of_texts[one], signals[one]), all_of_them[7])


@pytest.mark.parametrize("people", [1, 2, 3])
def test_very_few_labels_are_no_error(data: Data, people: int) -> None:
    assert np.isfinite(data.after(data.signals(data.source(0.9)), people)).all()


def test_of_very_many_classes_only_what_they_have_in_common_is_learned() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(80, size=600)
    labels = np.where(random.random(600) < 0.9, truth, random.integers(80, size=600))[:, None]
    nothing = np.full((600, 1, 80), -np.log(80), np.float32)
    signals = PriorSignals(PriorLabels(labels, np.full((600, 1), np.nan)), nothing)
    even = np.full((600, 80), 1 / 80, np.float32)
    some, rest = np.arange(300), np.arange(300, 600)
    stacking = choose_stacking(even[some], signals[some], truth[some], seed=0).stacking
    assert stacking
    assert np.mean(stacking.probabilities(even[rest], signals[rest]).argmax(axis=1) == truth[rest]) > 0.85


def test_what_is_stored_says_the_same(tmp_path: Path, data: Data) -> None:
    assert Stacking.load(tmp_path) is None
    sure = data.random.random(4_000).astype(np.float32)
    signals = data.signals(data.source(0.8), confidence=sure)
    here = data.choose(signals).stacking
    assert here
    here.save(tmp_path)
    there = Stacking.load(tmp_path)
    assert there
    assert np.array_equal(
        here.probabilities(data.of_texts, signals), there.probabilities(data.of_texts, signals)
    )
