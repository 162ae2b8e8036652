"""The user's manifest, checked line by line on its way to the working manifest."""

from array import array
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from labelloop.core.errors import ManifestError
from labelloop.core.ledger import NO_LABEL, Ledger, State
from labelloop.core.manifest.label_categories import LabelCategories
from labelloop.core.manifest.lines import (
    InputRecord,
    LabelAttribute,
    Reads,
    RecordError,
    add_id,
    parse_record,
    read_input_line,
)
from labelloop.core.model.prior_labels import NONE_GIVEN, PriorLabels

PROBLEMS_LISTED = 100
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def first_record(lines: Iterable[bytes]) -> dict[str, Any]:
    """The first data object of a manifest; empty where its line is none, which `InputManifest` then tells."""
    line = next((line for line in lines if line.strip()), b"").removeprefix(_BYTE_ORDER_MARK)
    try:
        return parse_record(line)
    except RecordError:
        return {}


class InputManifest:
    """Reads lines once; afterwards knows the ledger they begin with. Blank lines are no data objects."""

    def __init__(
        self,
        attribute: LabelAttribute,
        categories: LabelCategories,
        *,
        reads: Reads | None = None,
        prior_labels: tuple[LabelAttribute, ...] = (),
        reserved: tuple[LabelAttribute, ...] = (),
    ) -> None:
        """`reserved`: where labels will be that the run itself gets."""
        self._attribute = attribute
        self._categories = categories
        self._reads = reads
        self._sources, self._reserved = prior_labels, reserved
        self._states = array("B")
        self._labels = array("h")
        # Of each object in turn, what each source says.
        self._prior_labels = array("h")
        self._prior_confidence = array("f")
        self._problems: list[str] = []
        self._problem_count = 0

    def working_lines(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """Each record with its id. Raises ManifestError at the end, listing every line that is wrong."""
        for number, line in enumerate(lines, 1):
            if number == 1:
                line = line.removeprefix(_BYTE_ORDER_MARK)
            if not line.strip():
                continue
            try:
                record = read_input_line(
                    line,
                    self._attribute,
                    self._categories,
                    reads=self._reads,
                    prior_labels=self._sources,
                    reserved=self._reserved,
                )
            except RecordError as error:
                self._note_problem(number, str(error))
                continue
            yield add_id(record.line, len(self._states))
            self._note_state(record)
        self._raise_problems()

    def ledger(self) -> Ledger:
        """The ledger of the lines read so far."""
        ledger = Ledger.of_size(len(self._states))
        states = np.frombuffer(self._states, np.uint8)
        labels = np.frombuffer(self._labels, np.int16)
        for state in (State.HUMAN, State.AUTO):
            ids = np.flatnonzero(states == state)
            ledger.label(ids, labels[ids], state, 0)
        return ledger

    def prior_labels(self) -> PriorLabels:
        """The prior labels of the lines read so far. Raises ManifestError for a source that gave none."""
        shape = (-1, len(self._sources))
        labels = np.frombuffer(self._prior_labels, np.int16).reshape(shape)
        for source, gave in zip(self._sources, (labels != NONE_GIVEN).any(axis=0).tolist(), strict=True):
            if not gave:
                raise ManifestError(
                    f"no line of the input manifest has a label under {source.name!r}, which PriorLabels "
                    "names: correct the name, or leave it out"
                )
        return PriorLabels(labels, np.frombuffer(self._prior_confidence, np.float32).reshape(shape))

    def _note_state(self, record: InputRecord) -> None:
        for prior in record.priors:
            self._prior_labels.append(prior.label)
            self._prior_confidence.append(prior.confidence)
        if record.label is None:
            self._states.append(State.POOL)
            self._labels.append(NO_LABEL)
        else:
            self._states.append(State.HUMAN if record.human_annotated else State.AUTO)
            self._labels.append(record.label)

    def _note_problem(self, number: int, reason: str) -> None:
        self._problem_count += 1
        if self._problem_count <= PROBLEMS_LISTED:
            # Cut, so that a hundred of them still fit into a state machine's error.
            self._problems.append(f"line {number}: {reason[:200]}")

    def _raise_problems(self) -> None:
        if self._problem_count:
            more = self._problem_count - len(self._problems)
            raise ManifestError(
                f"the input manifest has {self._problem_count} line{'s' * (self._problem_count > 1)} "
                "that cannot be used; fix or remove them and start again:\n"
                + "\n".join(self._problems)
                + (f"\n... and {more} more" if more else "")
            )
        if not self._states:
            raise ManifestError("the input manifest is empty: it needs at least one data object")
