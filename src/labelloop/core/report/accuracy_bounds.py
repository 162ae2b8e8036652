"""How often a model was right, and how far that can be believed."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from labelloop.core.numerics import beta_quantile, normal_quantile

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class AccuracyBounds:
    """Right answers, of one or more sets of objects; arrays of one shape, (sets,).

    Where the objects are a random `sample` of more, its accuracy has an exact bound (Clopper & Pearson,
    1934). Else those that people labeled are known for sure, and only what they stand for is estimated:
    Wilson's interval (1927) at Kish's effective sample size (1965), which is approximate.
    """

    labeled: Floats  # objects that people labeled
    labeled_right: Floats
    others: Floats  # objects nobody labeled that they stand for
    others_right: Floats
    squares: Floats  # sum of the squares of how many each stands for
    sample: bool

    @classmethod
    def of_each(
        cls,
        of: npt.NDArray[np.integer],
        sets: int,
        right: npt.NDArray[np.bool_],
        others: npt.NDArray[np.floating],
        *,
        sample: bool,
    ) -> "AccuracyBounds":
        """Of objects by the set each is `of`; shapes (objects,)."""

        def total(weight: npt.NDArray[np.floating] | None = None) -> Floats:
            return np.asarray(np.bincount(of, weight, sets), np.float64)

        return cls(
            labeled=total(),
            labeled_right=total(right.astype(np.float64)),
            others=total(others),
            others_right=total(others * right),
            squares=total(others**2),
            sample=sample,
        )

    def cumulated(self) -> "AccuracyBounds":
        """Each set with all before it."""
        return AccuracyBounds(
            np.cumsum(self.labeled),
            np.cumsum(self.labeled_right),
            np.cumsum(self.others),
            np.cumsum(self.others_right),
            np.cumsum(self.squares),
            self.sample,
        )

    def at(self, sets: npt.NDArray[np.integer]) -> "AccuracyBounds":
        """These sets only, in this order."""
        return AccuracyBounds(
            self.labeled[sets],
            self.labeled_right[sets],
            self.others[sets],
            self.others_right[sets],
            self.squares[sets],
            self.sample,
        )

    @property
    def objects(self) -> Floats:
        return self.labeled + self.others

    @property
    def right(self) -> Floats:
        return self.labeled_right + self.others_right

    @property
    def accuracy(self) -> Floats:
        """Share of right answers; 0 of no objects."""
        return _share(self.right, self.objects)

    def low(self, confidence: float) -> Floats:
        """One-sided lower bound; 0 of no objects."""
        if self.sample:
            return lower_accuracy_bound(self.labeled_right, self.labeled, confidence)
        low, _ = self._wilson(confidence)
        return _share(self.labeled_right + self.others * low, self.objects)

    def interval(self, confidence: float) -> tuple[Floats, Floats]:
        """Two-sided."""
        one_sided = (1 + confidence) / 2
        if self.sample:
            wrong = lower_accuracy_bound(self.labeled - self.labeled_right, self.labeled, one_sided)
            return lower_accuracy_bound(self.labeled_right, self.labeled, one_sided), 1 - wrong
        low, high = self._wilson(one_sided)
        return (
            _share(self.labeled_right + self.others * low, self.objects),
            _share(self.labeled_right + self.others * high, self.objects),
        )

    def _wilson(self, one_sided: float) -> tuple[Floats, Floats]:
        share, size = _share(self.others_right, self.others), _share(self.others**2, self.squares)
        z = normal_quantile(one_sided)
        middle = share * size + z**2 / 2
        reach = z * np.sqrt(share * (1 - share) * size + z**2 / 4)
        return (
            np.clip((middle - reach) / (size + z**2), 0, 1),
            np.clip((middle + reach) / (size + z**2), 0, 1),
        )


def lower_accuracy_bound(right: Floats, objects: Floats, confidence: float) -> Floats:
    """Clopper-Pearson's one-sided lower bound on an accuracy; 0 where there are no objects."""
    bound = beta_quantile(np.maximum(right, 1), objects - right + 1, 1 - confidence)
    return np.asarray(np.where(right > 0, bound, 0.0), np.float64)


def _share(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0)
