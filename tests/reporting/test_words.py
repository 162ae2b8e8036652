"""What the report says is not more than is known."""

import re
from typing import Any

import pytest

from labelloop.core.costs import PriceList
from labelloop.core.records import Example, ModelQuality, Report
from labelloop.core.report.certificate_in_words import certificate_sentence
from labelloop.reporting.page import render_report
from tests.reporting.conftest import MadeUpRun
from tests.reporting.test_page import Page


def words(report: Report) -> str:
    return re.sub(r"\s+", " ", Page(render_report(report)).text)


@pytest.fixture(scope="module")
def report() -> Report:
    return MadeUpRun().report()


def with_evidence(report: Report, **changes: Any) -> Report:
    assert report.evidence
    return report.model_copy(update={"evidence": report.evidence.model_copy(update=changes)})


def quality_of(report: Report) -> ModelQuality:
    assert report.evidence
    return report.evidence


def test_estimated_numbers_are_told_from_counted_ones(report: Report) -> None:
    estimated = words(with_evidence(report, basis="all objects", labeled=390, stood_for=823))
    assert re.search(r"estimated from the 390 of them that people saw: they agree on about \d+ of", estimated)
    counted = words(with_evidence(report, basis="all objects", stood_for=0))
    assert re.search(r"they agree on \d+ of", counted)
    assert "they agree on about" not in counted


def test_a_promise_that_needed_no_draw_tells_no_error(report: Report) -> None:
    assert report.certificate
    certificate = report.certificate.model_copy(
        update={"validation_objects": 0, "validation_errors": 0, "error_estimate": 0.0, "error_bound": 1.0}
    )
    untested = report.model_copy(update={"certificate": certificate})
    for told in (words(untested), certificate_sentence(untested)):
        assert "No object had to be drawn to test this: the promise holds even if all of the" in told
        assert "an error of about" not in told
        assert "0 objects drawn" not in told


def test_where_nothing_is_estimated_no_bound_is_shown(report: Report) -> None:
    quality = quality_of(report)
    exact = with_evidence(
        report,
        basis="all objects",
        stood_for=0,
        by_class=tuple(
            entry.model_copy(update={"bound": entry.accuracy or 0.0}) for entry in quality.by_class
        ),
        coverage_curve=tuple(
            point.model_copy(update={"bound": point.accuracy}) for point in quality.coverage_curve
        ),
        accuracy_by_round=tuple(
            each.model_copy(update={"low": each.accuracy, "high": each.accuracy})
            for each in quality.accuracy_by_round
        ),
    )
    told = words(exact)
    assert "At least" not in told
    assert "down to the" not in told
    assert "by the bound" not in told
    assert "interval (approximate)" not in told


def example(line: int, *, people: int | None, model: int, truth: int) -> Example:
    outcome = "auto" if people is None else "human"
    return Example(
        line=line,
        model=model,
        confidence=0.9,
        margin=0.8,
        round=1,
        people=people,
        outcome=outcome,
        source="x",
        truth=truth,
    )


@pytest.mark.parametrize(
    ("truths", "told"),
    [
        ((0, 0), "all 2 labels here are right, so it was the model that erred."),
        ((0,), "the label here is right, so it was the model that erred."),
        ((0, 1), "1 of these 2 labels is wrong."),
        ((1, 1), "2 of these 2 labels are wrong."),
    ],
)
def test_what_a_model_doubts_is_not_called_an_error(
    report: Report, truths: tuple[int, ...], told: str
) -> None:
    doubted = tuple(example(line, people=0, model=1, truth=truth) for line, truth in enumerate(truths, 1))
    examples = quality_of(report).examples.model_copy(update={"likely_label_errors": doubted})
    page = words(with_evidence(report, examples=examples))
    assert f"In this trial the truth is known: {told}" in page
    assert "Likely label errors" not in page


def costing(report: Report, prices: PriceList, backend: str, **counts: int) -> Report:
    settings = {**report.settings, "LabelingBackend": backend}
    return report.model_copy(update={"cost": prices.cost(**counts), "settings": settings})


@pytest.mark.parametrize(
    ("numbers", "told"),
    [
        ((100, 900, 5), "Answers saved 895 people gave 105"),
        ((100, 0, 0), "Answers by people 100 nothing was saved: the model labeled nothing"),
        ((100, 5, 9), "Answers by people 109 nothing was saved: it took 4 more answers than people"),
    ],
)
def test_the_top_shows_no_price_that_is_another_backends(
    report: Report, numbers: tuple[int, int, int], told: str
) -> None:
    counts = dict(zip(("human_labels", "auto_labels", "repeated_answers"), numbers, strict=True))
    top = words(costing(report, PriceList(), "workbench", **counts)).partition("Labels and answers In")[0]
    assert told in top
    assert "$" not in top
    top = words(costing(report, PriceList(), "groundtruth", **counts)).partition("Labels and money In")[0]
    assert "$" in top
    assert "-$" not in top
    assert "−$" not in top


def test_list_prices_of_ground_truth_are_not_those_of_the_workbench(report: Report) -> None:
    counts = {"human_labels": 100, "auto_labels": 900}
    page = words(costing(report, PriceList(), "workbench", **counts))
    assert "Answers saved 900 people gave 100" in page
    assert "$" not in page
    told = page.partition("Labels and answers In")[2]
    assert "What an answer costs is not known" in told
    assert "would have taken 900 more answers" in told
    assert "Mechanical Turk" not in told
    assert "$" not in told
    own = PriceList(human_label=0.5, service_fee=0.0, list_prices=False)
    assert "would have cost $450.00 more" in words(costing(report, own, "workbench", **counts))
    assert "Mechanical Turk" in words(costing(report, PriceList(), "groundtruth", **counts))


@pytest.mark.parametrize("backend", ["groundtruth", "workbench"])
def test_what_was_lost_is_not_called_saved(report: Report, backend: str) -> None:
    lost = {"human_labels": 100, "auto_labels": 5, "repeated_answers": 10}
    page = words(costing(report, PriceList(), backend, **lost))
    assert "nothing was saved: it took 5 more answers than people's labels alone" in page.replace(
        "\u2019", "'"
    )
    section = page.partition("Labels of this run")[2]
    assert "Taken more than if people had labeled all 5" in section
    assert "Saved" not in section
    nothing = {"human_labels": 100, "auto_labels": 0, "repeated_answers": 5}
    section = words(costing(report, PriceList(), backend, **nothing)).partition("Labels of this run")[2]
    assert "Saved" not in section
    assert "-5" not in section
