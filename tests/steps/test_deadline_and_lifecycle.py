"""A batch may not be open for longer than the stack's bucket keeps a run's files."""

import json
from pathlib import Path
from typing import Any

import pytest

from labelloop.core.errors import RequestError
from labelloop.steps.prepare_manifest import _require_files_that_last
from labelloop.workflow.request import LabelingRequest, parse_request

SAMPLE = json.loads((Path(__file__).parents[2] / "events/prepare_manifest.json").read_bytes())["Request"]
DAY = 86_400


def request(days: int, backend: str = "workbench") -> LabelingRequest:
    settings: dict[str, Any] = {"LabelingBackend": backend, "Workbench": {"DeadlineInSeconds": days * DAY}}
    return parse_request({**SAMPLE, "ActiveLearning": settings})


def test_a_deadline_after_the_files_expire_is_refused_with_both_ways_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("INTERMEDIATE_DAYS", "90")
    _require_files_that_last(request(89))
    with pytest.raises(RequestError) as refused:
        _require_files_that_last(request(360))
    told = str(refused.value)
    assert "people may have a batch for 360 days, but this stack removes a run's files after 90" in told
    assert "use a shorter deadline, or deploy the stack with a larger IntermediateDays" in told
    _require_files_that_last(request(360, "groundtruth"))


@pytest.mark.parametrize("days", [None, "", "400"])
def test_by_default_and_in_a_bucket_of_ones_own_no_deadline_is_too_long(
    monkeypatch: pytest.MonkeyPatch, days: str | None
) -> None:
    monkeypatch.delenv("INTERMEDIATE_DAYS", raising=False)
    if days is not None:
        monkeypatch.setenv("INTERMEDIATE_DAYS", days)
    _require_files_that_last(request(360))
