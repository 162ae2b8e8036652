"""What a run says it would take with another promise, while its model can certify nothing."""

import pytest

from labelloop.core.records import OtherPromise, RoundRecord
from labelloop.core.report.circumstances import other_promises_in_words
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


def test_they_are_said_in_a_sentence() -> None:
    def words(*others: tuple[str, float, int]) -> str:
        records = [
            OtherPromise.model_validate(
                {"certificate_for": of, "target_error": target, "human_labels": labels}
            )
            for of, target, labels in others
        ]
        return other_promises_in_words(records, 2_000, certificate_for="all", target_error=0.05)

    assert words() == ""
    assert words(("all", 0.05, 1_500)) == (
        "By this round's model, people would label about 1,500 (75%) with a larger budget"
    )
    assert words(("dataset", 0.05, 1_000), ("all", 0.08, 700)) == (
        "By this round's model, people would label about 1,000 (50%) with a promise about the whole data set "
        '("CertificateFor": "dataset"), or about 700 (35%) with "TargetError": 0.08'
    )
