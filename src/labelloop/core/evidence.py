"""What the predictions of a run's models say beside the labels they led to: accuracy against coverage,
confusion, numbers by class, and the data objects worth a look.

Everything is computed from the predictions for objects that a model had not learned from.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from labelloop.core.ledger import NO_LABEL, Ids, Ledger, State
from labelloop.core.predictions import Predictions

EXAMPLES = 20
MOST_CURVE_POINTS = 100
MOST_CONFUSIONS = 2500  # pairs of classes: a full matrix of 50
LONGEST_EXCERPT = 500  # characters of a data object that go into the report

Floats = npt.NDArray[np.floating[Any]]
Bools = npt.NDArray[np.bool_]


@dataclass
class Unlearned:
    """Each object's last prediction by a model that had not learned from it; arrays of shape (objects,)."""

    label: npt.NDArray[np.int16]
    confidence: npt.NDArray[np.float32]
    margin: npt.NDArray[np.float32]
    round: npt.NDArray[np.uint16]

    @classmethod
    def of_size(cls, size: int) -> "Unlearned":
        return cls(
            np.full(size, NO_LABEL, np.int16),
            np.zeros(size, np.float32),
            np.zeros(size, np.float32),
            np.zeros(size, np.uint16),
        )

    def take(self, ids: Ids, predictions: Predictions, round_number: int) -> None:
        self.label[ids] = predictions.label[ids]
        self.confidence[ids] = predictions.confidence[ids]
        self.margin[ids] = predictions.margin[ids]
        self.round[ids] = round_number


@dataclass
class EvidenceCollector:
    """Takes in the rounds' predictions one after the other, in order, so that one round's are held at a time.

    `ledger` is the run's last; `confidence` that of every bound; `classes` the number of classes.
    """

    ledger: Ledger
    classes: int
    confidence: float
    _unlearned: Unlearned = field(init=False)
    _validation_by_round: list[dict[str, Any]] = field(init=False, default_factory=list)
    _last: dict[str, Any] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._unlearned = Unlearned.of_size(len(self.ledger))

    def add(self, round_number: int, seen: Ledger, predictions: Predictions, threshold: float | None) -> None:
        """Take in a round: the ledger its model saw, and what the model said of pool and validation set."""
        unseen = seen.ids(State.POOL, State.VALIDATION)
        self._unlearned.take(unseen[predictions.present[unseen]], predictions, round_number)
        validation = seen.ids(State.VALIDATION)
        people, model = seen.labels[validation], predictions.label[validation]
        correct = np.asarray(people == model)
        if len(validation):
            summary = {"objects": len(validation), "correct": int(correct.sum())}
            low, high = accuracy_interval(summary["correct"], len(validation), self.confidence)
            self._validation_by_round.append({"round": round_number, **summary, "low": low, "high": high})
        curve = coverage_curve(predictions.margin[validation], correct, self.confidence, threshold)
        pool = seen.mask(State.POOL) & predictions.present
        self._last = {
            "round": round_number,
            "threshold": threshold,
            "coverage_curve": curve,
            "confusion": confusion(people, model),
            "validation_of_class": np.bincount(people, minlength=self.classes),
            "correct_of_class": np.bincount(people[correct], minlength=self.classes),
            "near_threshold": near_threshold(predictions.margin, pool, threshold),
        }

    def document(self) -> dict[str, Any] | None:
        """The evidence as JSON takes it, examples by their id; None when no model was asked."""
        if self._last is None:
            return None
        last = self._last
        return {
            "round": last["round"],
            "threshold": last["threshold"],
            "validation_by_round": self._validation_by_round,
            "coverage_curve": last["coverage_curve"],
            "confusion": last["confusion"],
            "by_class": labels_by_class(
                self.ledger, last["validation_of_class"], last["correct_of_class"], self.confidence
            ),
            "examples": {
                "near_threshold": self._examples(last["near_threshold"]),
                "least_confident": self._examples(
                    least_confident(self._unlearned, self.ledger.mask(State.AUTO))
                ),
                "likely_label_errors": self._examples(likely_label_errors(self._unlearned, self.ledger)),
            },
        }

    def _examples(self, ids: Ids) -> list[dict[str, Any]]:
        unlearned, people = self._unlearned, self.ledger.mask(State.HUMAN, State.VALIDATION)
        return [
            {
                "id": number,
                "model": int(unlearned.label[number]),
                "confidence": round(float(unlearned.confidence[number]), 4),
                "margin": round(float(unlearned.margin[number]), 4),
                "round": int(unlearned.round[number]),
                "people": int(self.ledger.labels[number]) if people[number] else None,
                "outcome": self.ledger.state_of(number).name.lower(),
            }
            for number in ids.tolist()
        ]


