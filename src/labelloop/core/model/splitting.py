"""Which human labels the model learns from, and which are kept from it."""

from dataclasses import dataclass

import numpy as np

from labelloop.core.ledger import Ids, Ledger, State


@dataclass(frozen=True)
class Split:
    """Ids for the training job's two channels."""

    train: Ids
    holdout: Ids


def draw_validation_set(ledger: Ledger, size: int, rng: np.random.Generator) -> None:
    """Keep a random part of the human-labeled objects for validation, as the post did.

    At least one labeled object stays in the training set.
    """
    labeled = ledger.ids(State.HUMAN)
    drawn = rng.permutation(labeled)[: max(0, min(size, len(labeled) - 1))]
    ledger.keep_for_validation(np.sort(drawn))


def split_with_holdout(ledger: Ledger, share: float, rng: np.random.Generator) -> Split:
    """Hold a random share of the training labels out for the container's own use: early stopping, reporting.

    The validation set must not serve for that: the certificate would no longer hold.
    """
    labeled = ledger.ids(State.HUMAN)
    shuffled = rng.permutation(labeled)
    held = int(len(labeled) * share)
    return Split(train=np.sort(shuffled[held:]), holdout=np.sort(shuffled[:held]))


def split_with_validation_set(ledger: Ledger) -> Split:
    """Hand the validation set itself to the container, as the post did."""
    return Split(train=ledger.ids(State.HUMAN), holdout=ledger.ids(State.VALIDATION))
