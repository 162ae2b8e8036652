"""What the predictions of a run's models say beside the labels they led to: accuracy against coverage,
confusion, numbers by class, and the data objects worth a look.

Everything is computed from the predictions for objects that a model had not learned from. At the end of a run
people have labeled most of them; for those that the model labeled stand the ones drawn for its test.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from labelloop.core.certificate.inverse_probability import inverse_probability_weights
from labelloop.core.ledger import NO_IDS, NO_LABEL, Ids, Ledger, State
from labelloop.core.model.predictions import Predictions
from labelloop.core.records import (
    AccuracyOfRound,
    ClassQuality,
    Confusion,
    CoveragePoint,
    Example,
    Examples,
    ModelQuality,
    RoundRecord,
    Verdict,
)
from labelloop.core.report.accuracy_bounds import AccuracyBounds

EXAMPLES = 20
MOST_CURVE_POINTS = 100
MOST_CONFUSIONS = 2500  # pairs of classes: a full matrix of 50
# Where more of what a model had not learned from is known to nobody, nothing is said of its accuracy.
MOST_NOT_KNOWN = 0.1
LONGEST_EXCERPT = 500  # characters of a data object that go into the report

Floats = npt.NDArray[np.floating[Any]]
Bools = npt.NDArray[np.bool_]


def tells_of_the_rest(ended: RoundRecord, last: RoundRecord) -> bool:
    """Whether what the test drew that ended in a round represents what nobody labeled; `last`: of the run.

    After a test that failed before the last round, labels were chosen again.
    """
    return ended is last or (ended.test is not None and ended.test.verdict == Verdict.PASSED)


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


@dataclass(frozen=True)
class _Scored:
    """A round's model on objects it had not learned from and whose label people know."""

    round: int
    threshold: float | None
    ids: Ids
    others: Floats  # how many objects nobody labeled each stands for; shape (ids,)
    sample: bool  # the objects are a validation set: a random sample
    label: npt.NDArray[np.int16]  # the model's, of every object; shape (objects,)
    not_known: int  # objects it had not learned from that nobody labeled or stands for
    expected_accuracy: float | None  # mean confidence

    @property
    def tells(self) -> bool:
        """Whether enough is known of what the model had not learned from."""
        stands_for = len(self.ids) + float(self.others.sum())
        return len(self.ids) > 0 and self.not_known <= MOST_NOT_KNOWN * (stands_for + self.not_known)


