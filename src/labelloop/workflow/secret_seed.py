"""The secret seed of a run that is given none."""

import secrets

from labelloop.core.randomness import SECRET_BITS, secret_digits


def draw_secret_seed() -> str:
    """A seed that nobody knows."""
    return secret_digits(secrets.randbits(SECRET_BITS))
