"""A run of the state machine, run again in memory with the answers that its people gave."""

import json
from array import array
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from labelloop.core.arrays import from_archive
from labelloop.core.certificate.tuning import DEFAULT, GIVEN_LABELS
from labelloop.core.ledger import Ids, State
from labelloop.core.loop import Loop as LoopInMemory
from labelloop.core.loop import Selection
from labelloop.core.manifest.labeling_output import Answer, read_answers
from labelloop.core.manifest.lines import LabelAttribute, object_id
from labelloop.core.model.given_labels import GivenLabels
from labelloop.core.model.prior_labels import PriorLabels
from labelloop.core.people.label_review import Review, read_reviews
from labelloop.core.people.simulated_people import SimulatedPeople
from labelloop.core.report.document import EndedRun, Failures, report_of
from labelloop.core.sizes import RoundTimes
from labelloop.simulation import Batch, People, PeopleWhoKnow, SimulatedRun, simulate
from labelloop.workflow.run_files import is_ahead, reviews_beside
from labelloop.workflow.run_state import RunState
from tests.words import CATEGORIES, CLASSES, WordCounts

from .conftest import Loop, Outcome

CATEGORY = LabelAttribute("category")


class RecordedPeople:
    """People who say again what they said in a run of the state machine; asked anything else, they object."""

    def __init__(self, run: Path, stopped: Collection[int], simulated: People | None) -> None:
        """`run`: its folder; `stopped`: the rounds whose batch was closed early.

        `simulated`: the people that the request describes, who must have said the same.
        """
        self._run = run
        self._stopped = stopped
        self._simulated = simulated
        self.loop: LoopInMemory | None = None

    def label(self, loop: LoopInMemory, selection: Selection) -> Batch:
        self.loop = loop
        folder, before = (self._run / f"round-{number:03d}" for number in (loop.round, loop.round - 1))
        if len(selection.asked) and selection.asked.tolist() == _ids_in(before / "selected/ahead.manifest"):
            outputs = sorted(before.glob("labeling/*-ahead/**/output.manifest"))
            return Batch(list(_answers(outputs)), _reviews(outputs))
        ahead = folder / "selected/ahead.manifest"
        assert _ids_in(ahead) == selection.ahead.tolist(), f"ahead of round {loop.round + 1}"
        assert _ids_in(folder / "selected/selection.manifest") == selection.asked.tolist(), (
            f"round {loop.round}"
        )
        outputs = [
            path for path in sorted(folder.glob("labeling/**/output.manifest")) if not is_ahead(str(path))
        ]
        not_shown: tuple[Ids, ...] = (selection.asked,) if loop.round in self._stopped else ()
        answers = list(_answers(outputs))
        if self._simulated is not None:
            assert _said(answers) == _said(self._simulated.label(loop, selection).answers)
        loop.times = self._times_before(loop.round + 1)
        return Batch(answers, _reviews(outputs), not_shown)

    def _times_before(self, round_number: int) -> RoundTimes | None:
        """What the state machine knew of people's pace when it chose a round's objects."""
        selected = self._run / f"round-{round_number:03d}/selected/state.json"
        if not selected.exists():
            return None
        state = RunState.model_validate(json.loads(selected.read_bytes()))
        if state.last_labeling is None or state.labeling is None or state.labeling.selected_at is None:
            return None
        return state.last_labeling.times(state.labeling.selected_at)


def _ids_in(manifest: Path) -> list[int]:
    """Nothing where there is no manifest."""
    return [object_id(line) for line in manifest.read_bytes().splitlines()] if manifest.exists() else []


def _said(answers: Iterable[Answer]) -> dict[int, int]:
    return {answer.object_id: answer.label for answer in answers if answer.label is not None}


def _answers(outputs: list[Path]) -> Iterator[Answer]:
    for path in outputs:
        yield from read_answers(path.read_bytes().splitlines(), CATEGORY, CATEGORIES)


def _reviews(outputs: list[Path]) -> Iterator[Review]:
    for path in outputs:
        if (beside := Path(reviews_beside(str(path)))).exists():
            yield from read_reviews(beside.read_bytes().splitlines(), CATEGORY.name)


def ends_the_same_in_memory(
    loop: Loop, outcome: Outcome, *, labeled: int = 0, stopped: Collection[int] = (), name: str = "run-1"
) -> SimulatedRun:
    """Check that the Loop in memory asks, labels and gives up as the state machine did, object for object.

    The output and the report must say what the Loop in memory says. Simulated people must have said what
    those that the request describes say.

    `labeled`: how many of the first objects' labels the input brought.
    """
    run = loop.s3 / "bucket/out" / name
    state = RunState.model_validate(json.loads((run / "prepared/state.json").read_bytes()))
    simulated = None
    if state.settings.labeling_backend == "simulated":
        truth = array("h", [CLASSES.index(label) for label in loop.truth])
        faults = state.settings.simulated_people
        simulated = PeopleWhoKnow(SimulatedPeople.with_faults(truth, CATEGORIES, faults))
    people = RecordedPeople(run, stopped, simulated)
    ended = simulate(
        WordCounts.inputs([line["source"] for line in outcome.lines()]),
        np.array([CLASSES.index(label) for label in loop.truth]),
        GivenLabels(_prior_labels(run)) if state.labels_are_given else WordCounts(),
        state.settings.model_dump(by_alias=True, mode="json", exclude_none=True),
        people=people,
        labeled=range(labeled),
        tuning=GIVEN_LABELS if state.labels_are_given else DEFAULT,
    )
    lines = outcome.lines()
    automatic = [
        "category" in line and line["category-metadata"]["human-annotated"] == "no" for line in lines
    ]
    assert [line.get("category", -1) for line in lines] == ended.ledger.labels.tolist()
    assert ended.ledger.mask(State.AUTO).tolist() == automatic
    assert outcome.counts["failed"] == ended.ledger.counts().failed
    assert ended.stopped_because == outcome.output["StoppedBecause"]
    records = [record.as_document() for record in ended.records]
    assert records == [_without_addresses(record) for record in outcome.report()["rounds"]]
    assert people.loop is not None
    says_the_same(outcome, people.loop, ended, state)
    return ended


def says_the_same(outcome: Outcome, loop: LoopInMemory, ended: SimulatedRun, state: RunState) -> None:
    """Check the output, and what the report says of the run as a whole."""
    promised = None if ended.certificate is None else ended.certificate.as_document()
    assert outcome.output.get("Certificate") == promised
    trained = any(record.trained for record in ended.records) and not state.labels_are_given
    assert ("TrainedModelArn" in outcome.output) == trained
    run = EndedRun(
        # Only the backend knows how many people it asks about an object.
        loop=replace(loop.export(ended.stopped_because), settings=state.loop_settings),
        execution=state.execution_name,
        requested={},
        query_strategy=state.settings.query_strategy,
        classes=CLASSES,
        rounds=tuple(ended.records),
        given_by=state.request.prior_attributes if state.labels_are_given else None,
    )
    expected = report_of(run, Failures(), None).as_document()
    report = outcome.report()
    # Compared by the caller, or made from files that a run in memory does not have.
    others = {"rounds", "failures", "settings", "evidence", "random_baseline"}
    for name in expected.keys() - others:
        assert report.get(name) == expected[name], name


def _prior_labels(run: Path) -> PriorLabels:
    kept = from_archive((run / "prepared/prior-labels.npz").read_bytes())
    return PriorLabels(kept["labels"], kept["confidence"])


def _without_addresses(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if not name.endswith("_s3_uri")}
