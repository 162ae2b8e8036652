"""What a run says it would take with another promise, while its model can certify nothing."""

import pytest

from labelloop.core.records import ModelRecord, OtherPromise, RoundRecord
from labelloop.core.report.circumstances import other_promises_in_words
from labelloop.core.report.labels_expected import is_flat, labels_expected
from tests.unit.test_loop_runs import Run, by_chance, run


def told(done: Run) -> list[RoundRecord]:
    return [record for record in done.records if record.other_promises]


@pytest.mark.slow
def test_a_promise_about_the_whole_data_set_is_told_where_none_about_the_auto_labels_can_pass() -> None:
    # Every fifth object is labeled by chance: about 13 % are wrong, and no model knows which.
    truth = by_chance(1_500, 5)
    done = run(1_500, truth=truth, TargetError=0.05, BatchSize=0.1)
    assert done.ended.certificate is None
    first = told(done)[0]
    assert first.human_labels_before >= 150, "not of the first models, which know nothing"
    foreseen = {(one.certificate_for, one.target_error): one.human_labels for one in first.other_promises}
    assert set(foreseen) == {("dataset", 0.05), ("all", 0.08), ("all", 0.2)}
    assert foreseen["all", 0.2] < foreseen["all", 0.08] < 1_500
    assert done.report().rounds[first.round - 1].other_promises == first.other_promises
    as_told = run(1_500, truth=truth, TargetError=0.05, BatchSize=0.1, CertificateFor="dataset")
    assert as_told.loop.counts.auto > 0


def test_a_budget_that_is_too_small_for_a_test_is_told() -> None:
    done = run(1_500, TargetError=0.02, MaxHumanLabels=300, BatchSize=0.05)
    assert done.ended.certificate is None
    first = told(done)[0]
    own = next(
        one for one in first.other_promises if (one.certificate_for, one.target_error) == ("all", 0.02)
    )
    assert 300 < own.human_labels < 1_500


def test_nothing_is_told_where_the_run_does_well() -> None:
    assert not told(run(800))


def test_they_are_told_though_a_test_could_pass_where_people_would_label_nearly_all() -> None:
    # So few objects that a test takes most of them.
    done = run(300, TargetError=0.05, BatchSize=0.05)
    possible = [record for record in told(done) if _expected(record) < 300]
    assert possible
    for record in possible:
        assert _expected(record) > 0.75 * 300
        assert record.other_promises
        assert all(one.human_labels <= _expected(record) - 30 for one in record.other_promises)


def _expected(record: RoundRecord) -> int:
    before = record.human_labels_before
    expected = labels_expected(record, before, record.counts.input - before)
    assert expected is not None
    return expected


def test_the_estimate_is_flat_where_trainings_leave_it_high() -> None:
    assert is_flat([700, 702, 690, 698], 800)
    assert is_flat([900, 500, 800, 800, 800, 799], 800)
    assert not is_flat([800, 800, 800], 800), "too few trainings"
    assert not is_flat([800, 780, 760, 740], 800), "it falls"
    assert not is_flat([500, 500, 500, 500], 800), "the model spares much"


@pytest.mark.parametrize(
    ("left", "draws", "expected"), [(20, 30.4, 150), (20, None, 600), (400, 300.0, 600), (None, None, None)]
)
def test_labels_expected_are_never_more_than_there_are(
    left: int | None, draws: float | None, expected: int | None
) -> None:
    model = ModelRecord(left_to_people=left, expected_draws=draws)
    assert labels_expected(model, 100, 500) == expected


def test_they_are_said_in_a_sentence() -> None:
    def words(*others: tuple[str, float, int]) -> str:
        records = [
            OtherPromise.model_validate(
                {"certificate_for": of, "target_error": target, "human_labels": labels}
            )
            for of, target, labels in others
        ]
        return other_promises_in_words(records, 1_900, 2_000, certificate_for="all", target_error=0.05)

    assert words() == ""
    assert words(("all", 0.05, 1_500)) == (
        "By this round's model, people would label about 1,900 (95%) as it stands; about 1,500 (75%) with "
        "a larger budget"
    )
    assert words(("dataset", 0.05, 1_000), ("all", 0.08, 700)) == (
        "By this round's model, people would label about 1,900 (95%) as it stands; about 1,000 (50%) with a "
        'promise about the whole data set ("CertificateFor": "dataset"), or about 700 (35%) with '
        '"TargetError": 0.08'
    )
