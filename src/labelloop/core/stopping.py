"""What the loop does next, and why it stops.

It always stops: a round that labels nothing is idle, and a few idle rounds in a row end the run.
"""

import math
from dataclasses import dataclass, replace
from enum import StrEnum

from labelloop.core.certificate.tuning import DEFAULT, Tuning
from labelloop.core.ledger import Counts
from labelloop.core.sizes import RoundTimes, batch_worth_the_wait


class Next(StrEnum):
    """The branches of the state machine's `NextAction`."""

    SELECT = "SELECT"  # ask people without a new model: there is none yet, or a test goes on
    TRAIN = "TRAIN"  # train, predict, auto-label, then ask people
    EXPORT = "EXPORT"  # stop
    ASK = "ASK"  # only on resuming: objects were chosen, but people have not answered yet
    ASK_MODEL = "ASK_MODEL"  # a foundation model labels: before the first round, and again if so asked for
    MERGE = "MERGE"  # only on resuming: people have answered, but the answers are not merged yet


@dataclass(frozen=True)
class Limits:
    """Counts of data objects, fixed at the start of the run."""

    start: int
    validation: int  # kept out of training from the first model on; only under the policy `blog`
    batch: int
    new_human_labels: int
    rounds: int
    fewest_draws: int  # with fewer, a test could certify nothing


@dataclass(frozen=True)
class Standing:
    """Where the loop stands after a merge."""

    counts: Counts
    labels_in_input: int  # human labels that came with the input
    round_number: int  # rounds done
    new_human_labels: int  # in the last round
    idle_rounds: int  # rounds in a row without a new label
    repeated_answers: int = 0  # about objects that people had already answered about
    testing: bool = False  # a certificate is being tested
    rest_for_people: bool = False  # the model has given its labels: people label what is left

    def human_labels_left(self, limits: Limits) -> int:
        """How many more answers people may be asked for."""
        return max(0, self.human_labels_to_come(limits) - self.counts.ahead)

    def human_labels_to_come(self, limits: Limits) -> int:
        """The same, with the answers that they are asked for ahead."""
        given = self.counts.human_labels - self.labels_in_input + self.repeated_answers
        return max(0, limits.new_human_labels - given)

    def is_last_round(self, limits: Limits) -> bool:
        """Whether the round to come is the last in which the model can be of use."""
        return self.counts.pool <= limits.batch or self.round_number + 1 >= limits.rounds


@dataclass(frozen=True)
class Decision:
    next: Next
    stopped_because: str | None = None


def decide(standing: Standing, limits: Limits, *, tuning: Tuning = DEFAULT) -> Decision:
    """Choose the next branch, with the reason if the loop stops."""
    reason = _reason_to_stop(standing, limits, tuning=tuning)
    if reason:
        # What people were given ahead is theirs until a round has heard them.
        return Decision(Next.SELECT) if standing.counts.ahead else Decision(Next.EXPORT, reason)
    if standing.human_labels_left(limits) == 0:
        return Decision(Next.TRAIN)
    if standing.testing or standing.counts.human_labels < limits.start:
        return Decision(Next.SELECT)
    return Decision(Next.TRAIN if worth_training(standing, limits) else Next.SELECT)


def worth_training(standing: Standing, limits: Limits) -> bool:
    """Whether a model could save any label."""
    counts = standing.counts
    return not standing.rest_for_people and counts.human_labels >= 2 and counts.pool > limits.fewest_draws


def only_hears_people(standing: Standing, limits: Limits, *, tuning: Tuning = DEFAULT) -> bool:
    """Whether the loop stops after the round that hears what people were given ahead."""
    return bool(standing.counts.ahead) and _reason_to_stop(standing, limits, tuning=tuning) is not None


def objects_ahead(
    standing: Standing, limits: Limits, share: float, *, asked: int, tuning: Tuning = DEFAULT
) -> int:
    """How many pool objects people get beside those of the round, to go on with while the next model learns.

    `share` is of the `asked` ones, or of a batch where that is less: the first labels are several batches.
    0 where no model will learn when people have answered those.
    """
    counts = standing.counts
    most = math.ceil(round(share * min(asked, limits.batch), 6))
    wanted = min(most, standing.human_labels_left(limits) - asked)
    if wanted <= 0:
        return 0
    answered = replace(
        counts,
        pool=counts.pool - asked - wanted,
        human=counts.human + asked,
        ahead=counts.ahead + wanted,
    )
    then = replace(standing, counts=answered, round_number=standing.round_number + 1, idle_rounds=0)
    return wanted if decide(then, limits, tuning=tuning).next == Next.TRAIN else 0


def objects_to_ask(
    standing: Standing,
    limits: Limits,
    *,
    left_to_people: int | None = None,
    times: RoundTimes | None = None,
    tuning: Tuning = DEFAULT,
) -> int:
    """How many pool objects people are asked about: a batch, or what is missing for the first model.

    All that is left if no model can help, or none can any more. `left_to_people`: how many pool objects the
    model, if there is one, is not expected to label. A large batch is cut to a part of them, since the next
    model may label the rest. `times`: how the last round went, if batches may grow with people's wait. Never
    more than the answers that may still be asked for.
    """
    counts = standing.counts
    if standing.rest_for_people or counts.pool <= limits.fewest_draws:
        wanted = counts.pool
    elif counts.human_labels < limits.start:
        wanted = limits.start - counts.human_labels
    elif not worth_training(standing, limits):
        wanted = counts.pool
    elif left_to_people is None:
        wanted = limits.batch
    else:
        wanted = next_batch(limits, counts.input, left_to_people, tuning=tuning)
        if times is not None:
            wanted = batch_worth_the_wait(wanted, times, tuning=tuning)
    return min(wanted, standing.human_labels_left(limits))


def next_batch(limits: Limits, data_objects: int, left_to_people: int, *, tuning: Tuning = DEFAULT) -> int:
    """A batch, cut to a part of what the model is not expected to label.

    Not below a share of all, nor below what is worth a training.
    """
    least = max(math.ceil(tuning.rounds.least_batch * data_objects), tuning.rounds.least_batch_labels)
    wanted = math.ceil(tuning.rounds.batch_of_left_to_people * left_to_people)
    return min(limits.batch, max(least, wanted))


def _reason_to_stop(standing: Standing, limits: Limits, *, tuning: Tuning = DEFAULT) -> str | None:
    if standing.counts.pool == 0:
        return _complete(standing.counts)
    if standing.idle_rounds >= tuning.rounds.most_idle_rounds:
        return f"people gave no new label in {standing.idle_rounds} rounds in a row"
    if standing.round_number >= limits.rounds:
        return f"the limit of {limits.rounds} rounds (MaxRounds) is reached"
    if standing.human_labels_left(limits) == 0 and not _learns_the_last_labels(standing, limits):
        return f"the limit of {limits.new_human_labels} human labels (MaxHumanLabels, MaxCost) is reached"
    return None


def _learns_the_last_labels(standing: Standing, limits: Limits) -> bool:
    """If labels need no test, the model may still give some when people cannot be asked any more."""
    return limits.fewest_draws == 0 and standing.new_human_labels > 0 and worth_training(standing, limits)


def _complete(counts: Counts) -> str:
    if counts.failed:
        return "every data object has a label or a reason why it can have none"
    return "every data object is labeled"