@dataclass
class ModelQualityCollector:
    """Takes in the rounds' predictions one after the other, in order, so that one round's are held at a time.

    Of the rounds before, only the labels are held. `ledger` is the run's last; `confidence` that of every
    bound; `classes` the number of classes; `chances` what `inverse_probability` makes of the
    run's last test, where there was one.
    """

    ledger: Ledger
    classes: int
    confidence: float
    chances: npt.NDArray[Any] | None = None
    _unlearned: Unlearned = field(init=False)
    _others: Floats = field(init=False)
    _represented: Bools = field(init=False)
    _rounds: list[_Scored] = field(init=False, default_factory=list)
    _margin: npt.NDArray[np.float32] = field(init=False)  # of the last round
    _near: Ids = field(init=False, default_factory=NO_IDS.copy)

    def __post_init__(self) -> None:
        self._unlearned = Unlearned.of_size(len(self.ledger))
        self._others = np.zeros(len(self.ledger))
        self._represented = np.zeros(len(self.ledger), np.bool_)
        if self.chances is not None:
            self._others, self._represented = inverse_probability_weights(self.chances, self.ledger)

    def add(self, round_number: int, seen: Ledger, predictions: Predictions, threshold: float | None) -> None:
        """Take in a round: the ledger its model saw, and what the model said of pool and validation set."""
        unseen = seen.ids(State.POOL, State.VALIDATION)
        read = unseen[predictions.present[unseen]]
        self._unlearned.take(read, predictions, round_number)
        validation, pool = seen.ids(State.VALIDATION), seen.mask(State.POOL)
        sample = len(validation) > 0
        known = validation if sample else np.flatnonzero(pool & self._labeled_by_people())
        open_objects = pool & self.ledger.mask(State.AUTO, State.POOL) & ~self._represented
        self._rounds.append(
            _Scored(
                round=round_number,
                threshold=threshold,
                ids=known,
                others=np.zeros(len(known)) if sample else self._others[known],
                sample=sample,
                label=predictions.label,
                not_known=0 if sample else int(open_objects.sum()),
                expected_accuracy=float(predictions.confidence[read].mean()) if len(read) else None,
            )
        )
        self._margin = predictions.margin
        self._near = near_threshold(predictions.margin, pool & predictions.present, threshold)

    def record(self) -> ModelQuality | None:
        """What is known by now; None when no model was asked.

        `basis`: the accuracies are those on the `validation set`, on `all objects` a model had not learned
        from, those nobody labeled by the drawn ones that stand for them, or `unknown`.
        """
        if not self._rounds:
            return None
        last = self._rounds[-1]
        people = self.ledger.labels[last.ids]
        right = np.asarray(people == last.label[last.ids])
        by_class = AccuracyBounds.of_each(people, self.classes, right, last.others, sample=last.sample)
        curve = coverage_curve(
            self._margin[last.ids],
            right,
            self.confidence,
            last.threshold,
            others=last.others,
            sample=last.sample,
        )
        return ModelQuality(
            round=last.round,
            threshold=last.threshold,
            basis=_basis(last),
            labeled=len(last.ids),
            stood_for=round(float(last.others.sum())),
            not_known=last.not_known,
            accuracy_by_round=tuple(self._summary(each) for each in self._rounds),
            coverage_curve=curve if last.tells else (),
            confusion=confusion(people, last.label[last.ids], 1 + last.others),
            by_class=labels_by_class(self.ledger, by_class, self.confidence),
            examples=Examples(
                near_threshold=self._examples(self._near),
                least_confident=self._examples(
                    least_confident(self._unlearned, self.ledger.mask(State.AUTO))
                ),
                likely_label_errors=self._examples(likely_label_errors(self._unlearned, self.ledger)),
            ),
        )

    def _labeled_by_people(self) -> Bools:
        return self.ledger.mask(State.HUMAN, State.VALIDATION)

    def _summary(self, each: _Scored) -> AccuracyOfRound:
        if not each.tells:
            return AccuracyOfRound(round=each.round, expected_accuracy=each.expected_accuracy)
        told = self._bounds(each, each.ids, each.others)
        low, high = told.interval(self.confidence)
        # Of what nobody labeled the model may have all wrong, or all right.
        known = float(told.objects[0]) / (float(told.objects[0]) + each.not_known)
        last, on_the_last = self._rounds[-1], None
        if last.tells and not last.sample:
            on_the_last = float(self._bounds(each, last.ids, last.others).accuracy[0])
        return AccuracyOfRound(
            round=each.round,
            expected_accuracy=each.expected_accuracy,
            objects=float(told.objects[0]),
            labeled=int(told.labeled[0]),
            correct=float(told.right[0]),
            accuracy=float(told.accuracy[0]),
            low=float(low[0]) * known,
            high=float(high[0]) * known + 1 - known,
            on_the_last=on_the_last,
        )

    def _bounds(self, each: _Scored, ids: Ids, others: Floats) -> AccuracyBounds:
        right = np.asarray(each.label[ids] == self.ledger.labels[ids])
        return AccuracyBounds.of_each(np.zeros(len(ids), np.int64), 1, right, others, sample=each.sample)

    def _examples(self, ids: Ids) -> tuple[Example, ...]:
        unlearned, people = self._unlearned, self._labeled_by_people()
        return tuple(
            Example(
                line=number + 1,
                model=int(unlearned.label[number]),
                confidence=round(float(unlearned.confidence[number]), 4),
                margin=round(float(unlearned.margin[number]), 4),
                round=int(unlearned.round[number]),
                people=int(self.ledger.labels[number]) if people[number] else None,
                outcome=self.ledger.state_of(number).name.lower(),
            )
            for number in ids.tolist()
        )


def _basis(last: _Scored) -> str:
    if last.sample:
        return "validation set"
    return "all objects" if last.tells else "unknown"


