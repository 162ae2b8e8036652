"""Probes that people have not agreed on yet: what one round leaves to the next."""

from labelloop.core.arrays import from_bytes, to_bytes
from labelloop.core.probes import NO_PROBES
from labelloop.core.run_state import RunState
from labelloop.core.votes import Rows
from labelloop.storage import s3


def load_disputed_probes(state: RunState) -> Rows:
    if state.probes_s3_uri is None:
        return NO_PROBES
    # Read-only as it comes.
    return from_bytes(s3.read_bytes(state.probes_s3_uri)).copy()


def save_disputed_probes(probes: Rows, folder: str) -> str | None:
    """Returns where they are; None where there are none."""
    if not len(probes):
        return None
    uri = f"{folder}probes.npy"
    s3.write_bytes(uri, to_bytes(probes))
    return uri
