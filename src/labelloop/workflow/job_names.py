"""The names of an execution's jobs and models."""

import hashlib

# SageMaker's names have at most 63 characters: the rest is for the round and a unique part.
_STEM_CHARACTERS = 32


def job_prefix(labeling_job_name_prefix: str, execution_name: str, start_time: str) -> str:
    """The beginning of all job names of an execution; unique to the execution.

    `start_time` is the execution's start time as its state machine writes it.
    """
    identity = f"{execution_name}\n{start_time}".encode()
    stem = labeling_job_name_prefix[:_STEM_CHARACTERS].rstrip("-")
    return f"{stem}-{hashlib.sha256(identity).hexdigest()[:10]}"
