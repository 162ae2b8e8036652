"""What a run on a laptop adds to the report before the page is made anew."""

from array import array
from typing import Any

from labelloop.cli.local_run import _add_truth_of_examples


def test_examples_get_the_truth_where_it_is_known() -> None:
    examples: list[dict[str, Any]] = [{"line": 1}, {"line": 2}, {"line": 9}]
    report = {"evidence": {"examples": {"near_threshold": examples}}}
    _add_truth_of_examples(report, array("h", [4, -1]))
    assert examples == [{"line": 1, "truth": 4}, {"line": 2}, {"line": 9}]


def test_a_report_without_evidence_stays_as_it_is() -> None:
    for report in ({}, {"evidence": None}):
        before = dict(report)
        _add_truth_of_examples(report, array("h", [1]))
        assert report == before
