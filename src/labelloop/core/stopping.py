"""What the loop does next, and why it stops.

It always stops: a round that labels nothing counts as idle, and idle rounds are counted.
"""

from dataclasses import dataclass
from enum import StrEnum

from labelloop.core.ledger import Counts

MOST_IDLE_ROUNDS = 2


class Next(StrEnum):
    """The branches of the state machine's `NextAction`."""

    SELECT = "SELECT"  # ask people, without a model
    TRAIN = "TRAIN"  # train, predict, auto-label, then ask people
    EXPORT = "EXPORT"  # stop
    ASK = "ASK"  # only on resuming: people were chosen objects for, but gave no answer yet
    MERGE = "MERGE"  # only on resuming: people's answers are there, but not yet merged


@dataclass(frozen=True)
class Limits:
    """Counts of data objects, fixed at the start of the run."""

    start: int
    validation: int
    batch: int
    new_human_labels: int
    rounds: int
    fewest_validation: int  # with fewer, the first test could certify nothing and training has no use


@dataclass(frozen=True)
class Progress:
    """Where the loop stands after a merge."""

    counts: Counts
    labels_in_input: int  # human labels the input brought
    unusable_for_validation: int  # of these, those the validation set may not be drawn from
    round_number: int  # rounds done
    new_human_labels: int  # in the last round
    idle_rounds: int  # rounds in a row without a new label
    validation_drawn: bool = False
    committed: bool = False  # the model's labels are in: people label what is left

    def human_labels_left(self, limits: Limits) -> int:
        """How many more labels people may be asked for."""
        return max(0, limits.new_human_labels - (self.counts.human_labels - self.labels_in_input))

    def missing_to_start(self, limits: Limits) -> int:
        """How many more randomly chosen objects people must label before the first model is trained."""
        if self.validation_drawn:
            return 0
        random_labels = self.counts.human_labels - self.unusable_for_validation
        return max(0, limits.start - self.counts.human_labels, limits.validation - random_labels)

    def is_last_round(self, limits: Limits) -> bool:
        """Whether the round to come is the last in which the model can be of use."""
        return (
            self.counts.pool <= limits.batch
            or self.human_labels_left(limits) == 0
            or self.round_number + 1 >= limits.rounds
        )


@dataclass(frozen=True)
class Decision:
    next: Next
    stopped_because: str | None = None


def decide(progress: Progress, limits: Limits) -> Decision:
    """Choose the next branch; the reason is given when the loop stops."""
    reason = _reason_to_stop(progress, limits)
    if reason:
        return Decision(Next.EXPORT, reason)
    if progress.human_labels_left(limits) == 0:
        return Decision(Next.TRAIN)
    if progress.missing_to_start(limits) or not worth_training(progress, limits):
        return Decision(Next.SELECT)
    return Decision(Next.TRAIN)


def worth_training(progress: Progress, limits: Limits) -> bool:
    """Whether a model could get any label certified."""
    labels = progress.counts.human_labels
    if progress.committed:
        return False
    if progress.validation_drawn:
        return progress.counts.validation >= limits.fewest_validation
    return labels >= 2 and min(limits.validation, labels - 1) >= limits.fewest_validation


def objects_to_ask(progress: Progress, limits: Limits, *, with_model: bool, certified: bool) -> int:
    """How many pool objects people are asked about: a batch; without a model, what is missing to the start.

    All that is left where no model can help (any more). Never more labels than are left to ask for.
    """
    if certified or limits.validation < limits.fewest_validation:
        wanted = progress.counts.pool
    elif with_model:
        wanted = limits.batch
    elif missing := progress.missing_to_start(limits):
        wanted = missing
    else:
        wanted = limits.batch if worth_training(progress, limits) else progress.counts.pool
    return min(wanted, progress.human_labels_left(limits))


def _reason_to_stop(progress: Progress, limits: Limits) -> str | None:
    if progress.counts.pool == 0:
        return _complete(progress.counts)
    if progress.idle_rounds >= MOST_IDLE_ROUNDS:
        return f"people gave no new label in {progress.idle_rounds} rounds in a row"
    if progress.round_number >= limits.rounds:
        return f"the limit of {limits.rounds} rounds (MaxRounds) is reached"
    if progress.human_labels_left(limits) == 0 and not (
        progress.new_human_labels and worth_training(progress, limits)
    ):
        return f"the limit of {limits.new_human_labels} human labels (MaxHumanLabels) is reached"
    return None


def _complete(counts: Counts) -> str:
    if counts.failed:
        return "every data object has a label or a reason why it can have none"
    return "every data object is labeled"
