"""An audit of given labels, driven batch by batch."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelloop.core.errors import RequestError
from labelloop.core.ledger import State
from labelloop.core.model.prior_labels import NONE_GIVEN, PriorLabels
from labelloop.core.settings import LoopSettings
from labelloop.label_audit import forecast as forecasts
from labelloop.label_audit.audit_run import AuditRun, require_room_for_errors
from labelloop.label_audit.estimates import Estimates, Interval
from labelloop.label_audit.forecast import forecast

CLASSES = 3
SETTINGS = LoopSettings(confidence=0.95, certificate_for="dataset", batch_size=0.1)


@pytest.fixture(autouse=True)
def _few_forecasts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecasts, "_MOST_AUDITS", 5)


def labels_given(size: int, seed: int, error: float = 1.0) -> tuple[PriorLabels, np.ndarray]:
    """Labels of which the doubtful ones are often wrong; and the truth."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(CLASSES, size=size)
    sure = rng.choice([0.6, 0.9, 0.99], size=size)
    wrong = rng.random(size) < error * (1 - sure)
    labels = np.where(wrong, (truth + 1) % CLASSES, truth).astype(np.int16)
    return PriorLabels(labels[:, np.newaxis], sure[:, np.newaxis].astype(np.float32)), truth


def ended(priors: PriorLabels, truth: np.ndarray, chosen: LoopSettings) -> AuditRun:
    run = AuditRun.begin(priors, CLASSES, chosen)
    while (batch := run.next_batch()) is not None:
        run.hear({number: int(truth[number]) for number in batch.asked.tolist()})
    return run


def asked_of(priors: PriorLabels, truth: np.ndarray, chosen: LoopSettings) -> list[list[int]]:
    run, asked = AuditRun.begin(priors, CLASSES, chosen), []
    while (batch := run.next_batch()) is not None:
        asked.append(batch.asked.tolist())
        run.hear({number: int(truth[number]) for number in batch.asked.tolist()})
    return asked


@pytest.mark.slow
def test_the_same_seed_and_answers_ask_the_same() -> None:
    priors, truth = labels_given(200, 0)
    assert asked_of(priors, truth, SETTINGS) == asked_of(priors, truth, SETTINGS)
    assert asked_of(priors, truth, SETTINGS) != asked_of(priors, truth, replace(SETTINGS, seed=1))


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(
    size=st.integers(2, 120),
    seed=st.integers(0, 100),
    error=st.floats(0, 2),
    whose=st.sampled_from(["dataset", "all", "class"]),
    silent=st.floats(0, 0.5),
    missing=st.floats(0, 1),
)
def test_nothing_is_lost_and_no_answer_is_altered(
    size: int, seed: int, error: float, whose: str, silent: float, missing: float
) -> None:
    priors, truth = labels_given(size, seed, error)
    rng = np.random.default_rng(seed)
    priors.labels[rng.random(size) < missing] = NONE_GIVEN
    chosen = replace(SETTINGS, certificate_for=whose, seed=seed)  # type: ignore[arg-type]
    run, cannot_say = AuditRun.begin(priors, CLASSES, chosen), rng.random(size) < silent
    while (batch := run.next_batch()) is not None:
        said = {number: None if cannot_say[number] else int(truth[number]) for number in batch.asked.tolist()}
        run.hear(said)
        estimates = Estimates(run, priors.labels[:, 0], 0.95)
        for label in range(CLASSES):
            share = estimates.true_share(label)
            assert -1e-9 <= share.low <= share.estimate <= share.high <= 1 + 1e-9
    ledger, counts = run.loop.ledger, run.loop.counts
    assert counts.pool + counts.human_labels + counts.auto + counts.failed == size
    by_people = ledger.ids(State.HUMAN, State.VALIDATION)
    assert (ledger.labels[by_people] == truth[by_people]).all()
    assert not cannot_say[by_people].any()


