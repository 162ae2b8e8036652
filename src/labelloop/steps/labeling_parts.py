"""A selection too large for one labeling job: split over several, and what became of each."""

import json
import math
import re
from collections.abc import Iterable, Iterator
from itertools import islice

from labelloop.storage import s3
from labelloop.workflow import ground_truth
from labelloop.workflow.run_state import Labeling, LabelingPart

LABELING_OUTPUT = "manifests/output/output.manifest"


def write_parts(labeling: Labeling) -> Labeling:
    """Write the parts of a selection that one job may not hold; the same again for the same selection."""
    most = ground_truth.MOST_OBJECTS_A_JOB
    count = math.ceil(labeling.selected / most)
    if count <= 1:
        return labeling
    stem = labeling.selection_s3_uri.removesuffix(".manifest")
    lines, parts = s3.read_lines(labeling.selection_s3_uri), []
    for number, name in enumerate(part_names(labeling.job_name, count), 1):
        part = LabelingPart(job_name=name, selection_s3_uri=f"{stem}-{number:03d}.manifest")
        s3.write_lines(part.selection_s3_uri, islice(lines, most))
        parts.append(part)
    return labeling.model_copy(update={"parts": parts})


def output_uris(labeling: Labeling) -> list[str]:
    """Where the backend says that answers are; there may be nothing there."""
    uris = [labeling.output_s3_uri, *(part.output_s3_uri for part in labeling.parts)]
    return [uri for uri in uris if uri is not None]


def ended_early(labeling: Labeling) -> list[str]:
    """The manifests whose objects not all were shown to people: their jobs failed or were stopped."""
    if labeling.error:
        return [labeling.selection_s3_uri]
    return [part.selection_s3_uri for part in labeling.parts if part.error]


def failure(labeling: Labeling) -> str | None:
    """Why a labeling job failed, the first of them; a job that was stopped on purpose did not fail."""
    ends = [(labeling.error, labeling.cause), *((part.error, part.cause) for part in labeling.parts)]
    told = (_failure(error, cause) for error, cause in ends)
    return next((reason for reason in told if reason is not None), None)


def renamed(labeling: Labeling, job_name: str) -> Labeling:
    """To be asked again, by labeling jobs of another name: Ground Truth takes a name once.

    The selection keeps its own name, by which other backends know what they were asked.
    """
    names = part_names(job_name, len(labeling.parts))
    parts = [
        LabelingPart(job_name=name, selection_s3_uri=part.selection_s3_uri)
        for name, part in zip(names, labeling.parts, strict=True)
    ]
    return labeling.model_copy(update={"parts": parts})


def part_names(job_name: str, count: int) -> list[str]:
    """What the labeling jobs of a selection are called."""
    return [job_name] if count == 1 else [f"{job_name}-p{number}" for number in range(1, count + 1)]


def with_outputs_found(labeling: Labeling) -> Labeling | None:
    """What an interrupted execution's labeling jobs left; None when they left nothing."""
    uris = [uri for uri in s3.list_uris(labeling.output_folder_s3_uri) if uri.endswith(LABELING_OUTPUT)]
    if not uris:
        return None
    folder = labeling.output_folder_s3_uri
    # Backends that take any number of objects answer all parts at once.
    whole = uris[-1:] if len(labeling.parts) == 1 else list(_outputs_of(labeling.job_name, folder, uris))[:1]
    if whole:
        return labeling.model_copy(update={"output_s3_uri": whole[0]})
    parts = [_with_output(part, folder, uris) for part in labeling.parts]
    return labeling.model_copy(update={"parts": parts})


def _with_output(part: LabelingPart, folder: str, uris: Iterable[str]) -> LabelingPart:
    for uri in _outputs_of(part.job_name, folder, uris):
        return part.model_copy(update={"output_s3_uri": uri})
    interrupted = json.dumps({"LabelingJobStatus": "Stopped"})
    return part.model_copy(update={"error": "Interrupted", "cause": interrupted})


def _outputs_of(job_name: str, folder: str, uris: Iterable[str]) -> Iterator[str]:
    """The newest first: a redriven execution's job has the number of the redrive at its name's end."""
    job = re.compile(rf"{re.escape(folder)}{re.escape(job_name)}(?:-\d+)?/{LABELING_OUTPUT}")
    return (uri for uri in sorted(uris, reverse=True) if job.fullmatch(uri))


def _failure(error: str | None, cause: str | None) -> str | None:
    if error is None:
        return None
    cause = cause or error
    try:
        job = json.loads(cause)
    except ValueError:
        return cause
    if not isinstance(job, dict):
        return cause
    if job.get("LabelingJobStatus") in ("Stopped", "Stopping"):
        return None
    return str(job.get("FailureReason") or cause)
