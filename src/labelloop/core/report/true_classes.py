"""Which classes the auto-labels miss, by people's answers about objects that were drawn at random."""

import math
from collections.abc import Iterable, Sequence

from labelloop.core.records import RoundRecord, TrueClass, Verdict

# Spot checks count if their round's model had at least this share of the labels that the tested one had: what
# an early model missed, a later one may have learned.
_LEAST_LABELS = 0.5
# "Most" is said if so many wrong ones would be this rare in a class of which half is missed: three of three.
_BY_CHANCE = 0.15


def true_classes(rounds: Sequence[RoundRecord]) -> tuple[TrueClass, ...]:
    """What spot checks and the draws of the test that passed say together; empty if none has passed."""
    passed = [record for record in rounds if record.test and record.test.verdict == Verdict.PASSED]
    if not passed:
        return ()
    tested = max((each.human_labels_before for each in rounds if each.trained), default=0)
    spot_checks = (
        entry
        for each in rounds
        if each.trained and each.human_labels_before >= _LEAST_LABELS * tested
        for entry in each.spot_checks_by_class
    )
    drawn = (entry for each in passed for entry in each.draws_by_class)
    return _added((*drawn, *spot_checks))


def missed(entries: Iterable[TrueClass]) -> list[TrueClass]:
    """The classes most of whose objects the model probably gave another label."""
    return [entry for entry in entries if _is_missed(entry)]


def missed_in_words(entries: Iterable[TrueClass], classes: Sequence[str]) -> list[str]:
    """A sentence for each class that is mostly missed."""
    return [
        f"Of class {classes[entry.class_index]}, the auto-labels probably miss most: {entry.wrong} of "
        f"{entry.seen} seen were wrong."
        for entry in missed(entries)
    ]


def _is_missed(entry: TrueClass) -> bool:
    as_many = sum(math.comb(entry.seen, wrong) for wrong in range(entry.wrong, entry.seen + 1))
    # The doubtful are drawn more often: what they represent must be mostly wrong too.
    return as_many / 2**entry.seen <= _BY_CHANCE and entry.wrong_objects >= entry.objects / 2


def _added(entries: Iterable[TrueClass]) -> tuple[TrueClass, ...]:
    sums = dict[int, TrueClass]()
    for entry in entries:
        before = sums.get(entry.class_index)
        sums[entry.class_index] = entry if before is None else before.plus(entry)
    return tuple(sums[index] for index in sorted(sums))
