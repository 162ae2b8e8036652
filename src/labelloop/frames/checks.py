"""Arguments that more than one function takes, checked before anything is read or asked."""

import math
from typing import get_args

from labelloop.core.certificate.promise import CertificateFor
from labelloop.core.errors import RequestError
from labelloop.core.randomness import SMALL_SEEDS
from labelloop.preparation.errors import OptionError


def require_promise(*, target_error: float, confidence: float, certificate_for: str) -> None:
    """Raises OptionError for what cannot be promised."""
    for name, share in {"target_error": target_error, "confidence": confidence}.items():
        if not 0 < share < 1:
            raise OptionError(f"{name}={share} is not a share above 0 and below 1, such as 0.05")
    if certificate_for not in get_args(CertificateFor):
        known = ", ".join(map(repr, get_args(CertificateFor)))
        raise OptionError(f"certificate_for={certificate_for!r} is not one of {known}")


def require_sizes(*, budget: float | None, batch_size: float | None) -> None:
    """Raises OptionError for a number of answers that is none."""
    for name, size in {"budget": budget, "batch_size": batch_size}.items():
        if size is not None and not 0 < size < math.inf:
            raise OptionError(f"{name}={size} is not a number of answers above 0")


def require_seed(seed: int | None) -> None:
    """Raises OptionError for what is no seed."""
    if seed is not None and not 0 <= seed < SMALL_SEEDS:
        raise OptionError(f"seed={seed} is not a number from 0 to {SMALL_SEEDS - 1:,}")


def require_people(people: object, out: object) -> None:
    """Raises RequestError for nobody, and for people whose answers would be lost."""
    if not callable(people) and people not in ("workbench", "simulated"):
        raise RequestError(f'people={people!r} is neither "workbench", nor "simulated", nor a function')
    if people == "workbench" and out is None:
        raise RequestError("the workbench keeps people's answers in files: say where with out=")
