"""The run in memory (`labelloop.simulation`) ends as the deployed state machines end.

More of it is in test_workbench_paths: several people, batches closed early, reviews.
"""

from typing import Any

import pytest

from tests.words import CLASSES

from .conftest import Loop, Outcome
from .replay import ends_the_same_in_memory

pytestmark = pytest.mark.slow
TRUTH = "s3://bucket/in/truth.csv"


@pytest.mark.parametrize(
    ("settings", "labeled"),
    [
        ({"TargetError": 0.2, "Seed": 3, "MaxRounds": 5}, 60),  # enough to train at once
        ({"TargetError": 0.2, "MaxHumanLabels": 200}, 20),
        ({"TargetError": 0.2, "CertificateFor": "class", "WrongLabelCost": 4.0, "MaxRounds": 6}, 0),
        ({"Policy": "blog"}, 0),
        # People who err, and stay silent about some: they are asked again, and some objects are given up.
        ({"TargetError": 0.15, "SimulatedPeople": {"ErrorRate": 0.05, "UnansweredShare": 0.05}}, 0),
    ],
)
def test_a_run_in_memory_labels_what_the_state_machine_labels(
    loop: Loop, settings: dict[str, Any], labeled: int
) -> None:
    loop.data(600, labeled=labeled, clean=False)
    outcome = run_with_simulated_people(loop, settings)
    ended = ends_the_same_in_memory(loop, outcome, labeled=labeled)
    assert ended.auto_labels > 0
    given_up = ended.ledger.counts().failed
    asked_again = sum(record.repeated_answers for record in ended.records)
    assert (given_up > 0, asked_again > 0) == ("SimulatedPeople" in settings,) * 2
    after_preparation = "ActiveLearning" if ended.records[0].trained else "SelectForHumans"
    assert loop.states[:3] == ["PrepareManifest", "NextAction", after_preparation]


def test_a_test_that_fails_in_memory_fails_in_the_state_machine(loop: Loop) -> None:
    loop.data(600)
    # Every fifth object is labeled by chance: no model can be right about those.
    loop.truth = [
        CLASSES[number % 3] if number % 5 == 0 else label for number, label in enumerate(loop.truth)
    ]
    settings = {"TargetError": 0.15, "BatchSize": 0.2, "MaxRounds": 8, "Seed": 1}
    ended = ends_the_same_in_memory(loop, run_with_simulated_people(loop, settings))
    (failed,) = (record.round for record in ended.records if record.test and record.test.verdict == "FAILED")
    assert any(record.trained for record in ended.records[failed:]), "the loop goes on"


def run_with_simulated_people(loop: Loop, settings: dict[str, Any]) -> Outcome:
    """People who answer as the same people in memory do, with the faults that the settings name."""
    rows = "".join(f"{number},x,{label}\n" for number, label in enumerate(loop.truth))
    loop.write("in/truth.csv", f"labelloop-id,source,label\n{rows}".encode())
    people = {"TruthS3Uri": TRUTH, **settings.get("SimulatedPeople", {})}
    loop.settings(LabelingBackend="simulated", **{**settings, "SimulatedPeople": people})
    return loop.run()
