"""The test that is going on, with what people have said so far."""

from labelloop.core.arrays import from_bytes, to_bytes
from labelloop.core.certificate.audit import Audit
from labelloop.storage import s3
from labelloop.workflow.run_state import AuditUnderWay, RunState


def load_audit(state: RunState) -> Audit | None:
    if state.audit is None:
        return None
    candidates = from_bytes(s3.read_bytes(state.audit.candidates_s3_uri))
    # Read-only as it comes.
    return state.audit.audit(candidates.copy(), state.settings)


def save_audit(state: RunState, audit: Audit, folder: str) -> AuditUnderWay | None:
    """Write what has changed to a folder of its own; returns where it stands now."""
    if state.audit is None:
        return None
    uri = f"{folder}candidates.npy"
    s3.write_bytes(uri, to_bytes(audit.candidates))
    return state.audit.model_copy(update={"candidates_s3_uri": uri})
