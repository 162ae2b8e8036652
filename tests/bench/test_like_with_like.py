"""The measurement of a grid of objects that are alike."""

import numpy as np

from bench.like_with_like import Person, groups_of, in_groups, one_by_one

# Objects 0 to 8 are alike, and so are 9 to 17.
NEAR = np.array([[other for other in range(9 * (i // 9), 9 * (i // 9) + 9) if other != i] for i in range(18)])
FLAWLESS = Person(misreads=0.0, overlooks=0.0)


def test_groups_hold_what_is_alike_and_each_object_once() -> None:
    groups = groups_of(NEAR)
    assert [set(group.tolist()) for group in groups] == [set(range(9)), set(range(9, 18))]


def test_a_grid_saves_time_only_where_groups_have_one_class() -> None:
    texts, rng = ["x" * 40] * 18, np.random.default_rng(0)
    alone = one_by_one(FLAWLESS, texts, rng)
    pure = in_groups(FLAWLESS, texts, np.repeat([0, 1], 9), NEAR, rng)
    mixed = in_groups(FLAWLESS, texts, np.arange(18) % 2, NEAR, rng)
    assert pure.seconds < alone.seconds < mixed.seconds
    assert (pure.taken_out, pure.wrong, mixed.wrong) == (0.0, 0.0, 0.0)
    overlooked = in_groups(Person(misreads=0.0, overlooks=1.0), texts, np.arange(18) % 2, NEAR, rng)
    assert overlooked.wrong == mixed.taken_out
