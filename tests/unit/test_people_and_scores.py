"""Simulated people, what is read of their answers, and how right the result is."""

import json
from collections import Counter

import numpy as np
import pytest

from labelloop.core.errors import LabelCategoriesError, TruthError
from labelloop.core.ledger import Ledger
from labelloop.core.manifest.label_categories import LabelCategories, parse_label_categories
from labelloop.core.manifest.labeling_output import read_answers
from labelloop.core.manifest.lines import LabelAttribute
from labelloop.core.people.human_labels import HumanLabels
from labelloop.core.people.simulated_people import SimulatedPeople, Truth, read_truth
from labelloop.core.records import Score
from labelloop.core.report.scoring import labeled_by_machine, score_manifest

CLASSES = LabelCategories(("a", "b", "c"))
CATEGORY = LabelAttribute("category")
TIME = "2026-01-02T03:04:05.000Z"


def truth_of(labels: list[str]) -> Truth:
    rows = ["labelloop-id,source,label", *(f"{n},text {n},{label}" for n, label in enumerate(labels))]
    return read_truth([row + "\n" for row in rows], CLASSES)


def test_truth_is_read_by_id_and_an_empty_label_is_unknown() -> None:
    assert truth_of(["a", "", "c"]).tolist() == [0, -1, 2]


def test_a_text_of_several_lines_in_the_truth_file_is_one_row() -> None:
    lines = ["labelloop-id,source,label\n", '0,"two\n', 'lines",b\n', "1,x,a\n"]
    assert read_truth(lines, CLASSES).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["id,label", "0,a"], "no column labelloop-id"),
        (["labelloop-id,source", "0,a"], "no column label"),
        (["labelloop-id,source,label", "x,t,a"], "line 2 of the truth file: labelloop-id is 'x'"),
        (["labelloop-id,source,label", "0,t,z"], "line 2 of the truth file: 'z' is not in"),
        ([], "no column"),
    ],
)
def test_a_truth_file_that_does_not_fit_is_refused(rows: list[str], message: str) -> None:
    with pytest.raises(TruthError, match=message):
        read_truth([row + "\n" for row in rows], CLASSES)


def test_people_without_faults_say_the_truth_and_nothing_on_what_they_do_not_know() -> None:
    people = SimulatedPeople(truth_of(["c", "", "a"]), CLASSES)
    assert [people.answer(n) for n in range(4)] == [2, None, 0, None]


def test_people_err_and_stay_silent_at_the_rates_asked_for() -> None:
    people = SimulatedPeople(truth_of(["b"] * 4000), CLASSES, error_rate=0.1, unanswered_share=0.05, seed=3)
    answers = Counter(people.answer(n) for n in range(4000))
    assert answers[None] == pytest.approx(200, abs=50)
    assert answers[0] + answers[2] == pytest.approx(380, abs=70)
    assert min(answers[0], answers[2]) > 140
    again = SimulatedPeople(truth_of(["b"] * 4000), CLASSES, error_rate=0.1, unanswered_share=0.05, seed=3)
    assert Counter(again.answer(n) for n in range(4000)) == answers


def test_a_labeled_manifest_is_ground_truths_output() -> None:
    people = SimulatedPeople(truth_of(["c", ""]), CLASSES)
    lines = [b'{"labelloop-id":0,"source":"x","n":1}', b'{"labelloop-id":1,"source":"y"}']
    first, second = people.label_manifest(lines, CATEGORY, job_name="job-1", time=TIME)
    assert json.loads(first) == {
        "labelloop-id": 0,
        "source": "x",
        "n": 1,
        "category": 2,
        "category-metadata": {
            "class-name": "c",
            "confidence": 0.95,
            "human-annotated": "yes",
            "creation-date": TIME,
            "type": "groundtruth/text-classification",
            "job-name": "labeling-job/job-1",
        },
    }
    assert second == lines[1]


