"""What a run says of itself as it goes, from the states' outputs."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from labelloop.cli.option_words import in_terms_of_options
from labelloop.cli.progress import RunProgress
from labelloop.core.ledger import Counts
from labelloop.core.records import Certificate, ModelRecord, OtherPromise, TestRecord, Verdict
from labelloop.workflow.run_state import Labeling, ModelOutput, RunState

ROOT = Path(__file__).parents[2]
SAMPLE = RunState.read(json.loads((ROOT / "events/merge_labels.json").read_bytes())["State"])
URIS = {"predictions_s3_uri": "s3://bucket/p", "auto_labels_s3_uri": "s3://bucket/a"}
CERTIFICATE = Certificate(
    promise="error among the auto-labels <= 0.05, 90% confidence",
    threshold=0.4,
    target_error=0.05,
    confidence=0.9,
    level=0.06,
    error_bound=0.04,
    error_estimate=0.01,
    coverage=0.9,
    auto_labels=400,
    validation_objects=200,
    validation_errors=2,
)


def verdict_of(verdict: Verdict, drawn: int, wrong: int, unsettled: int = 0) -> TestRecord:
    return TestRecord(
        verdict=verdict,
        drawn=drawn,
        wrong=wrong,
        unsettled=unsettled,
        error_estimate=0.01,
        error_bound=0.04,
    )


def line_of(
    model: ModelRecord | None = None, pool: int = 1000, selected: int | None = 40, **merged: Any
) -> str:
    """What is printed of a round, without the time."""
    console = Console(file=io.StringIO(), width=300)
    counts = Counts(input=2000, pool=pool, validation=0, human=600, auto=400, failed=0)
    labeling = Labeling(
        selection_s3_uri="s3://bucket/s",
        selected=selected or 0,
        job_name="job",
        output_folder_s3_uri="s3://bucket/l/",
    )
    state = SAMPLE.model_copy(update={"counts": counts, "round": 7, "labeling": labeling})
    with RunProgress(console) as progress:
        if model is not None:
            progress.state_exited(
                "AutoLabel", state.model_copy(update={"model": ModelOutput.of(model, **URIS)})
            )
        if selected is not None:
            progress.state_exited("SelectForHumans", state)
        progress.state_exited("CreateLabelingJob", None)
        progress.state_exited("MergeLabels", state.model_copy(update={"round": 8, **merged}))
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue().split("] ", 1)[1].strip()


@pytest.mark.parametrize(
    ("model", "merged", "told"),
    [
        (None, {}, "no model yet"),
        (
            ModelRecord(expected_error=0.031, left_to_people=100, expected_draws=239.6),
            {},
            "model expects 3.1% wrong on the 900 it would label, a test would draw ~240",
        ),
        (
            ModelRecord(expected_error=0.2, left_to_people=0),
            {},
            "model expects 20.0% wrong on the 1,000 it could label, too many for a test",
        ),
        (
            ModelRecord(auto_labels=900, expected_error=0.031, left_to_people=100, expected_draws=239.6),
            {"test": verdict_of(Verdict.OPEN, drawn=120, wrong=2)},
            "tested on 120 drawn: 2 wrong, goes on",
        ),
        (
            None,
            {"test": verdict_of(Verdict.OPEN, drawn=263, wrong=0, unsettled=43)},
            "tested on 263 drawn: 0 wrong, 43 not settled, goes on",
        ),
        (
            None,
            {"test": verdict_of(Verdict.PASSED, drawn=240, wrong=3)},
            "tested on 240 drawn: 3 wrong, passed",
        ),
        (
            None,
            {"test": verdict_of(Verdict.FAILED, drawn=99, wrong=9)},
            "tested on 99 drawn: 9 wrong, failed",
        ),
        (None, {"certificate": CERTIFICATE}, "what is left is for people"),
        (
            ModelRecord(auto_labels=500, validation_accuracy=0.914),
            {},
            "model  91.4% right on validation, labels 500",
        ),
    ],
)
def test_a_round_is_told_in_a_line(model: ModelRecord | None, merged: dict[str, Any], told: str) -> None:
    line = line_of(model, **merged)
    assert line == f"round  7: {told}; people were asked about 40 → 600 human, 400 auto, 1,000 open"


def test_the_last_objects_are_not_said_to_wait_for_a_first_model() -> None:
    line = line_of(pool=0)
    assert "too few are left for a test; people were asked about 40" in line


def test_of_a_round_that_was_interrupted_nothing_is_made_up() -> None:
    told = line_of(selected=None)
    assert "people had been asked before the interruption → 600 human" in told
    assert "no model" not in told


def test_who_gave_options_is_told_of_options() -> None:
    told = in_terms_of_options(
        'about 563 (28%) with a promise about the whole data set ("CertificateFor": "dataset"), or about 100 '
        'with "TargetError": 0.08. It ended because the limit of 6 human labels (MaxHumanLabels, MaxCost) is '
        "reached."
    )
    assert told == (
        "about 563 (28%) with a promise about the whole data set (--certificate-for dataset), or about 100 "
        "with --target-error 0.08. It ended because the limit of 6 human labels (--budget) is reached."
    )


def test_other_promises_are_told_first_and_again_when_labels_have_doubled() -> None:
    console = Console(file=io.StringIO(), width=300)
    other = OtherPromise(certificate_for="dataset", target_error=0.05, human_labels=1_000)
    model = ModelRecord(expected_error=0.2, left_to_people=0, other_promises=(other,))
    with RunProgress(console) as progress:
        for human in (200, 300, 400, 500):
            counts = Counts(input=2000, pool=2000 - human, validation=0, human=human, auto=0, failed=0)
            state = SAMPLE.model_copy(update={"counts": counts, "model": ModelOutput.of(model, **URIS)})
            progress.state_exited("AutoLabel", state)
            progress.state_exited("MergeLabels", state)
    file = console.file
    assert isinstance(file, io.StringIO)
    notes = [line for line in file.getvalue().splitlines() if line.startswith("Note:")]
    assert len(notes) == 2, "after 200 and 400 labels"
    assert notes[0].startswith(
        "Note: By this round's model, people would label about 2,000 (100%) as it stands"
    )
    assert "about 1,000 (50%) with a promise about the whole data set" in notes[0]


@pytest.mark.parametrize("width", [60, 80, 100])
def test_on_a_narrow_terminal_lines_break_between_words(width: int) -> None:
    def printed(*, terminal: bool) -> str:
        file = io.StringIO()
        console = Console(file=file, width=width, force_terminal=terminal, color_system=None)
        counts = Counts(input=2000, pool=1000, validation=0, human=600, auto=400, failed=0)
        # Not entered: a live display would draw over the lines.
        progress = RunProgress(console, lambda: 61)
        progress.print_round(7, "model could label 900, too many for a test; people were asked", counts)
        progress.waits_for_quota("ResourceLimitExceeded: ml.m5.xlarge for training job usage is 0 Instances")
        return file.getvalue()

    assert printed(terminal=False).count("\n") == 2
    lines = printed(terminal=True).splitlines()
    assert max(map(len, lines)) <= width
    assert " ".join(" ".join(lines).split()) == " ".join(printed(terminal=False).split())


def test_the_answers_of_a_foundation_model_are_counted_as_they_come() -> None:
    console, now = Console(file=io.StringIO(), width=300), [0.0]
    counts = Counts(input=2000, pool=2000, validation=0, human=0, auto=0, failed=0)
    with RunProgress(console, lambda: now[0]) as progress:
        progress.state_exited("PrepareManifest", SAMPLE.model_copy(update={"counts": counts, "round": 1}))
        progress.state_entered("AskFoundationModel")
        for number in range(1, 101):
            now[0] = number
            progress.model_answered(number)
        assert progress.doing == "asking the foundation model: 100 answers, of 2,000 data objects"
    file = console.file
    assert isinstance(file, io.StringIO)
    assert file.getvalue().splitlines() == [
        "[0:00] round 1: asking the foundation model",
        *(
            f"[{time}] round 1: asking the foundation model: {number} answers, of 2,000 data objects"
            for time, number in (("0:30", 30), ("1:00", 60), ("1:30", 90))
        ),
    ]
