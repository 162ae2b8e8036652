"""On a budget that cannot pay for all labels, the model labels what a test is almost sure to pass."""

import functools
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from labelloop.core.certificate.tuning import DEFAULT
from labelloop.core.settings import LoopSettings
from labelloop.preparation.demo_headlines import demo_headlines
from labelloop.quick_model import EMBEDDING_SIZE, Ridge, text_features
from labelloop.simulation import SimulatedRun, simulate

SIZE, BUDGET, TARGET = 4_000, 1_000, 0.05


@functools.cache
def headlines() -> tuple[Any, npt.NDArray[np.int64]]:
    rows = list(demo_headlines(SIZE, 0))
    classes = sorted({row.label for row in rows})
    truth = np.array([classes.index(row.label) for row in rows])
    return text_features([row.text for row in rows]), truth


def on_a_budget(certificate_for: str, seed: int) -> SimulatedRun:
    inputs, truth = headlines()
    settings = {
        "CertificateFor": certificate_for,
        "Seed": seed,
        "TargetError": TARGET,
        "MaxHumanLabels": BUDGET,
        "BatchSize": 50,
    }
    return simulate(inputs, truth, Ridge(EMBEDDING_SIZE), settings)


@pytest.mark.slow
@pytest.mark.parametrize(("certificate_for", "fewest", "times"), [("all", 500, 2), ("dataset", 1_500, 4)])
def test_a_budget_too_small_for_all_certifies_a_part(certificate_for: str, fewest: int, times: int) -> None:
    runs = [on_a_budget(certificate_for, seed) for seed in range(4)]
    labeled = [done.records[-1].counts.auto for done in runs]
    assert sum(number > fewest for number in labeled) >= times, labeled
    for done in runs:
        counts = done.records[-1].counts
        answers = counts.human_labels + sum(record.repeated_answers for record in done.records)
        assert answers <= BUDGET
        tests = [record.test for record in done.records if record.test]
        assert all(test.drawn for test in tests), "no test ends before it has drawn"
        if done.auto_label_error is None:
            continue
        of = counts.human_labels + counts.auto if certificate_for == "dataset" else counts.auto
        assert done.auto_label_error * counts.auto <= TARGET * of


def test_a_test_leaves_answers_for_second_opinions() -> None:
    reviewed, trusted = LoopSettings(), LoopSettings(review_disagreements=False)
    share = DEFAULT.drawing.second_opinions
    assert reviewed.most_draws(10_000, 1_150) == int(1_150 / (1 + share))
    assert trusted.most_draws(10_000, 1_150) == 1_150
