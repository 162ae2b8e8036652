"""What a run on a laptop adds to the report before the page is made anew."""

from array import array

from labelloop.cli.local_run import _with_truth_of_examples
from labelloop.core.records import Example, Examples, ModelQuality, OutcomeCounts, Report


def example(line: int) -> Example:
    return Example(line=line, model=0, confidence=0.9, margin=0.8, round=2, people=None, outcome="auto")


def report_with(quality: ModelQuality | None) -> Report:
    return Report(
        execution="run",
        policy="default",
        query_strategy="margin",
        seed=0,
        target_error=0.05,
        confidence=0.9,
        classes=("a", "b"),
        counts=OutcomeCounts(input=9, human=4, auto=5, failed=0, unlabeled=0),
        evidence=quality,
    )


def test_examples_get_the_truth_where_it_is_known() -> None:
    examples = Examples(near_threshold=(example(1), example(2), example(9)))
    quality = ModelQuality(round=2, basis="unknown", labeled=0, stood_for=0, not_known=0, examples=examples)
    compared = _with_truth_of_examples(report_with(quality), array("h", [4, -1])).evidence
    assert compared
    assert compared.examples.near_threshold == (
        example(1).model_copy(update={"truth": 4}),
        example(2),
        example(9),
    )
    assert ["truth" in each.as_document() for each in compared.examples.all()] == [True, False, False]


def test_a_report_without_evidence_stays_as_it_is() -> None:
    report = report_with(None)
    assert _with_truth_of_examples(report, array("h", [1])) == report
