"""Prior labels are read from records, or refused with their place; equal ones make equal signals."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from classifier.examples import read_examples, read_unlabeled
from classifier.prior_labels import PriorLabels
from classifier.records import LabelError, prior_labels_of
from text_classifier.hyperparameters import TextHyperparameters

from tests.container.test_examples import write

SETTINGS = TextHyperparameters(3, "category", prior_labels=("gpt", "vendor"))


def test_each_source_has_its_label_and_confidence() -> None:
    record = {"gpt": 2, "gpt-metadata": {"confidence": 0.9, "type": "x"}, "vendor": "1"}
    (gpt, sure), (vendor, unstated) = prior_labels_of(record, ["gpt", "vendor"], 3)
    assert (gpt, sure, vendor) == (2, 0.9, 1)
    assert math.isnan(unstated)


@pytest.mark.parametrize("record", [{}, {"gpt": None}, {"gpt-metadata": {"confidence": "no matter"}}])
def test_a_missing_prior_label_is_none_of_that_source(record: dict[str, Any]) -> None:
    ((label, confidence),) = prior_labels_of(record, ["gpt"], 3)
    assert label == -1
    assert math.isnan(confidence)


@pytest.mark.parametrize("metadata", [None, {}, {"confidence": None}])
def test_a_confidence_may_be_missing(metadata: object) -> None:
    ((label, confidence),) = prior_labels_of({"gpt": 0, "gpt-metadata": metadata}, ["gpt"], 3)
    assert label == 0
    assert math.isnan(confidence)


@pytest.mark.parametrize("label", [3, -1, "-1", 1.0, True, "tech", [0]])
def test_a_prior_label_that_is_no_class_is_refused(label: object) -> None:
    with pytest.raises(LabelError, match=r"^the prior label under 'gpt' is "):
        prior_labels_of({"gpt": label}, ["gpt"], 3)


@pytest.mark.parametrize("confidence", ["0.9", "high", True, -0.1, 1.01, 90, math.nan, math.inf, [0.5]])
def test_a_confidence_that_is_no_share_is_refused(confidence: object) -> None:
    with pytest.raises(LabelError, match=r"^the confidence in 'gpt-metadata' is .* from 0 to 1"):
        prior_labels_of({"gpt": 0, "gpt-metadata": {"confidence": confidence}}, ["gpt"], 3)


def test_metadata_that_are_no_object_are_refused() -> None:
    with pytest.raises(LabelError, match=r"^'gpt-metadata' is 0\.9, but it must be an object"):
        prior_labels_of({"gpt": 0, "gpt-metadata": 0.9}, ["gpt"], 3)


def test_examples_and_texts_keep_what_each_source_says(tmp_path: Path) -> None:
    lines = (
        b'{"source": "a", "category": 0, "gpt": 2, "gpt-metadata": {"confidence": 0.5}}\n'
        b'{"source": "b", "category": 0, "vendor": 1}\n'
        b'{"category": 0, "vendor": 1}\n'
    )
    files = write(tmp_path, lines)
    for found in (read_examples(files, SETTINGS).priors, read_unlabeled(files, SETTINGS).priors):
        assert found.labels.tolist() == [[2, -1], [-1, 1]]
        assert found.confidence[0, 0] == 0.5
        assert np.isnan(found.confidence).sum() == 3
        assert found.counts == [1, 1]


def test_of_equal_texts_the_first_ones_prior_labels_are_read(tmp_path: Path) -> None:
    files = write(tmp_path, b'{"source": "a", "gpt": 2}\n{"source": "a", "gpt": 1}\n')
    assert read_unlabeled(files, SETTINGS).priors.labels.tolist() == [[2, -1]]


def test_without_sources_nothing_is_read(tmp_path: Path) -> None:
    files = write(tmp_path, b'{"source": "a", "category": 0, "gpt": "nonsense"}\n')
    settings = TextHyperparameters(3, "category")
    assert read_examples(files, settings).priors.labels.shape == (1, 0)
    assert read_unlabeled(files, settings).priors.sources == 0


@pytest.mark.parametrize("read", [read_examples, read_unlabeled])
def test_a_wrong_prior_label_is_refused_with_file_and_line(tmp_path: Path, read: Any) -> None:
    good = b'{"source": "a", "category": 0, "gpt": 0}\n'
    files = write(tmp_path, good, good + b'{"source": "b", "category": 0, "gpt": 7}\n')
    with pytest.raises(LabelError, match=r"^In line 2 of part-1 the prior label under 'gpt' is 7"):
        read(files, SETTINGS)


def test_no_object_and_no_source_are_no_error() -> None:
    assert len(PriorLabels.of([], 2)) == 0
    assert PriorLabels.of([[], []], 0).labels.shape == (2, 0)
    assert PriorLabels.none(2, 1).labels.tolist() == [[-1], [-1]]
