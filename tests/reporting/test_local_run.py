"""What a run whose truth is known adds to the report before the page is made."""

from array import array

from labelloop.core.records import Example, Examples, ModelQuality, OutcomeCounts, Report, Score
from labelloop.core.report.scoring import compared_with_truth

SCORE = Score(auto_label_error=0.1)


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
    compared = compared_with_truth(report_with(quality), SCORE, array("h", [4, -1])).evidence
    assert compared
    assert compared.examples.near_threshold == (
        example(1).model_copy(update={"truth": 4}),
        example(2),
        example(9),
    )
    assert ["truth" in each.as_document() for each in compared.examples.all()] == [True, False, False]


def test_a_report_without_evidence_stays_as_it_is() -> None:
    report = report_with(None)
    assert compared_with_truth(report, SCORE, array("h", [1])) == report.model_copy(update={"score": SCORE})