def coverage_curve(
    scores: Floats,
    correct: Bools,
    confidence: float,
    threshold: float | None = None,
    *,
    others: Floats | None = None,
    sample: bool = True,
) -> tuple[CoveragePoint, ...]:
    """Accuracy of the objects whose score is at least s, for descending s; one point a distinct score.

    `scores`, `correct` and `others`, how many more each object stands for, have shape (objects,). Each point
    has a one-sided lower bound on the accuracy at `confidence`, exact for a `sample` (see AccuracyBounds).
    Long curves are thinned to about MOST_CURVE_POINTS; the last point, and the one at the threshold, stay.
    """
    if not len(scores):
        return ()
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    stand_for = np.zeros(len(scores)) if others is None else others[order]
    ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    place = np.searchsorted(ends, np.arange(len(ranked)))
    above = AccuracyBounds.of_each(place, len(ends), correct[order], stand_for, sample=sample).cumulated()
    step = -(-len(ends) // MOST_CURVE_POINTS)
    kept = set(range(len(ends))[::-1][::step])
    if threshold is not None and (sure := int((ranked[ends] >= threshold).sum())):
        kept.add(sure - 1)
    total = above.objects[-1]
    points = np.array(sorted(kept))
    above = above.at(points)
    covered, accuracy, bound = above.objects, above.accuracy, above.low(confidence)
    return tuple(
        CoveragePoint(
            covered=float(covered[number]),
            coverage=float(covered[number] / total),
            accuracy=float(accuracy[number]),
            bound=float(bound[number]),
            score=float(ranked[ends[point]]),
        )
        for number, point in enumerate(points.tolist())
    )


def confusion(
    people: npt.NDArray[np.int16], model: npt.NDArray[np.int16], stand_for: Floats | None = None
) -> Confusion:
    """How often people's label met the model's: `pairs` of (people, model, objects), most frequent first.

    `stand_for`, shape (objects,): how many each counts for, itself included. Objects the model could not read
    are left out and counted; so are the rarest pairs past MOST_CONFUSIONS.
    """
    read = model != NO_LABEL
    weight = np.ones(len(people)) if stand_for is None else stand_for
    both = np.stack([people[read], model[read]], axis=1)
    pairs, of = np.unique(both, axis=0, return_inverse=True)
    numbers = np.bincount(of.ravel(), weight[read], len(pairs))
    order = np.argsort(-numbers, kind="stable")[:MOST_CONFUSIONS]
    return Confusion(
        pairs=tuple(
            (int(pairs[row][0]), int(pairs[row][1]), round(float(numbers[row]), 1)) for row in order.tolist()
        ),
        objects=round(float(weight[read].sum()), 1),
        unread=round(float(weight[~read].sum()), 1),
        pairs_left_out=max(0, len(numbers) - MOST_CONFUSIONS),
    )


def labels_by_class(ledger: Ledger, right: AccuracyBounds, confidence: float) -> tuple[ClassQuality, ...]:
    """Of each class: labels by people and by the model, and how many objects the last model got right.

    `right`: of the objects that model had not learned from, by people's label.
    """
    classes = len(right.labeled)
    people = np.bincount(ledger.labels[ledger.ids(State.HUMAN, State.VALIDATION)], minlength=classes)
    auto = np.bincount(ledger.labels[ledger.ids(State.AUTO)], minlength=classes)
    bound = right.low(confidence)
    return tuple(
        ClassQuality(
            class_index=index,
            human=int(people[index]),
            auto=int(auto[index]),
            objects=round(float(right.objects[index]), 1),
            correct=round(float(right.right[index]), 1),
            bound=float(bound[index]),
        )
        for index in range(classes)
    )


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
    answered (or for the validation set, under the policy `blog`) in place of cross-validated ones.
    """
    people = ledger.mask(State.HUMAN, State.VALIDATION)
    contradicted = people & (unlearned.label != NO_LABEL) & (unlearned.label != ledger.labels)
    ids = np.flatnonzero(contradicted)
    return ids[np.argsort(-unlearned.confidence[ids], kind="stable")[:count]]


def example_ids(quality: ModelQuality | None) -> set[int]:
    """Ids of the objects whose text the report shows."""
    return {example.line - 1 for example in quality.examples.all()} if quality else set()


def with_excerpts(quality: ModelQuality | None, records: Mapping[int, dict[str, Any]]) -> ModelQuality | None:
    """With the beginning of each example's text, or its source-ref; `records`: the data objects by id."""
    if quality is None:
        return None

    def shown(example: Example) -> Example:
        record = records.get(example.line - 1, {})
        excerpts = {
            field: str(record[key])[:longest]
            # All of an address: the report shows the image there.
            for field, key, longest in (
                ("source", "source", LONGEST_EXCERPT),
                ("source_ref", "source-ref", None),
            )
            if key in record
        }
        return example.model_copy(update=excerpts)

    return quality.model_copy(update={"examples": quality.examples.each(shown)})
