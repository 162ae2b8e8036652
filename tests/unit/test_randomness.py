"""Streams of a given seed are those they always were; those of a secret seed do not tell it."""

import zlib

import numpy as np
import pytest

from labelloop.core.errors import RequestError
from labelloop.core.randomness import (
    SMALL_SEEDS,
    as_written,
    random_stream,
    seed_number,
    seed_of_model,
)
from labelloop.workflow.request import parse_settings
from labelloop.workflow.secret_seed import draw_secret_seed

SECRET = "0123456789abcdef" * 2


@pytest.mark.parametrize("seed", [0, 1, SMALL_SEEDS - 1])
def test_a_given_seed_draws_what_it_always_drew(seed: int) -> None:
    before = np.random.default_rng([seed, zlib.crc32(b"audit"), 3])
    assert random_stream(seed_number(seed), "audit", 3).random() == before.random()
    assert as_written(seed_number(seed)) == seed
    assert seed_of_model(seed) == seed


def test_secret_seeds_differ_and_are_no_given_ones() -> None:
    drawn = {draw_secret_seed() for _ in range(100)}
    assert len(drawn) == 100
    for seed in (*drawn, "0" * 32):
        assert seed_number(seed) >= SMALL_SEEDS
        assert as_written(seed_number(seed)) == seed


def test_streams_of_a_secret_seed_are_repeatable_and_apart() -> None:
    number = seed_number(SECRET)
    firsts = [
        random_stream(number, purpose, round_number).random()
        for purpose in ("audit", "selection")
        for round_number in (1, 2)
    ]
    assert len(set(firsts)) == 4
    assert random_stream(number, "audit", 1).random() == firsts[0]
    assert random_stream(number + 1, "audit", 1).random() != firsts[0]


def test_a_model_never_gets_the_secret_seed() -> None:
    """A model that knows it could err where nothing will be drawn."""
    number = seed_number(SECRET)
    assert 0 <= seed_of_model(number) < 2**31
    assert number % 2**31 != seed_of_model(number)


def test_a_request_gives_a_small_seed_or_a_secret_one_to_repeat_its_draws() -> None:
    assert parse_settings({}).seed is None
    assert parse_settings({"Seed": 7}).loop_settings().seed == 7
    assert parse_settings({"Seed": SECRET}).loop_settings().seed == seed_number(SECRET)
    assert parse_settings({}).loop_settings(secret_seed=SECRET).seed == seed_number(SECRET)
    for wrong in (-1, SMALL_SEEDS, "7", SECRET.upper(), 1.5):
        with pytest.raises(RequestError, match="Seed"):
            parse_settings({"Seed": wrong})
