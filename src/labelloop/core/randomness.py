"""One named random stream for each purpose and round, all from the run's seed."""

import zlib

import numpy as np


def random_stream(seed: int, purpose: str, round_number: int = 0) -> np.random.Generator:
    """A generator that depends only on its arguments: a retried step draws the same numbers again."""
    return np.random.default_rng([seed, zlib.crc32(purpose.encode()), round_number])
