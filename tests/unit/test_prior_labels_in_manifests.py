"""Prior labels in the lines of a manifest: read once, each fault named with its line."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelloop.core.errors import ManifestError
from labelloop.core.ledger import State
from labelloop.core.manifest.input_manifest import InputManifest
from labelloop.core.manifest.lines import LabelAttribute
from labelloop.core.model.given_labels import GivenLabels
from labelloop.core.model.prior_labels import NONE_GIVEN, PriorLabels
from labelloop.workflow.run_files import RunFiles, is_intermediate
from tests.words import CATEGORIES

SOURCES = (LabelAttribute("gpt-4o"), LabelAttribute("rule"))


def read(*records: dict[str, Any]) -> InputManifest:
    manifest = InputManifest(LabelAttribute("category"), CATEGORIES, prior_labels=SOURCES)
    lines = [json.dumps({"source": "x", **record}).encode() for record in records]
    kept = list(manifest.working_lines(lines))
    assert [json.loads(line) for line in kept] == [
        {"labelloop-id": number, **json.loads(line)} for number, line in enumerate(lines)
    ]
    return manifest


def test_labels_and_confidences_are_read_from_ground_truths_form() -> None:
    metadata = {"class-name": "river", "confidence": 0.87, "human-annotated": "no", "job-name": "x"}
    priors = read(
        {"gpt-4o": 2, "gpt-4o-metadata": metadata, "rule": "1"},
        {"gpt-4o": 0, "gpt-4o-metadata": {"class-name": "fruit"}},
        {"gpt-4o-metadata": {"failure-reason": "no answer"}, "rule": 0, "rule-metadata": {"confidence": 1}},
        {},
    ).prior_labels()
    assert priors.labels.tolist() == [[2, 1], [0, -1], [-1, 0], [-1, -1]]
    np.testing.assert_array_equal(
        priors.confidence, np.array([[0.87, np.nan], [np.nan, np.nan], [np.nan, 1], [np.nan] * 2], np.float32)
    )


def test_people_may_have_labeled_some_already() -> None:
    people = {"category": 1, "category-metadata": {"human-annotated": "yes"}}
    manifest = read({"gpt-4o": 0, "rule": 0, **people}, {"gpt-4o": 0})
    assert manifest.ledger().ids(State.HUMAN).tolist() == [0]
    assert manifest.prior_labels().labels.tolist() == [[0, 0], [0, -1]]


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"gpt-4o": 3}, "line 2: its label 'gpt-4o' is 3, not the index of one of the 3 classes (0 to 2)"),
        ({"gpt-4o": "river"}, "line 2: its label 'gpt-4o' is \"river\", not the index"),
        ({"gpt-4o": None}, "line 2: its label 'gpt-4o' is null"),
        ({"gpt-4o": True}, "line 2: its label 'gpt-4o' is true"),
        (
            {"gpt-4o": 2, "gpt-4o-metadata": {"class-name": "metal"}},
            "line 2: its label 2 is 'river' in the label category file, but 'metal' in its metadata",
        ),
        (
            {"gpt-4o": 2, "gpt-4o-metadata": [0.5]},
            "line 2: its 'gpt-4o-metadata' is not an object but a list",
        ),
        ({"gpt-4o-metadata": {"confidence": 0.5}}, "line 2: it has 'gpt-4o-metadata' but no 'gpt-4o'"),
        (
            {"gpt-4o": 2, "gpt-4o-metadata": {"confidence": "high"}},
            "line 2: the confidence in its 'gpt-4o-metadata' is \"high\", not a number",
        ),
        ({"gpt-4o": 2, "gpt-4o-metadata": {"confidence": None}}, "is null, not a number"),
        ({"gpt-4o": 2, "gpt-4o-metadata": {"confidence": True}}, "is true, not a number"),
        ({"gpt-4o": 2, "gpt-4o-metadata": {"confidence": 87}}, "is 87: it is from 0 to 1 (87 % is 0.87)"),
        ({"gpt-4o": 2, "gpt-4o-metadata": {"confidence": -0.1}}, "is -0.1: it is from 0 to 1"),
    ],
)
def test_what_cannot_be_is_refused_with_its_line(record: dict[str, Any], message: str) -> None:
    with pytest.raises(ManifestError) as refused:
        read({"gpt-4o": 0}, record)
    assert message in str(refused.value)


def test_a_source_that_no_line_has_is_refused() -> None:
    with pytest.raises(ManifestError, match="has a label under 'rule', which PriorLabels names"):
        read({"gpt-4o": 0}).prior_labels()


@given(
    st.lists(
        st.tuples(st.none() | st.integers(0, 2), st.none() | st.floats(0, 1, width=32)),
        min_size=1,
        max_size=20,
    )
)
def test_nothing_is_lost_and_objects_keep_their_order(said: list[tuple[int | None, float | None]]) -> None:
    records = []
    for label, confidence in said:
        metadata = {} if confidence is None else {"gpt-4o-metadata": {"confidence": confidence}}
        records.append({"rule": 0} | ({} if label is None else {"gpt-4o": label, **metadata}))
    if all(label is None for label, _ in said):
        return
    priors = read(*records).prior_labels()
    assert priors.labels[:, 0].tolist() == [NONE_GIVEN if label is None else label for label, _ in said]
    expected = [np.nan if label is None or sure is None else sure for label, sure in said]
    np.testing.assert_array_equal(priors.confidence[:, 0], np.array(expected, np.float32))


def test_they_do_not_expire_during_a_run() -> None:
    files = RunFiles("s3://bucket/out/run-1/")
    assert not is_intermediate(files.prior_labels)
    assert is_intermediate(files.prepared_manifest)


def test_an_object_that_nothing_gave_a_label_gets_none() -> None:
    manifest = read(
        *({"gpt-4o": number % 3, "rule": 0} for number in range(6)),
        {"category": 0, "category-metadata": {"human-annotated": "yes"}, "gpt-4o": 0},
        {},
    )
    predictions = GivenLabels(manifest.prior_labels()).predict(manifest.ledger(), 3)
    assert predictions.present.tolist() == [True] * 6 + [False] * 2
    assert predictions.errors == 1
    assert predictions.first_error == "nothing gave it a label"


def test_labels_that_say_nothing_can_be_given() -> None:
    """All the same, all equally sure, of one object, or none that people have labeled."""
    for size in (1, 40):
        priors = PriorLabels(np.zeros((size, 1), np.int16), np.full((size, 1), 0.5, np.float32))
        manifest = read(*({"gpt-4o": 0, "rule": 0} for _ in range(size)))
        predictions = GivenLabels(priors).predict(manifest.ledger(), 3)
        assert predictions.present.all()
        assert (predictions.label == 0).all()
