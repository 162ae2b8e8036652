"""One named random stream for each purpose and round, all from the run's seed.

A run that is given no seed has a secret one. Whoever sees what one stream drew, the first batch for instance,
must not be able to find out what another will draw. So a secret seed is too large to be guessed, and a hash
separates its streams. A given seed is a small number, and its streams are no secret.
"""

import hashlib
import re
import zlib

import numpy as np

Seed = int | str  # as a request or a report has it: a small number, or a large one in hexadecimal digits
SMALL_SEEDS = 2**32
SECRET_BITS = 128
SECRET_SEED = re.compile(rf"[0-9a-f]{{{SECRET_BITS // 4}}}")


def seed_number(seed: Seed) -> int:
    """A secret seed is never a small number."""
    return seed if isinstance(seed, int) else SMALL_SEEDS + int(seed, 16)


def as_written(number: int) -> Seed:
    """The reverse of `seed_number`. JSON has no numbers as large as a secret seed."""
    return number if number < SMALL_SEEDS else secret_digits(number - SMALL_SEEDS)


def secret_digits(bits: int) -> str:
    """A secret seed as it is written."""
    return f"{bits:0{SECRET_BITS // 4}x}"


def random_stream(seed: int, purpose: str, round_number: int = 0) -> np.random.Generator:
    """A generator that depends only on its arguments: a retried step draws the same numbers again."""
    if seed < SMALL_SEEDS:
        return np.random.default_rng([seed, zlib.crc32(purpose.encode()), round_number])
    return np.random.default_rng(_derived(seed, purpose, round_number))


def seed_of_model(seed: int) -> int:
    """The seed that a model may know: with the run's secret one, it could err where nothing will be drawn."""
    return seed if seed < SMALL_SEEDS else _derived(seed, "model", 0) % 2**31


def _derived(seed: int, purpose: str, round_number: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed:x} {purpose} {round_number}".encode()).digest())
