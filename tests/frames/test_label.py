"""`labelloop.label`: frames in, frames out, stopped and gone on with, and what it refuses."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import labelloop
from labelloop.preparation.kept_rows import KeptRows
from labelloop.workflow.request import parse_request
from tests.frames.conftest import CLASSES, Headlines, Stopped, stopping_after

SETTINGS: dict[str, Any] = {
    "text": "title",
    "classes": CLASSES,
    "model": "quick",
    "target_error": 0.2,
    "batch_size": 30,
    "seed": 0,
}


def test_a_model_labels_what_people_need_not_and_says_what_it_promises(headlines: Headlines) -> None:
    labeled = labelloop.label(headlines.frame, **SETTINGS, people=headlines.ask)
    frame = labeled.frame
    assert list(frame.columns) == ["title", "category", "label", "labeled_by", "confidence", "round"]
    assert set(frame["labeled_by"]) == {"people", "model"}
    assert (frame["label"] == frame["category"]).all()
    assert labeled.report.counts.input == len(frame) == 160
    assert (frame["labeled_by"] == "people").sum() == labeled.report.counts.human
    assert frame["confidence"].between(0, 1).all()
    assert frame["round"].min() == 1
    assert labeled.certificate
    assert labeled.certificate.data is not None
    assert labeled.certificate.data.target_error == 0.2
    assert labeled.certificate.words.startswith("Certificate: error among the auto-labels <= 0.2")
    assert not labeled.without_a_label
    assert "160 rows" in str(labeled)
    assert "Certificate" in labeled._repr_html_()
    assert labeled.page.startswith("<!DOCTYPE html>")
    assert labeled.report.as_document()["counts"]["input"] == 160


@pytest.mark.slow
def test_the_frame_stays_of_its_kind_and_the_given_one_is_not_changed(headlines: Headlines) -> None:
    before = headlines.frame.copy()
    of_pandas = labelloop.label(headlines.frame, **SETTINGS, people=headlines.ask).frame
    of_polars = labelloop.label(pl.DataFrame(before.to_dict("list")), **SETTINGS, people=headlines.ask).frame
    of_arrow = labelloop.label(pa.Table.from_pandas(before), **SETTINGS, people=headlines.ask).frame
    assert isinstance(of_pandas, pd.DataFrame)
    assert isinstance(of_polars, pl.DataFrame)
    assert isinstance(of_arrow, pa.Table)
    assert of_polars.to_dicts() == of_arrow.to_pylist() == of_pandas.to_dict("records")
    assert of_polars.schema["round"] == pl.Int64
    assert str(of_pandas["round"].dtype) == "Int64"
    pd.testing.assert_frame_equal(headlines.frame, before)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_labels_and_a_secret_one_is_told(headlines: Headlines) -> None:
    first, second = (
        labelloop.label(headlines.frame, **SETTINGS, people=headlines.ask).frame for _ in range(2)
    )
    pd.testing.assert_frame_equal(first, second)
    secret = labelloop.label(headlines.frame, **{**SETTINGS, "seed": None}, people=headlines.ask)
    assert secret.report.seed_was_secret
    assert isinstance(secret.report.seed, str)


def test_rows_without_a_text_come_back_without_a_label_and_the_index_is_kept(headlines: Headlines) -> None:
    frame = headlines.frame.copy()
    frame.index = pd.Index([row // 2 for row in range(160)], name="key")
    frame.loc[frame.index[6], "title"] = None
    frame.iloc[20, 0] = "  "
    labeled = labelloop.label(frame, **SETTINGS, people=headlines.ask)
    assert labeled.frame.index.equals(frame.index)
    assert list(labeled.without_a_label) == ["no text"]
    empty = list(labeled.without_a_label["no text"])
    assert empty == [6, 7, 20]
    assert labeled.frame.iloc[empty][["label", "labeled_by", "confidence", "round"]].isna().all(axis=None)
    assert labeled.frame["label"].notna().sum() == 157
    assert "3 without a label: no text." in labeled.sentences()


def test_labels_that_are_there_are_used_and_nobody_is_asked_about_them(headlines: Headlines) -> None:
    frame, asked = headlines.frame.copy(), list[str]()
    frame.loc[40:, "category"] = None

    def ask(texts: list[str]) -> list[str | None]:
        asked.extend(texts)
        return headlines.ask(texts)

    labeled = labelloop.label(frame, **SETTINGS, label="category", people=ask).frame
    assert not set(asked) & set(frame["title"][:40])
    assert (labeled["labeled_by"][:40] == "given").all()
    assert (labeled["round"][:40] == 0).all()
    assert (labeled["confidence"][:40] == 1).all()
    assert (labeled["label"] == headlines.frame["category"]).all()


def test_names_that_are_taken_are_left_to_the_user(headlines: Headlines) -> None:
    frame = headlines.frame.rename(columns={"category": "label"})
    labeled = labelloop.label(frame, **SETTINGS, label="label", people="simulated").frame
    ours = ["labelloop_label", "labelloop_labeled_by", "labelloop_confidence", "labelloop_round"]
    assert list(labeled.columns) == ["title", "label", *ours]
    assert (labeled["label"] == labeled["labelloop_label"]).all()


@pytest.mark.slow
@pytest.mark.parametrize("answers", [0, 40, 100])
def test_a_killed_run_goes_on_and_nobody_is_asked_twice(
    answers: int, headlines: Headlines, tmp_path: Path
) -> None:
    settings = {**SETTINGS, "target_error": 0.02}
    whole = labelloop.label(headlines.frame, **settings, people=headlines.ask)
    out, told = tmp_path / "out", list[str]()

    def ask(texts: list[str]) -> list[str | None]:
        told.extend(texts)
        return headlines.ask(texts)

    with pytest.raises(Stopped):
        labelloop.label(headlines.frame, **settings, out=out, people=stopping_after(answers, ask))
    if answers:
        so_far = pd.read_csv(out / "labels.csv")
        assert list(so_far["title"]) == list(headlines.frame["title"])
        assert so_far["label"].notna().sum() == len(told)
    gone_on = labelloop.label(headlines.frame, **settings, out=out, people=ask)
    pd.testing.assert_frame_equal(gone_on.frame, whole.frame)
    written = pd.read_csv(out / "labels.csv", dtype={"round": "Int64"})
    pd.testing.assert_frame_equal(written, whole.frame, check_dtype=False)
    assert len(told) == len(set(told)) + whole.report.repeated_answers
    assert (out / "report.html").is_file()
    asked_again = labelloop.label(headlines.frame, **settings, out=out, people=stopping_after(0, ask))
    pd.testing.assert_frame_equal(asked_again.frame, whole.frame)


@pytest.mark.slow
def test_what_a_function_answers_well_is_kept_when_the_rest_cannot_be_used(
    headlines: Headlines, tmp_path: Path
) -> None:
    first = list[str]()

    def slips(texts: list[str]) -> list[str | None]:
        first.extend(texts)
        return [*headlines.ask(texts)[:-1], "Helth"]

    out = tmp_path / "out"
    with pytest.raises(labelloop.AnswersError, match=r"'Helth' about the text .* Did it mean 'health'"):
        labelloop.label(headlines.frame, **SETTINGS, out=out, people=slips)
    second = list[list[str]]()

    def ask(texts: list[str]) -> list[str | None]:
        second.append(texts)
        return headlines.ask(texts)

    labelloop.label(headlines.frame, **SETTINGS, out=out, people=ask)
    assert second[0] == first[-1:]


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (lambda texts: ["health"], "gave 1 answers about 20 texts"),
        (lambda texts: "health", "returned 'health': it takes a list of texts"),
        (lambda texts: None, "returned None: it takes a list of texts"),
        (lambda texts: dict.fromkeys(texts, "health"), "it takes a list of texts"),
        (lambda texts: [7] * len(texts), "answered 7 about the text"),
        (lambda texts: [""] * len(texts), "answered '' about the text"),
    ],
)
def test_answers_that_cannot_be_used_are_one_clear_error(
    answer: Any, complaint: str, headlines: Headlines
) -> None:
    with pytest.raises(labelloop.AnswersError, match=complaint):
        labelloop.label(headlines.frame, **{**SETTINGS, "budget": 120}, people=answer)


@pytest.mark.slow
@pytest.mark.parametrize("nothing", [None, np.nan, pd.NA])
def test_a_function_may_not_be_able_to_tell(nothing: Any, headlines: Headlines) -> None:
    silent = set(headlines.frame["title"][:3])

    def ask(texts: list[str]) -> Iterable[Any]:
        return np.array([nothing if text in silent else headlines.truth[text] for text in texts], object)

    settings = {**SETTINGS, "target_error": 0.01}
    labeled = labelloop.label(headlines.frame, **settings, people=ask)
    assert labeled.frame["label"][:3].isna().all()
    assert labeled.without_a_label == {"people gave no label, asked 2 times": [0, 1, 2]}


def test_another_frame_or_setting_does_not_go_on_with_these_answers(
    headlines: Headlines, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    labelloop.label(headlines.frame, **SETTINGS, out=out, people=headlines.ask)
    for changed, named in (
        ({"target_error": 0.1}, "target_error differs"),
        ({"seed": 1}, "seed differs"),
        ({"seed": None}, "seed differs"),
        ({"classes": [*CLASSES, "other"]}, "classes differs"),
    ):
        with pytest.raises(labelloop.LabelloopError, match=named):
            labelloop.label(headlines.frame, **{**SETTINGS, **changed}, out=out, people=headlines.ask)
    sure = headlines.frame.assign(llm="health", sure=0.5)
    with_priors = {**SETTINGS, "prior": {"llm": "sure"}, "people": headlines.ask, "budget": 40}
    labelloop.label(sure, **with_priors, out=tmp_path / "priors")
    with pytest.raises(labelloop.LabelloopError, match="frame differs"):
        labelloop.label(sure.assign(sure=0.6), **with_priors, out=tmp_path / "priors")
    with pytest.raises(labelloop.LabelloopError, match="frame differs"):
        labelloop.label(headlines.frame[1:], **SETTINGS, out=out, people=headlines.ask)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("mine")
    with pytest.raises(labelloop.LabelloopError, match=r"holds notes\.txt"):
        labelloop.label(headlines.frame, **SETTINGS, out=tmp_path / "mine", people=headlines.ask)


def test_the_folder_has_the_input_of_a_run_on_aws(headlines: Headlines, tmp_path: Path) -> None:
    labelloop.label(headlines.frame, **SETTINGS, out=tmp_path / "out", people=headlines.ask, bucket="ours")
    request = parse_request(json.loads((tmp_path / "out/request.json").read_bytes()))
    assert request.active_learning.target_error == 0.2
    assert request.active_learning.batch_size == 30
    uri = request.input_config.data_source.s3_data_source.manifest_s3_uri
    assert uri.startswith("s3://ours/")
    assert (tmp_path / "out/s3" / uri.removeprefix("s3://")).is_file()
    with KeptRows.open(tmp_path / "out") as kept:
        assert kept.columns == ("title", "category")
        assert sum(1 for _ in kept) == 160


@pytest.mark.slow
def test_labels_by_something_else_teach_the_model(headlines: Headlines) -> None:
    frame = headlines.frame.rename(columns={"category": "llm"}).assign(sure=0.9)
    labeled = labelloop.label(frame, **SETTINGS, prior={"llm": "sure"}, people=headlines.ask)
    assert labeled.report.labels_by_model
    several = labelloop.label(
        frame, **{**SETTINGS, "classes": None}, prior=["llm"], people=headlines.ask, budget=40
    )
    assert several.report.classes == tuple(CLASSES)


def test_progress_is_told_to_whoever_asks(
    headlines: Headlines, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    told = list[labelloop.Progress]()
    settings = {**SETTINGS, "out": tmp_path / "out"}
    labelloop.label(headlines.frame, **settings, people=headlines.ask, progress=told.append)
    assert told[0].rows == 160
    assert [one.round for one in told] == sorted(one.round for one in told)
    assert str(told[0]) == "round 1: people have answered (20 of 160 rows labeled by people)"
    told.clear()
    labelloop.label(headlines.frame, **settings, people=headlines.ask, progress=told.append)
    assert told == []
    assert capsys.readouterr().out == ""


LAZY: Callable[[], Any] = lambda: pl.DataFrame({"title": ["a"]}).lazy()  # noqa: E731


@pytest.mark.parametrize(
    ("frame", "complaint"),
    [
        (pd.DataFrame({"title": []}), "the data frame has no rows"),
        (pl.DataFrame({"title": []}), "the data frame has no rows"),
        (LAZY(), r"LazyFrame is not a data frame that can be labeled: collect\(\) it first"),
        (["a text"], "list is not a data frame that can be labeled: give a pandas or polars"),
        (pd.DataFrame({"title": [1, 2]}), "row 1 of the column 'title' is 1, which is not a text"),
        (pd.DataFrame({"title": ["a", 2]}), "row 2 of the column 'title' is 2, which is not a text"),
        (pd.DataFrame({"title": [None, ""]}), "no row has a text in the column 'title'"),
        (pd.DataFrame([["a", "b"]], columns=["title", "title"]), "have the same name"),
        (pd.DataFrame({"Titel": ["a"]}), r"text='title': the data frame has no such column\. Did you mean"),
        (pd.DataFrame({"body": ["a"]}), r"no such column\. Its columns are: 'body'\."),
    ],
)
def test_frames_that_cannot_be_used_are_one_clear_error(frame: Any, complaint: str) -> None:
    with pytest.raises(labelloop.FrameError, match=complaint):
        labelloop.label(frame, **SETTINGS, people=lambda texts: [None for _ in texts])


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"classes": []}, "is too few"),
        ({"classes": ["health"]}, "is too few"),
        ({"classes": ["health", "health"]}, "names 'health' more than once"),
        ({"classes": ["health", " "]}, "empty name"),
        ({"classes": "health"}, "is one text: give a list"),
        ({"classes": None}, r'say which classes there are: classes=\["A", "B", "C"\]'),
        ({"classes": ["a", "b"], "label": "category"}, "row 1: label outside the class list: 'health'"),
        ({"label": "categories"}, "label='categories': .* Did you mean 'category'"),
        ({"id": "category"}, "must give each row a different id"),
        ({"prior": {"category": "sure"}}, "prior='sure'"),
        ({"target_error": 5}, "target_error=5 is not a share"),
        ({"confidence": 0}, "confidence=0 is not a share"),
        ({"certificate_for": "rows"}, "certificate_for='rows' is not one of"),
        ({"batch_size": -1}, "batch_size=-1 is not a number of answers"),
        ({"budget": 0}, "budget=0 is not a number of answers"),
        ({"seed": -1}, "seed=-1 is not a number"),
        ({"people": "nobody"}, "people='nobody' is neither"),
        ({"people": "simulated"}, 'people="simulated" answer with the labels that are there: name'),
        ({"people": "workbench"}, "say where with out="),
        ({"label": "category"}, "every row has a label already"),
        ({"model": "/nowhere"}, "a model container is a folder with the programs train and serve"),
    ],
)
def test_arguments_that_cannot_be_used_are_one_clear_error(
    changed: dict[str, Any], complaint: str, headlines: Headlines
) -> None:
    settings = {**SETTINGS, "people": headlines.ask, **changed}
    with pytest.raises(labelloop.LabelloopError, match=complaint) as told:
        labelloop.label(headlines.frame, **settings)
    assert "--" not in str(told.value)


def test_the_report_opens_in_the_browser_outside_of_notebooks(
    headlines: Headlines, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    opened = list[str]()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("webbrowser.open", opened.append)
    labeled = labelloop.label(headlines.frame, **{**SETTINGS, "budget": 40}, people=headlines.ask)
    labeled.show()
    (address,) = opened
    assert Path(address.removeprefix("file://")).read_text() == labeled.page
