"""What tests have taken is a probability: no change of the confidence gives any of it back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelloop.core.certificate.audit_schedule import AuditSchedule, level
from labelloop.core.certificate.betting import fewest_draws
from labelloop.core.certificate.lineage import at_another_confidence, chance_spent, charged
from labelloop.core.certificate.promise import Promise
from labelloop.core.records import Lineage
from labelloop.core.report.circumstances import draws_in_words, lineage_in_words

SHARE = 0.9  # of what is left, that a test takes
CONFIDENCES = st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99])


@given(steps=st.lists(st.tuples(CONFIDENCES, st.booleans(), st.floats(0, 0.05)), max_size=12))
def test_all_tests_together_never_take_more_than_the_confidence_leaves(
    steps: list[tuple[float, bool, float]],
) -> None:
    schedule, confidence, spent = AuditSchedule(), 0.9, 0.0
    for other, tests, foreign in steps:
        schedule, confidence = at_another_confidence(schedule, confidence, other), other
        schedule, spent = charged(schedule, [foreign], confidence), spent + foreign
        assert chance_spent(schedule, confidence) == pytest.approx(spent), "also where it is too much"
        taken = level(schedule, confidence, SHARE)
        if tests and taken > 0:
            schedule, spent = schedule.tested(10, SHARE), spent + taken
            assert spent <= 1 - confidence + 1e-9


def test_an_unchanged_confidence_changes_nothing() -> None:
    schedule = AuditSchedule(chance_left=0.1)
    assert at_another_confidence(schedule, 0.9, 0.9) is schedule
    assert charged(schedule, [], 0.9).chance_left == pytest.approx(0.1)


def test_what_is_spent_at_little_confidence_is_not_worth_less_at_more() -> None:
    """As a share, 90 % of one half would be 90 % of a twentieth."""
    tested = AuditSchedule().tested(10, SHARE)
    assert level(at_another_confidence(tested, 0.5, 0.95), 0.95, SHARE) <= 0
    less = at_another_confidence(tested, 0.9, 0.5)
    assert level(less, 0.5, SHARE) == pytest.approx(0.9 * (0.5 - 0.09))


@pytest.mark.parametrize("promise", [Promise(0.05), Promise(0.05, output=100, by_people=10)])
def test_at_a_level_of_zero_nothing_is_enough(promise: Promise) -> None:
    assert fewest_draws(promise, 0.0) > 10**9


def test_a_certificate_says_what_was_tried_and_what_cannot_be_seen() -> None:
    alone = lineage_in_words(Lineage(executions=1, tests=1, chance_spent=0.09))
    assert alone.startswith("This run made 1 test, and used 0.09 of the allowed chance")
    several = lineage_in_words(Lineage(executions=3, tests=2, chance_spent=0.099))
    assert several.startswith("3 executions of this run made 2 tests, and used 0.099 of")
    assert "copy" in several
    assert "work out in advance" in draws_in_words(0, was_secret=False)
    assert "secret until the run ended" in draws_in_words("0" * 32, was_secret=True)
