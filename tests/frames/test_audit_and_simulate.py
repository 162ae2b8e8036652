"""`labelloop.audit` and `labelloop.simulate`."""

from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest

import labelloop
from tests.frames.conftest import Headlines, Stopped, stopping_after


@pytest.fixture(scope="module")
def given(headlines: Headlines) -> pd.DataFrame:
    """Every tenth label is wrong, and its source is less sure of it."""
    truth = headlines.frame["category"]
    wrong = pd.Series(range(len(truth))) % 10 == 3
    swapped = truth.map({"health": "sports", "sports": "health"})
    return headlines.frame.assign(llm=truth.where(~wrong, swapped), sure=(~wrong) * 0.3 + 0.6)


SETTINGS: dict[str, Any] = {"text": "title", "label": {"llm": "sure"}, "seed": 0, "target_error": 0.1}


@pytest.mark.slow
def test_an_audit_keeps_what_a_test_certifies_and_corrects_what_people_saw(
    given: pd.DataFrame, headlines: Headlines
) -> None:
    audited = labelloop.audit(given, **SETTINGS, people=headlines.ask)
    frame = audited.frame
    ours = ["label", "labeled_by", "was", "confidence", "round"]
    assert list(frame.columns) == [*given.columns, *ours]
    assert set(frame["labeled_by"]) <= {"people", "given", "inferred"}
    by_people = frame["labeled_by"] == "people"
    assert (frame["label"] == frame["category"])[by_people].all()
    assert 0 < by_people.sum() < len(frame)
    changed = frame[by_people & (frame["label"] != frame["was"])]
    pd.testing.assert_frame_equal(audited.corrections, changed)
    assert len(changed) == audited.report.corrections
    assert audited.certificate
    assert "at most 10% of all labels are wrong" in audited.certificate.words
    error = audited.report.given_error
    assert error is not None
    assert error.low <= 0.1 <= error.high
    assert [one.name for one in audited.report.by_class] == ["health", "sports"]
    assert audited.page.startswith("<!DOCTYPE html>")


@pytest.mark.slow
def test_an_audit_goes_on_where_it_was_killed_and_writes_its_files(
    given: pd.DataFrame, headlines: Headlines, tmp_path: Path
) -> None:
    whole = labelloop.audit(pl.from_pandas(given), **SETTINGS, people=headlines.ask)
    out = tmp_path / "audit"
    with pytest.raises(Stopped):
        labelloop.audit(given, **SETTINGS, out=out, people=stopping_after(15, headlines.ask))
    with pytest.raises(labelloop.AnswersError, match="is not one of the classes"):
        labelloop.audit(given, **SETTINGS, out=out, people=lambda texts: ["none"] * len(texts))
    gone_on = labelloop.audit(given, **SETTINGS, out=out, people=headlines.ask)
    assert pl.from_pandas(gone_on.frame).equals(whole.frame)
    assert sorted(path.name for path in out.iterdir()) == [
        *("answers.csv", "audit.json", "corrections.csv", "labels.csv", "report.html", "report.json")
    ]
    with pytest.raises(labelloop.LabelloopError, match="target_error"):
        labelloop.audit(given, **{**SETTINGS, "target_error": 0.2}, out=out, people=headlines.ask)


def test_an_audit_can_be_tried_with_the_truth(given: pd.DataFrame) -> None:
    frame = given.copy()
    frame.loc[[0, 5], "title"] = None
    audited = labelloop.audit(frame, **SETTINGS, truth="category", people="simulated")
    assert audited.report.final_error is not None
    assert audited.without_a_label == {"no text": [0, 5]}
    assert audited.frame.loc[[0, 5], "label"].isna().all()
    assert audited.frame.index.equals(frame.index)


def test_people_see_what_is_to_be_shown_above_the_text(given: pd.DataFrame) -> None:
    seen = list[str]()

    def ask(texts: list[str]) -> list[None]:
        seen.extend(texts)
        return [None for _ in texts]

    labelloop.audit(given.assign(desk="A1"), **SETTINGS, show=["desk"], people=ask, budget=5)
    assert seen
    assert all(text.startswith("desk: A1\n\ntitle: ") for text in seen)


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"show": ["desk"]}, "show='desk'"),
        ({"label": "lm"}, "label='lm': .* Did you mean 'llm'"),
        ({"label": []}, "name the column with the given labels: label="),
        ({"label": {"llm": "surely"}}, "label='surely'"),
        ({"truth": "llm"}, "must be two columns"),
        ({"people": "simulated"}, "name its column, truth="),
        ({"people": "file"}, "is neither"),
        ({"people": "workbench"}, "say where with out="),
        ({"target_error": 0.001}, "target_error= 0.001|target_error=0.001"),
        ({"positive": "maybe"}, "is not one of two classes"),
        ({"seed": 2**40}, "is not a number"),
    ],
)
def test_what_an_audit_refuses_is_said_in_the_words_of_python(
    changed: dict[str, Any], complaint: str, given: pd.DataFrame, headlines: Headlines
) -> None:
    settings = {**SETTINGS, "people": headlines.ask, **changed}
    with pytest.raises(labelloop.LabelloopError, match=complaint) as told:
        labelloop.audit(given, **settings)
    assert "--" not in str(told.value)


@pytest.mark.slow
def test_a_simulation_tells_how_many_labels_people_would_give(headlines: Headlines) -> None:
    simulated = labelloop.simulate(
        headlines.frame, text="title", label="category", target_error=0.2, batch_size=30
    )
    assert 0 < simulated.human_labels < 160
    assert simulated.human_share == simulated.human_labels / 160
    assert simulated.error == 0
    assert simulated.certificate
    assert "People would label" in str(simulated)
    assert any("quick model" in note for note in simulated.notes)
    assert all("--" not in note for note in simulated.notes)


def test_a_simulation_needs_every_label(headlines: Headlines) -> None:
    frame = headlines.frame.copy()
    frame.loc[3, "category"] = None
    with pytest.raises(labelloop.LabelloopError, match="1 of the 160 rows have no label"):
        labelloop.simulate(frame, text="title", label="category")


@pytest.mark.slow
def test_a_run_that_is_answered_is_the_run_that_is_simulated(headlines: Headlines) -> None:
    settings: dict[str, Any] = {"text": "title", "label": "category", "batch_size": 30, "target_error": 0.2}
    labeled = labelloop.label(headlines.frame, **settings, people="simulated", model="quick", seed=0)
    simulated = labelloop.simulate(headlines.frame, **settings, seed=0)
    assert labeled.report.rounds == simulated.report.rounds
    assert labeled.report.certificate == simulated.report.certificate
    assert labeled.report.score == simulated.report.score
    assert labeled.report.evidence == simulated.report.evidence
