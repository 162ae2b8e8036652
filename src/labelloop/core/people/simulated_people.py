"""People who know the truth, and make mistakes at a rate of your choice."""

import csv
import random
import re
from array import array
from collections.abc import Iterable, Iterator
from typing import Protocol, TypeAlias

from labelloop.core.errors import TruthError
from labelloop.core.ledger import NO_LABEL
from labelloop.core.manifest.label_categories import LabelCategories
from labelloop.core.manifest.lines import ID_KEY, LabelAttribute, labeled_line, object_id

# Class index by object id, -1 where nobody knows: two bytes an object.
Truth: TypeAlias = "array[int]"


def read_truth(lines: Iterable[str], categories: LabelCategories) -> Truth:
    """Read `labelloop-id,source,label` (CSV with that header).

    A row without a label is an object nobody can answer. Raises TruthError naming the row that is wrong.
    """
    rows = csv.DictReader(lines)
    missing = {ID_KEY, "label"} - set(rows.fieldnames or ())
    if missing:
        raise TruthError(f"the truth file has no column {' and no column '.join(sorted(missing))}")
    index_of = {name: index for index, name in enumerate(categories.names)}
    truth: Truth = array("h")
    for row in rows:
        place = f"line {rows.line_num} of the truth file"
        object_id, label = row[ID_KEY] or "", row["label"]
        if not (object_id.isascii() and object_id.isdigit() and len(object_id) < 10):
            raise TruthError(f"{place}: {ID_KEY} is {object_id!r}, not a number")
        if label and label not in index_of:
            raise TruthError(f"{place}: {label!r} is not in the label category file")
        truth.extend([NO_LABEL] * (int(object_id) + 1 - len(truth)))
        truth[int(object_id)] = index_of[label] if label else NO_LABEL
    return truth


_ROUND = re.compile(r"-(r\d+)")  # in the name of a labeling job


class Faults(Protocol):
    """How people fail, as a request says."""

    @property
    def error_rate(self) -> float: ...

    @property
    def unanswered_share(self) -> float: ...

    @property
    def seed(self) -> int: ...


class SimulatedPeople:
    """Answers about data objects. Asked again about an object, people decide again."""

    def __init__(
        self,
        truth: Truth,
        categories: LabelCategories,
        *,
        error_rate: float = 0.0,
        unanswered_share: float = 0.0,
        seed: int = 0,
    ) -> None:
        self._truth = truth
        self._categories = categories
        self._error_rate = error_rate
        self._unanswered_share = unanswered_share
        self._seed = seed

    @classmethod
    def with_faults(cls, truth: Truth, categories: LabelCategories, faults: Faults) -> "SimulatedPeople":
        """People who err and stay silent as the request says."""
        return cls(
            truth,
            categories,
            error_rate=faults.error_rate,
            unanswered_share=faults.unanswered_share,
            seed=faults.seed,
        )

    def answer(self, object_id: int, occasion: str = "") -> int | None:
        """The class index people give the object, None when they do not answer.

        Whether people can answer at all is the object's; a mistake is a person's, and whoever is asked on
        another occasion may make none.
        """
        rng = random.Random(f"{self._seed}:{object_id}")  # noqa: S311 - a simulation, not a secret
        true_label = self._truth[object_id] if object_id < len(self._truth) else NO_LABEL
        if rng.random() < self._unanswered_share or true_label == NO_LABEL:
            return None
        rng = random.Random(f"{self._seed}:{object_id}:{occasion}")  # noqa: S311
        if rng.random() < self._error_rate:
            return rng.choice([label for label in range(len(self._categories)) if label != true_label])
        return true_label

    def label_manifest(
        self, working_lines: Iterable[bytes], attribute: LabelAttribute, *, job_name: str, time: str
    ) -> Iterator[bytes]:
        """Ground Truth's output manifest for an input manifest; unanswered, a line stays as it was."""
        # Not the whole name, which differs between runs: a repeated run must get the same answers.
        occasion = "".join(_ROUND.findall(job_name)[-1:])
        for line in working_lines:
            label = self.answer(object_id(line), occasion)
            if label is None:
                yield line
            else:
                name = self._categories.names[label]
                yield labeled_line(line, attribute, label, class_name=name, time=time, job_name=job_name)