def test_answers_are_read_whatever_state_they_come_back_in() -> None:
    metadata = '"category-metadata":{"human-annotated":"yes"}'
    lines = [
        b'{"labelloop-id":0,"source":"x","category":2,%s}' % metadata.encode(),
        b'{"labelloop-id":1,"source":"x","category":"1",%s}' % metadata.encode(),
        b'{"labelloop-id":2,"source":"x"}',
        b'{"labelloop-id":3,"source":"x","category-metadata":{"failure-reason":"template error"}}',
        b'{"labelloop-id":4,"source":"x","category":9,%s}' % metadata.encode(),
        b'{"source":"no id"}',
        b"half a li",
        b'{"labelloop-id":true,"category":1}',
    ]
    answers = list(read_answers(lines, CATEGORY, CLASSES))
    assert [(a.object_id, a.label) for a in answers] == [(0, 2), (1, 1), (2, None), (3, None), (4, None)]
    assert answers[0].fields == {"category": 2, "category-metadata": {"human-annotated": "yes"}}
    assert answers[3].failure == "template error"
    assert "9" in (answers[4].failure or "")


def test_a_very_long_record_still_has_its_answer_read() -> None:
    line = b'{"labelloop-id":0,"source":"%s","category":1,"category-metadata":{}}' % (b"x" * 99_980)
    assert next(read_answers([line], CATEGORY, CLASSES)).label == 1


def test_answers_nobody_asked_for_are_ignored_and_counted() -> None:
    ledger = Ledger.of_size(3)
    ledger.ask(np.array([0]))
    people = HumanLabels(ledger)
    lines = [b'{"labelloop-id":%d,"category":1}' % n for n in (1, 0, 0, 77)]
    people.read(read_answers(lines, CATEGORY, CLASSES))
    assert people.labeled.tolist() == [0]
    assert people.ignored == 3


def test_scores_tell_people_and_model_apart() -> None:
    def line(label: int, human: str) -> bytes:
        return json.dumps(
            {"source": "x", "category": label, "category-metadata": {"human-annotated": human}}
        ).encode()

    lines = [
        line(0, "yes"),
        line(1, "yes"),
        line(1, "no"),
        line(1, "no"),
        b'{"source":"open"}',
        line(0, "no"),
    ]
    score = score_manifest(lines, truth_of(["a", "a", "b", "c", "a", ""]), CATEGORY, CLASSES)
    assert score.record() == Score(auto_label_error=0.5, human_label_error=0.5, final_error=0.5)
    assert (score.human.labels, score.auto.labels, score.final.labels) == (2, 2, 4)
    brought = labeled_by_machine(lines[:3], CATEGORY)
    assert brought == {2}
    apart = score_manifest(lines, truth_of(["a", "a", "b", "c", "a", ""]), CATEGORY, CLASSES, brought)
    assert (apart.machine_input.error, apart.auto.error, apart.final.error) == (0.0, 1.0, 0.5)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (b"", "not of the form"),
        (b"[]", "not of the form"),
        (b'{"labels": ["a", "b"]}', "not of the form"),
        (b'{"labels": [{"label": "a"}]}', "has 1 class:"),
        (b'{"labels": []}', "has 0 classes"),
        (b'{"labels": [{"label": "a"}, {"label": "a"}]}', "the class 'a' twice"),
        (b'{"labels": [{"label": "a"}, {"label": " "}]}', "no name for class 1"),
        (b'{"labels": [{"label": "a"}, {"label": 3}]}', "no name for class 1"),
        (b"\xff", "not of the form"),
    ],
)
def test_a_label_category_file_that_cannot_be_used_is_refused(document: bytes, message: str) -> None:
    with pytest.raises(LabelCategoriesError, match=message):
        parse_label_categories(document)


def test_the_order_of_the_label_category_file_gives_the_index() -> None:
    document = b'{"document-version": "2018-11-28", "labels": [{"label": "z"}, {"label": "a & b"}]}'
    assert parse_label_categories(document).names == ("z", "a & b")
