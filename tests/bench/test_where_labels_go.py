"""Every label by people is for one thing."""

from typing import Any

import pytest

from bench.where_labels_go import Labels, Task, counts_of, table
from tests.unit.test_loop_runs import by_chance, run


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings", [{}, {"CertificateFor": "dataset"}, {"TargetError": 0.1, "BatchSize": 0.1}]
)
def test_labels_of_all_kinds_sum_up_to_those_of_people(settings: dict[str, Any]) -> None:
    done = run(800, truth=by_chance(800, 12), **settings)
    counts = counts_of(done.records)
    assert sum(counts) == done.loop.counts.human_labels
    assert all(number >= 0 for number in counts)
    first, _, drawn, _, _ = counts
    assert first == done.records[0].labeled_by_people
    assert drawn == sum(
        record.test.drawn for record in done.tested if record.test and record.test.verdict != "OPEN"
    )


def test_the_table_tells_how_many_times_the_oracles_labels_people_gave() -> None:
    labels = Labels(0.05, 0.06, 0.04, 0.0, 0.05, by_people=0.2, oracle=0.1)
    told = table([(Task("uci-news", "dataset", 0), labels), (Task("uci-news", "dataset", 1), labels)])
    assert told.splitlines()[-1].startswith(
        "| uci-news, whole data set | 5.0 % | 6.0 % | 4.0 % | 0.0 % | 5.0 %"
    )
    assert told.endswith("| 2.0 |")
