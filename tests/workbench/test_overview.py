"""What the run's page is made of, from the files of a run."""

import pytest

from labelloop.storage import s3
from labelloop.workbench.overview import run_document
from labelloop.workbench.pages.run_view import run_view

COUNTS = {"Input": 9, "Human": 4, "Validation": 0, "Auto": 5, "Failed": 0, "Pool": 0}
STATE = {
    "Prefix": "s3://bucket/out/run-1/",
    "ExecutionName": "run-1",
    "Round": 2,
    "Counts": COUNTS,
    "Request": {"ActiveLearning": {"TargetError": 0.05, "Confidence": 0.95}},
}


@pytest.mark.usefixtures("bucket")
def test_a_run_has_ended_once_its_report_is_there() -> None:
    uri = f"{STATE['Prefix']}round-001/selected/state.json"
    s3.write_json(uri, STATE)
    before = run_view({"run": run_document(uri), "batch": None})
    s3.write_json(f"{STATE['Prefix']}output/report.json", {})
    after = run_view({"run": run_document(uri), "batch": None})
    assert (before.mark, after.mark) == ("wait", "done")
    assert after.sentence == "The run has ended."
    assert after.details == ["Its output manifest is s3://bucket/out/run-1/output/output.manifest."]
