"""The labels that a run has given so far, as rows of the frame and as a file."""

from labelloop.core.ledger import State
from labelloop.core.manifest.lines import ONE_PERSON_CONFIDENCE
from labelloop.frames.label_folder import LabelFolder
from labelloop.in_memory.label_run import LabelRun
from labelloop.preparation import KeptRows, TextData
from labelloop.results import GIVEN, MODEL, NO_LABEL_GIVEN, PEOPLE, GivenLabel, labeled_table, write_table


def labels_of(data: TextData, run: LabelRun) -> list[GivenLabel]:
    """The label of each object, NO_LABEL_GIVEN where it has none."""
    return [_label(data, run, number) for number in range(len(data.texts))]


def _label(data: TextData, run: LabelRun, number: int) -> GivenLabel:
    ledger = run.ledger
    state, since = ledger.state_of(number), int(ledger.rounds[number])
    if state in (State.POOL, State.FAILED):
        return NO_LABEL_GIVEN
    name = data.classes[int(ledger.labels[number])]
    if state == State.AUTO:
        return GivenLabel(name, MODEL, float(run.confidence[number]), since)
    if since == 0:
        return GivenLabel(name, GIVEN, 1.0, 0)
    return GivenLabel(name, PEOPLE, ONE_PERSON_CONFIDENCE, since)


def write_labels(folder: LabelFolder, data: TextData, run: LabelRun) -> None:
    """The frame's rows that have a text, with all their columns and the labels so far."""
    with KeptRows.open(folder.out) as kept:
        write_table(folder.labels, labeled_table(kept, labels_of(data, run)))
