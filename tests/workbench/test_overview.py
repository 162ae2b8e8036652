"""What the run's page is made of, from the files of a run."""

import json
from pathlib import Path
from typing import Any

import pytest

from labelloop.core.ledger import Counts
from labelloop.core.records import ModelRecord, RoundRecord
from labelloop.storage import s3
from labelloop.workbench.pages.run_view import run_view
from labelloop.workbench.run_so_far import run_so_far
from labelloop.workflow.run_state import ModelOutput, RunState

ROOT = Path(__file__).parents[2]
SAMPLE = RunState.read(json.loads((ROOT / "events/merge_labels.json").read_bytes())["State"])


def state_of(run: str, number: int, human: int) -> RunState:
    counts = Counts(input=9, pool=9 - human, validation=1, human=human - 1, auto=0, failed=0)
    return SAMPLE.model_copy(
        update={
            "execution_name": run,
            "prefix": f"s3://bucket/out/{run}/",
            "round": number,
            "counts": counts,
            "labeling": None,
        }
    )


def document_of(uri: str) -> dict[str, Any]:
    run = run_so_far(uri)
    assert run
    document: dict[str, Any] = json.loads(json.dumps(run.as_document()))
    return document


@pytest.mark.usefixtures("bucket")
def test_a_run_has_ended_once_its_report_is_there() -> None:
    state = state_of("run-1", 2, 4)
    uri = state.files.round(1).selected_state
    s3.write_json(uri, state.as_document())
    before = run_view({"run": document_of(uri), "batch": None})
    s3.write_json(state.files.report, {})
    after = run_view({"run": document_of(uri), "batch": None})
    assert (before.mark, after.mark) == ("wait", "done")
    assert after.sentence == "The run has ended."
    assert after.details == ["Its output manifest is s3://bucket/out/run-1/output/output.manifest."]


@pytest.mark.usefixtures("bucket")
def test_the_newest_snapshot_tells_and_earlier_executions_rounds_come_first() -> None:
    earlier, resumed = state_of("overview-1", 2, 4), state_of("overview-2", 3, 6)
    resumed = resumed.model_copy(update={"earlier_prefixes": [earlier.prefix]})
    model = ModelRecord(auto_labels=3, expected_error=0.125)
    merged = resumed.model_copy(
        update={
            "round": 4,
            "counts": Counts(input=9, pool=2, validation=1, human=6, auto=0, failed=0),
            "model": ModelOutput.of(model, predictions_s3_uri="s3://b/p", auto_labels_s3_uri="s3://b/a"),
        }
    )
    s3.write_json(earlier.files.round(2).merged_state, earlier.as_document())
    s3.write_json(resumed.files.round(3).selected_state, resumed.as_document())
    s3.write_json(resumed.files.round(3).merged_state, merged.as_document())
    for state, number in ((earlier, 2), (resumed, 3)):
        record = RoundRecord(round=number, trained=True, expected_error=0.25, counts=state.counts)
        s3.write_json(state.files.round(number).record, record.as_file())
    assert document_of(resumed.files.round(3).selected_state) == {
        "name": "overview-2",
        "round": 4,
        "ended": None,
        "counts": {"input": 9, "human": 7, "auto": 0, "failed": 0, "pool": 2, "validation": 1, "ahead": 0},
        "rounds": [
            {"round": 2, "human_labels": 4, "accuracy": None, "expected_error": 0.25},
            {"round": 3, "human_labels": 6, "accuracy": None, "expected_error": 0.25},
        ],
        "certificate": None,
        "model": {
            "PredictionsS3Uri": "s3://b/p",
            "AutoLabelsS3Uri": "s3://b/a",
            "AutoLabels": 3,
            "ExpectedError": 0.125,
            "Unreadable": 0,
        },
        "target_error": merged.settings.target_error,
        "confidence": merged.settings.confidence,
    }


@pytest.mark.usefixtures("bucket")
def test_of_a_run_whose_files_are_gone_nothing_is_told() -> None:
    assert run_so_far("s3://bucket/out/gone/prepared/state.json") is None
