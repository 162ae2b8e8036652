"""A run of the state machine, run again in memory with the answers that its people gave."""

import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from labelloop.core.ledger import Ids, State
from labelloop.core.loop import Loop as LoopInMemory
from labelloop.core.loop import Selection
from labelloop.core.manifest.labeling_output import Answer, read_answers
from labelloop.core.manifest.lines import LabelAttribute, object_id
from labelloop.core.people.label_review import Review, read_reviews
from labelloop.simulation import Batch, Labels, ModelAnswers, Predict, SimulatedRun, simulate
from labelloop.workflow.run_files import reviews_beside
from labelloop.workflow.run_state import RunState

from .conftest import CATEGORIES, CLASSES, WORDS, Loop, Outcome

CATEGORY = LabelAttribute("category")
VOCABULARY = [word for name in CLASSES for word in WORDS[name]]


class WordCounts:
    """What the stand-in container learns: the scores are counts of a class's words, plus one."""

    def fit(self, inputs: Any, labels: Labels, classes: int, seed: int) -> Predict:
        counts = np.eye(classes)[labels].T @ inputs

        def predict(unseen: Any) -> ModelAnswers:
            scores = 1 + unseen @ counts.T
            return ModelAnswers(scores / scores.sum(axis=1, keepdims=True))

        return predict


class RecordedPeople:
    """People who say again what they said in a run of the state machine; asked anything else, they object."""

    def __init__(self, run: Path, stopped: Collection[int]) -> None:
        """`run`: its folder; `stopped`: the rounds whose batch was closed early."""
        self._run = run
        self._stopped = stopped

    def label(self, loop: LoopInMemory, selection: Selection) -> Batch:
        folder = self._run / f"round-{loop.round:03d}"
        lines = (folder / "selected/selection.manifest").read_bytes().splitlines()
        assert [object_id(line) for line in lines] == selection.asked.tolist(), f"round {loop.round}"
        outputs = sorted(folder.glob("labeling/**/output.manifest"))
        not_shown: tuple[Ids, ...] = (selection.asked,) if loop.round in self._stopped else ()
        return Batch(_answers(outputs), _reviews(outputs), not_shown)


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

    `labeled`: how many of the first objects' labels the input brought.
    """
    run = loop.s3 / "bucket/out" / name
    state = RunState.model_validate(json.loads((run / "prepared/state.json").read_bytes()))
    texts = [line["source"] for line in outcome.lines()]
    ended = simulate(
        np.array([[text.split().count(word) for word in VOCABULARY] for text in texts], float),
        np.array([CLASSES.index(label) for label in loop.truth]),
        WordCounts(),
        state.settings.model_dump(by_alias=True, mode="json", exclude_none=True),
        people=RecordedPeople(run, stopped),
        labeled=range(labeled),
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
    return ended


def _without_addresses(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if not name.endswith("_s3_uri")}
