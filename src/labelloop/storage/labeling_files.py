"""The manifests of labeling jobs: what people are asked, and what they answer.

A selection too large for one labeling job is split over several.
"""

import json
import math
from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np

from labelloop.core.ledger import Ids
from labelloop.core.manifest.labeling_output import Answer, read_answers
from labelloop.core.manifest.lines import object_id
from labelloop.core.people.label_review import Review, read_reviews
from labelloop.storage import s3
from labelloop.workflow import ground_truth
from labelloop.workflow.run_files import (
    LABELING_OUTPUT,
    is_ahead,
    labeling_outputs_of,
    part_of_selection,
    reviews_beside,
)
from labelloop.workflow.run_state import Labeling, LabelingPart, RunState


def answers(state: RunState) -> Iterator[Answer]:
    """What people answered in this round, in the order of the output manifests."""
    for uri in _output_uris(state):
        yield from read_answers(s3.read_lines(uri), state.label_attribute, state.label_categories)


def reviews(state: RunState) -> Iterator[Review]:
    """Reviews of labels that people were asked about again: the workbench writes them next to its output."""
    for uri in _output_uris(state):
        if s3.exists(beside := reviews_beside(uri)):
            yield from read_reviews(s3.read_lines(beside), state.label_attribute.name)


def not_shown(labeling: Labeling | None) -> Iterator[Ids]:
    """The objects of labeling jobs that failed or were stopped: people may not have seen all of them."""
    for uri in _ended_early(labeling) if labeling else ():
        yield np.fromiter((object_id(line) for line in s3.read_lines(uri)), np.int64)


def failure(labeling: Labeling | None) -> str | None:
    """Why the first failed labeling job failed. A job that was stopped on purpose did not fail."""
    if labeling is None:
        return None
    ends = [(labeling.error, labeling.cause), *((part.error, part.cause) for part in labeling.parts)]
    told = (_failure(error, cause) for error, cause in ends)
    return next((reason for reason in told if reason is not None), None)


def write_parts(labeling: Labeling) -> Labeling:
    """Split a selection that is too large for one job; the same selection always gives the same parts."""
    most = ground_truth.MOST_OBJECTS_A_JOB
    count = math.ceil(labeling.selected / most)
    if count <= 1:
        return labeling
    lines, parts = s3.read_lines(labeling.selection_s3_uri), []
    for number, name in enumerate(part_names(labeling.job_name, count), 1):
        uri = part_of_selection(labeling.selection_s3_uri, number)
        s3.write_lines(uri, islice(lines, most))
        parts.append(LabelingPart(job_name=name, selection_s3_uri=uri))
    return labeling.model_copy(update={"parts": parts})


def renamed(labeling: Labeling, job_name: str) -> Labeling:
    """Ask again, by labeling jobs with new names: Ground Truth accepts a name only once.

    The selection keeps its own name, because other backends know their work by it.
    """
    names = part_names(job_name, len(labeling.parts))
    parts = [
        LabelingPart(job_name=name, selection_s3_uri=part.selection_s3_uri)
        for name, part in zip(names, labeling.parts, strict=True)
    ]
    return labeling.model_copy(update={"parts": parts})


def part_names(job_name: str, count: int) -> list[str]:
    """The names of a selection's labeling jobs."""
    return [job_name] if count == 1 else [f"{job_name}-p{number}" for number in range(1, count + 1)]


def with_outputs_found(labeling: Labeling) -> Labeling | None:
    """The output of an interrupted execution's labeling jobs; None when there is none."""
    folder = labeling.output_folder_s3_uri
    found = s3.list_uris(folder)
    uris = [uri for uri in found if uri.endswith(LABELING_OUTPUT) and not is_ahead(uri)]
    if not uris:
        return None
    # Backends without a limit on the number of objects answer all parts together.
    of_all_parts = list(labeling_outputs_of(labeling.job_name, folder, uris))[:1]
    whole = uris[-1:] if len(labeling.parts) == 1 else of_all_parts
    if whole:
        return labeling.model_copy(update={"output_s3_uri": whole[0]})
    parts = [_with_output(part, folder, uris) for part in labeling.parts]
    return labeling.model_copy(update={"parts": parts})


def _output_uris(state: RunState) -> Iterator[str]:
    """Where the answers are, if there are any: first those that people gave ahead."""
    labeling = state.labeling
    named = [state.ahead.output_s3_uri] if state.ahead is not None else []
    if labeling is not None:
        named += filter(None, [labeling.output_s3_uri, *(part.output_s3_uri for part in labeling.parts)])
    yield from filter(s3.exists, named)


def _ended_early(labeling: Labeling) -> list[str]:
    if labeling.error:
        return [labeling.selection_s3_uri]
    return [part.selection_s3_uri for part in labeling.parts if part.error]


def _with_output(part: LabelingPart, folder: str, uris: Iterable[str]) -> LabelingPart:
    for uri in labeling_outputs_of(part.job_name, folder, uris):
        return part.model_copy(update={"output_s3_uri": uri})
    interrupted = json.dumps({"LabelingJobStatus": "Stopped"})
    return part.model_copy(update={"error": "Interrupted", "cause": interrupted})


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