def coverage_curve(
    scores: Floats, correct: Bools, confidence: float, threshold: float | None = None
) -> list[dict[str, Any]]:
    """Accuracy of the objects whose score is at least s, for descending s; one point a distinct score.

    `scores` and `correct`, shape (objects,). Each point has the exact one-sided lower bound on the accuracy
    (Clopper & Pearson, 1934) at `confidence`. Long curves are thinned to about MOST_CURVE_POINTS; the last
    point, and the one at the threshold, stay.
    """
    if not len(scores):
        return []
    order = np.argsort(-scores, kind="stable")
    ranked, right = scores[order], np.cumsum(correct[order])
    ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)) + 1
    step = -(-len(ends) // MOST_CURVE_POINTS)
    kept = set(ends[::-1][::step].tolist())
    if threshold is not None and (above := int((ranked >= threshold).sum())):
        kept.add(above)
    return [_curve_point(covered, int(right[covered - 1]), ranked, confidence) for covered in sorted(kept)]


def _curve_point(covered: int, right: int, ranked: Floats, confidence: float) -> dict[str, Any]:
    return {
        "covered": covered,
        "coverage": covered / len(ranked),
        "accuracy": right / covered,
        "bound": lower_accuracy_bound(right, covered, confidence),
        "score": float(ranked[covered - 1]),
    }


def lower_accuracy_bound(correct: int, objects: int, confidence: float) -> float:
    """Clopper-Pearson's one-sided lower bound on an accuracy; 0 when there are no objects."""
    return float(special.betaincinv(correct, objects - correct + 1, 1 - confidence)) if correct else 0.0


def accuracy_interval(correct: int, objects: int, confidence: float) -> tuple[float, float]:
    """Clopper-Pearson's two-sided interval on an accuracy."""
    one_sided = (1 + confidence) / 2
    high = 1 - lower_accuracy_bound(objects - correct, objects, one_sided) if objects else 1.0
    return lower_accuracy_bound(correct, objects, one_sided), high


def confusion(people: npt.NDArray[np.int16], model: npt.NDArray[np.int16]) -> dict[str, Any]:
    """How often people's label met the model's: `pairs` of (people, model, objects), most frequent first.

    Objects the model could not read are left out and counted; so are the rarest pairs past MOST_CONFUSIONS.
    """
    read = model != NO_LABEL
    pairs, numbers = np.unique(np.stack([people[read], model[read]], axis=1), axis=0, return_counts=True)
    order = np.argsort(-numbers, kind="stable")[:MOST_CONFUSIONS]
    return {
        "pairs": [[*pairs[row].tolist(), int(numbers[row])] for row in order.tolist()],
        "objects": int(read.sum()),
        "unread": int((~read).sum()),
        "pairs_left_out": max(0, len(numbers) - MOST_CONFUSIONS),
    }


def labels_by_class(
    ledger: Ledger, validation: npt.NDArray[np.int64], correct: npt.NDArray[np.int64], confidence: float
) -> list[dict[str, Any]]:
    """Of each class: labels by people and by the model, and how many validation objects the model got right.

    `validation` and `correct`, shape (classes,): the last model's validation objects by people's label.
    """
    classes = len(validation)
    people = np.bincount(ledger.labels[ledger.ids(State.HUMAN, State.VALIDATION)], minlength=classes)
    auto = np.bincount(ledger.labels[ledger.ids(State.AUTO)], minlength=classes)
    return [
        {
            "class": index,
            "human": int(people[index]),
            "auto": int(auto[index]),
            "validation": int(validation[index]),
            "correct": int(correct[index]),
            "bound": lower_accuracy_bound(int(correct[index]), int(validation[index]), confidence),
        }
        for index in range(classes)
    ]


def near_threshold(margin: Floats, pool: Bools, threshold: float | None, count: int = EXAMPLES) -> Ids:
    """Pool objects whose margin lies nearest the threshold, nearest first; none without a threshold."""
    if threshold is None:
        return np.empty(0, np.int64)
    ids = np.flatnonzero(pool)
    return ids[np.argsort(np.abs(margin[ids] - threshold), kind="stable")[:count]]


def least_confident(unlearned: Unlearned, auto: Bools, count: int = EXAMPLES) -> Ids:
    """Auto-labeled objects with the smallest margin in the round that labeled them, smallest first."""
    ids = np.flatnonzero(auto & (unlearned.label != NO_LABEL))
    return ids[np.argsort(unlearned.margin[ids], kind="stable")[:count]]


def likely_label_errors(unlearned: Unlearned, ledger: Ledger, count: int = EXAMPLES) -> Ids:
    """Objects whose label by people a model contradicted that had not learned from it, most confident first.

    The idea of confident learning (Northcutt, Jiang & Chuang, 2021), on predictions made before people
    answered or for the validation set, in place of cross-validated ones.
    """
    people = ledger.mask(State.HUMAN, State.VALIDATION)
    contradicted = people & (unlearned.label != NO_LABEL) & (unlearned.label != ledger.labels)
    ids = np.flatnonzero(contradicted)
    return ids[np.argsort(-unlearned.confidence[ids], kind="stable")[:count]]


@dataclass(frozen=True)
class InversePowerLaw:
    """accuracy = limit - factor * labels ** -decay"""

    limit: float
    factor: float
    decay: float

    def at(self, labels: float) -> float:
        return float(np.clip(self.limit - self.factor * labels**-self.decay, 0, 1))


FEWEST_FOR_A_LAW = 4  # three parameters, and one point that may contradict them
_DECAYS = np.linspace(0.05, 2.0, 79)


def fit_inverse_power_law(
    labels: Sequence[float], accuracies: Sequence[float], weights: Sequence[float]
) -> InversePowerLaw | None:
    """Weighted least squares fit of a learning curve (Figueroa et al., 2012), with 0 < limit <= 1.

    None when there are fewer than FEWEST_FOR_A_LAW different numbers of labels, or accuracy does not rise.
    """
    if len(set(labels)) < FEWEST_FOR_A_LAW:
        return None
    x, y, w = (np.asarray(values, np.float64) for values in (labels, accuracies, weights))
    laws = [law for decay in _DECAYS.tolist() if (law := _law_with_decay(x, y, w, decay)) is not None]
    return min(laws, key=lambda law: _misfit(law, x, y, w), default=None)


def _law_with_decay(x: Floats, y: Floats, w: Floats, decay: float) -> InversePowerLaw | None:
    fallen = x**-decay
    mean_fallen, mean_y = np.average(fallen, weights=w), np.average(y, weights=w)
    slope = np.sum(w * (fallen - mean_fallen) * (y - mean_y)) / np.sum(w * (fallen - mean_fallen) ** 2)
    limit = mean_y - slope * mean_fallen
    if limit > 1:
        limit = 1.0
        slope = -np.sum(w * fallen * (1 - y)) / np.sum(w * fallen**2)
    return InversePowerLaw(float(limit), float(-slope), decay) if slope < 0 < limit else None


def _misfit(law: InversePowerLaw, x: Floats, y: Floats, w: Floats) -> float:
    return float(np.sum(w * (law.limit - law.factor * x**-law.decay - y) ** 2))


def example_ids(evidence: dict[str, Any] | None) -> set[int]:
    """Ids of the objects whose text the report shows."""
    groups = evidence["examples"].values() if evidence else ()
    return {example["id"] for group in groups for example in group}


def with_excerpts(evidence: dict[str, Any] | None, records: dict[int, dict[str, Any]]) -> None:
    """Put each example's line number and the beginning of its text, or its source-ref, in place of its id."""
    for group in evidence["examples"].values() if evidence else ():
        for example in group:
            number = example.pop("id")
            record = records.get(number, {})
            example["line"] = number + 1
            for key in ("source", "source-ref"):
                if key in record:
                    example[key] = str(record[key])[:LONGEST_EXCERPT]
