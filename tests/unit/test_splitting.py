import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from labelloop.core.ledger import Ledger, State
from labelloop.core.model.splitting import draw_validation_set, split_with_holdout, split_with_validation_set
from labelloop.core.randomness import random_stream


def labeled_ledger(size: int, labeled: int) -> Ledger:
    ledger = Ledger.of_size(size)
    ledger.label(np.arange(labeled), [0] * labeled, State.HUMAN, 1)
    return ledger


@given(st.integers(1, 50), st.integers(0, 60), st.integers(0, 5))
def test_validation_is_drawn_from_human_labels_and_leaves_something_to_train_on(
    labeled: int, size: int, seed: int
) -> None:
    ledger = labeled_ledger(60, labeled)
    draw_validation_set(ledger, size, random_stream(seed, "validation set"))
    counts = ledger.counts()
    assert counts.validation == min(size, labeled - 1)
    assert counts.human_labels == labeled
    assert counts.pool == 60 - labeled


def test_the_validation_set_is_drawn_uniformly() -> None:
    drawn = np.zeros(40)
    for seed in range(600):
        ledger = labeled_ledger(40, 40)
        draw_validation_set(ledger, 10, random_stream(seed, "validation set"))
        drawn += ledger.mask(State.VALIDATION)
    # 600 * 10 / 40 = 150 draws each, standard deviation about 10.6.
    assert abs(drawn - 150).max() < 45


@given(st.integers(1, 80), st.integers(0, 9))
def test_the_holdout_is_a_tenth_and_no_label_is_in_two_channels(labeled: int, round_number: int) -> None:
    ledger = labeled_ledger(100, labeled)
    draw_validation_set(ledger, 5, random_stream(0, "validation set"))
    split = split_with_holdout(ledger, 0.1, random_stream(0, "holdout", round_number))
    together = np.sort(np.concatenate([split.train, split.holdout]))
    assert together.tolist() == ledger.ids(State.HUMAN).tolist()
    assert len(split.holdout) == len(together) // 10


def test_the_posts_split_hands_the_validation_set_to_the_container() -> None:
    ledger = labeled_ledger(30, 20)
    draw_validation_set(ledger, 5, random_stream(0, "validation set"))
    split = split_with_validation_set(ledger)
    assert split.holdout.tolist() == ledger.ids(State.VALIDATION).tolist()
    assert split.train.tolist() == ledger.ids(State.HUMAN).tolist()
