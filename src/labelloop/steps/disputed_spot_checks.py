"""SpotChecks that people have not agreed on yet: what one round leaves to the next."""

from labelloop.core.arrays import from_bytes, to_bytes
from labelloop.core.people.second_opinions import Rows
from labelloop.core.people.spot_checks import NO_SPOT_CHECKS
from labelloop.storage import s3
from labelloop.workflow.run_state import RunState


def load_disputed_spot_checks(state: RunState) -> Rows:
    if state.spot_checks_s3_uri is None:
        return NO_SPOT_CHECKS
    # Read-only as it comes.
    return from_bytes(s3.read_bytes(state.spot_checks_s3_uri)).copy()


def save_disputed_spot_checks(spot_checks: Rows, folder: str) -> str | None:
    """Returns where they are; None where there are none."""
    if not len(spot_checks):
        return None
    uri = f"{folder}probes.npy"
    s3.write_bytes(uri, to_bytes(spot_checks))
    return uri
