"""What a run says of itself as it goes, from the states' outputs."""

import io
from typing import Any

import pytest
from rich.console import Console

from labelloop.cli.progress import RunProgress


def line_of(
    model: dict[str, Any] | None = None, pool: int = 1000, selected: int | None = 40, **merged: Any
) -> str:
    """What is printed of a round, without the time."""
    console = Console(file=io.StringIO(), width=300)
    counts = {"Input": 2000, "Pool": pool, "Validation": 0, "Human": 600, "Auto": 400, "Failed": 0}
    state = {"Counts": counts, "Round": 7}
    with RunProgress(console) as progress:
        if model is not None:
            progress.state_exited("AutoLabel", {**state, "Model": model})
        if selected is not None:
            progress.state_exited("SelectForHumans", {**state, "Labeling": {"Selected": selected}})
        progress.state_exited("MergeLabels", {**state, "Round": 8, **merged})
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue().split("] ", 1)[1].strip()


@pytest.mark.parametrize(
    ("model", "merged", "told"),
    [
        (None, {}, "no model yet"),
        (
            {"AutoLabels": 0, "ExpectedError": 0.031, "LeftToPeople": 100, "ExpectedDraws": 239.6},
            {},
            "model expects 3.1% wrong on the 900 it would label, a test would draw ~240",
        ),
        (
            {"AutoLabels": 0, "ExpectedError": 0.2, "LeftToPeople": 0},
            {},
            "model expects 20.0% wrong on the 1,000 it could label, too many for a test",
        ),
        (
            {"AutoLabels": 900, "ExpectedError": 0.031, "LeftToPeople": 100, "ExpectedDraws": 239.6},
            {"Test": {"verdict": "OPEN", "drawn": 120, "wrong": 2}},
            "tested on 120 drawn: 2 wrong, goes on",
        ),
        (
            None,
            {"Test": {"verdict": "PASSED", "drawn": 240, "wrong": 3}},
            "tested on 240 drawn: 3 wrong, passed",
        ),
        (
            None,
            {"Test": {"verdict": "FAILED", "drawn": 99, "wrong": 9}},
            "tested on 99 drawn: 9 wrong, failed",
        ),
        (None, {"Certificate": {"TargetError": 0.05}}, "what is left is for people"),
        (
            {"AutoLabels": 500, "ValidationAccuracy": 0.914},
            {},
            "model  91.4% right on validation, labels 500",
        ),
    ],
)
def test_a_round_is_told_in_a_line(model: dict[str, Any] | None, merged: dict[str, Any], told: str) -> None:
    line = line_of(model, **merged)
    assert line == f"round  7: {told}; people were asked about 40 → 600 human, 400 auto, 1,000 open"


def test_of_a_round_that_was_interrupted_nothing_is_made_up() -> None:
    told = line_of(selected=None)
    assert "people had been asked before the interruption → 600 human" in told
    assert "no model" not in told
