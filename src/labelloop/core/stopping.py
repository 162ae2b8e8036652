"""What the loop does next, and why it stops.

It always stops: a round that labels nothing counts as idle, and idle rounds are counted.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

from labelloop.core.ledger import Counts

MOST_IDLE_ROUNDS = 2
# Under a large BatchSize people are asked in smaller batches near the end, but never fewer than this share.
LEAST_BATCH = 0.02


class Next(StrEnum):
    """The branches of the state machine's `NextAction`."""

    SELECT = "SELECT"  # ask people, without a model, or on in a test
    TRAIN = "TRAIN"  # train, predict, auto-label, then ask people
    EXPORT = "EXPORT"  # stop
    ASK = "ASK"  # only on resuming: people were chosen objects for, but gave no answer yet
    MERGE = "MERGE"  # only on resuming: people's answers are there, but not yet merged


@dataclass(frozen=True)
class Limits:
    """Counts of data objects, fixed at the start of the run."""

    start: int
    validation: int  # kept from training from the first model on: under the policy `blog`
    batch: int
    new_human_labels: int
    rounds: int
    fewest_draws: int  # with fewer, a test could certify nothing


@dataclass(frozen=True)
class Progress:
    """Where the loop stands after a merge."""

    counts: Counts
    labels_in_input: int  # human labels the input brought
    round_number: int  # rounds done
    new_human_labels: int  # in the last round
    idle_rounds: int  # rounds in a row without a new label
    repeated_answers: int = 0  # about objects that people had answered about before
    testing: bool = False  # a certificate is being tested
    committed: bool = False  # the model's labels are in: people label what is left

    def human_labels_left(self, limits: Limits) -> int:
        """How many more answers people may be asked for."""
        given = self.counts.human_labels - self.labels_in_input + self.repeated_answers
        return max(0, limits.new_human_labels - given)

    def is_last_round(self, limits: Limits) -> bool:
        """Whether the round to come is the last in which the model can be of use."""
        return self.counts.pool <= limits.batch or self.round_number + 1 >= limits.rounds


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
    if progress.testing or progress.counts.human_labels < limits.start:
        return Decision(Next.SELECT)
    return Decision(Next.TRAIN if worth_training(progress, limits) else Next.SELECT)


def worth_training(progress: Progress, limits: Limits) -> bool:
    """Whether a model could save any label."""
    counts = progress.counts
    return not progress.committed and counts.human_labels >= 2 and counts.pool > limits.fewest_draws


def objects_to_ask(progress: Progress, limits: Limits, *, left_to_people: int | None = None) -> int:
    """How many pool objects people are asked about: a batch, or what is missing to the first model.

    All that is left where no model can help (any more). `left_to_people`: how many pool objects the model
    cannot be hoped to label, where there is a model: a large batch is cut to half of them, for most of them
    the next model may label. Never more answers than are left to ask for.
    """
    counts = progress.counts
    if progress.committed or counts.pool <= limits.fewest_draws:
        wanted = counts.pool
    elif counts.human_labels < limits.start:
        wanted = limits.start - counts.human_labels
    elif not worth_training(progress, limits):
        wanted = counts.pool
    elif left_to_people is None:
        wanted = limits.batch
    else:
        wanted = next_batch(limits, counts.input, left_to_people)
    return min(wanted, progress.human_labels_left(limits))


def next_batch(limits: Limits, data_objects: int, left_to_people: int) -> int:
    """A batch, cut to half of what the model cannot be hoped to label, but not below a share of the input."""
    least = math.ceil(LEAST_BATCH * data_objects)
    return min(limits.batch, max(least, math.ceil(left_to_people / 2)))


def _reason_to_stop(progress: Progress, limits: Limits) -> str | None:
    if progress.counts.pool == 0:
        return _complete(progress.counts)
    if progress.idle_rounds >= MOST_IDLE_ROUNDS:
        return f"people gave no new label in {progress.idle_rounds} rounds in a row"
    if progress.round_number >= limits.rounds:
        return f"the limit of {limits.rounds} rounds (MaxRounds) is reached"
    if progress.human_labels_left(limits) == 0 and not _learns_the_last_labels(progress, limits):
        return f"the limit of {limits.new_human_labels} human labels (MaxHumanLabels, MaxCost) is reached"
    return None


def _learns_the_last_labels(progress: Progress, limits: Limits) -> bool:
    """Where labels need no test, the model may still give some when people can be asked no more."""
    return limits.fewest_draws == 0 and progress.new_human_labels > 0 and worth_training(progress, limits)


def _complete(counts: Counts) -> str:
    if counts.failed:
        return "every data object has a label or a reason why it can have none"
    return "every data object is labeled"
