"""What an execution's jobs and models are called."""

import hashlib

# SageMaker's names have at most 63 characters: the rest is for what makes each unique, and the round.
_STEM_CHARACTERS = 32


def job_prefix(labeling_job_name_prefix: str, execution_name: str, start_time: str) -> str:
    """What the names of all jobs of an execution begin with; unique to the execution.

    `start_time` is the execution's as its state machine writes it.
    """
    identity = f"{execution_name}\n{start_time}".encode()
    stem = labeling_job_name_prefix[:_STEM_CHARACTERS].rstrip("-")
    return f"{stem}-{hashlib.sha256(identity).hexdigest()[:10]}"