@pytest.mark.slow
def test_a_forecast_changes_nothing_and_is_about_right() -> None:
    priors, truth = labels_given(300, 0)
    run = AuditRun.begin(priors, CLASSES, SETTINGS)
    plan = forecast(run)
    assert plan.basis == "stated"
    assert plan.believed_wrong == pytest.approx((priors.labels[:, 0] != truth).mean(), abs=0.05)
    assert forecast(run) == plan
    after = ended(priors, truth, SETTINGS)
    assert [record.counts for record in after.records] == [
        record.counts for record in _with_forecasts(priors, truth).records
    ]
    assert plan.outlook.answers == pytest.approx(after.answers, rel=0.35)
    assert plan.outlook.answers <= plan.outlook.seldom_more


def _with_forecasts(priors: PriorLabels, truth: np.ndarray) -> AuditRun:
    run = AuditRun.begin(priors, CLASSES, SETTINGS)
    while (batch := run.next_batch()) is not None:
        run.hear({number: int(truth[number]) for number in batch.asked.tolist()})
        if batch.number in (1, 5):
            assert forecast(run, alternatives=False).basis == "answers"
    return run


@pytest.mark.slow
def test_worse_labels_are_foreseen_to_take_more_answers() -> None:
    good, bad = (AuditRun.begin(labels_given(300, 0)[0], CLASSES, SETTINGS) for _ in range(2))
    bad.priors.confidence[:] = 0.5
    assert forecast(bad, alternatives=False).outlook.answers > forecast(good).outlook.answers


def _contains(interval: Interval | None, share: float) -> bool:
    assert interval is not None
    return bool(interval.low - 1e-9 <= share <= interval.high + 1e-9)


@pytest.mark.slow
def test_the_intervals_of_whole_audits_contain_the_truth_as_often_as_they_say() -> None:
    runs, outside = 60, np.zeros(3)
    for seed in range(runs):
        priors, truth = labels_given(400, seed)
        run, labels = ended(priors, truth, replace(SETTINGS, seed=seed)), priors.labels[:, 0]
        estimates = Estimates(run, labels, 0.9)
        found = (
            _contains(estimates.share_wrong(), float((labels != truth).mean())),
            _contains(estimates.true_share(0), float((truth == 0).mean())),
            _contains(estimates.recall(0), float((labels[truth == 0] == 0).mean())),
        )
        outside += ~np.array(found)
    # At the level itself, more than this would happen once in a thousand times.
    assert (outside <= 14).all(), outside


def test_where_people_labeled_everything_nothing_is_left_to_doubt() -> None:
    priors, truth = labels_given(30, 0)
    run = ended(priors, truth, replace(SETTINGS, target_error=0.034))
    found = Estimates(run, priors.labels[:, 0], 0.95).share_wrong()
    assert found is not None
    if not run.loop.counts.auto:
        assert found.low == found.high == pytest.approx((priors.labels[:, 0] != truth).mean())


def test_a_target_without_room_for_one_wrong_label_is_refused() -> None:
    require_room_for_errors(500, 0.002)
    with pytest.raises(RequestError, match=r"smallest target that can save answers is 0\.002"):
        require_room_for_errors(500, 0.0019)


def test_nobody_waits_for_a_batch_without_rows() -> None:
    """A test that needs no draws asks about what it leaves to people, or about nothing."""
    size = 24
    given = np.arange(size) % 2
    truth = np.where(np.arange(size) % 7 == 0, 1 - given, given)
    priors = PriorLabels(given[:, np.newaxis].astype(np.int16), np.full((size, 1), 0.9, np.float32))
    settings = LoopSettings(certificate_for="dataset", target_error=0.1, confidence=0.95, batch_size=8)
    run = AuditRun.begin(priors, 2, settings)
    while (batch := run.next_batch()) is not None:
        assert len(batch.asked)
        run.hear({number: int(truth[number]) for number in batch.asked.tolist()})
    assert run.loop.counts.pool == 0
    assert run.loop.counts.auto == 2, "as many as may be wrong"
