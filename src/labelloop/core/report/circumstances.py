"""What a certificate says besides its bound: where its draws come from, and what was tried before it."""

from labelloop.core.randomness import Seed
from labelloop.core.records import Lineage


def draws_in_words(seed: Seed, *, was_secret: bool) -> str:
    """Where the draws of a run come from, and what that means."""
    if was_secret:
        return f"drawn with the random seed {seed}, which was secret until the run ended"
    return (
        f"drawn with the given seed {seed}: the run can be repeated, but whoever knew the seed could know "
        "beforehand what would be drawn"
    )


def lineage_in_words(lineage: Lineage) -> str:
    """What the executions of a lineage have spent, and what cannot be known."""
    tests = "1 test" if lineage.tests == 1 else f"{lineage.tests} tests"
    executions = "this execution" if lineage.executions == 1 else f"{lineage.executions} executions"
    resumed = "" if lineage.executions == 1 else " that go on from the same first one"
    return (
        f"{tests} of {executions}{resumed} took {lineage.chance_spent:.3g} of the chance of a wrong "
        "certificate. "
        "Runs begun anew, on this input or a copy of it, are not counted: they cannot be seen from here"
    )
