"""What a certificate promises, as a number of wrong labels that its tests must rule out."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

CertificateFor = Literal["all", "class", "dataset"]
# Mathematics, not tuned: decimals to which a share of objects is rounded, for 0.05 * 20 is not quite 1.
_DECIMALS = 9


@dataclass(frozen=True)
class Promise:
    """At most a share of some labels is wrong.

    Of the labels that a test commits (`all`, and `class` for each class), or of all labels of the output,
    where those that people gave count as right (`dataset`).
    """

    target_error: float
    # Labels of the output; None where the promise is about auto-labels alone.
    output: int | None = None
    # Those by people, as far as the budget is sure to reach: with the auto-labels, they may be fewer.
    by_people: int = 0
    granted: int = 0  # wrong labels that this run's earlier certificates leave room for

    @property
    def is_of_dataset(self) -> bool:
        return self.output is not None

    @property
    def leaves_labels_open(self) -> bool:
        """Whether people cannot label all that the machine does not, by the budget."""
        return self.output is not None and self.by_people < self.output

    def allowed(self, open_objects: int, *, among: int | None = None) -> int:
        """How many labels may be wrong if a test commits those of this number of objects.

        `among`: no more than that can be wrong in all; by default, the same number.
        """
        if self.output is None:
            return share_of(self.target_error, open_objects)
        labels = min(self.output, self.by_people + open_objects)
        most = open_objects if among is None else among
        return min(most, max(0, share_of(self.target_error, labels) - self.granted))

    def share_allowed(self, open_objects: int) -> float:
        """The same as a share of these objects; 0 for none."""
        if self.output is None:
            return self.target_error
        return self.allowed(open_objects) / open_objects if open_objects else 0.0

    def shares_allowed(self, open_objects: npt.NDArray[np.integer]) -> npt.NDArray[np.float64]:
        """`share_allowed` of each number of objects, none of them 0; about, for the rounding is left out."""
        if self.output is None:
            return np.full(len(open_objects), self.target_error)
        labels = np.minimum(self.output, self.by_people + open_objects)
        allowed = np.maximum(0, np.floor(self.target_error * labels) - self.granted)
        return np.asarray(np.minimum(1.0, allowed / open_objects))


def share_of(share: float, objects: int) -> int:
    """The most objects that are no more than this share of all."""
    return math.floor(round(share * objects, _DECIMALS))
