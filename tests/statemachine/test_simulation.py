"""The run in memory (`labelloop.simulation`) ends as the deployed state machines end.

More of it is in test_workbench_paths: several people, batches closed early, reviews.
"""

from typing import Any

import pytest

from .conftest import Loop
from .replay import ends_the_same_in_memory

pytestmark = pytest.mark.slow
TRUTH = "s3://bucket/in/truth.csv"


@pytest.mark.parametrize(
    ("settings", "labeled"),
    [
        ({"TargetError": 0.2, "Seed": 3}, 20),
        ({"TargetError": 0.2, "MaxHumanLabels": 200}, 0),
        ({"TargetError": 0.2, "CertificateFor": "class", "WrongLabelCost": 4.0}, 0),
        ({"Policy": "blog"}, 0),
        # People who err, and stay silent about some: they are asked again, and some objects are given up.
        ({"TargetError": 0.2, "SimulatedPeople": {"ErrorRate": 0.05, "UnansweredShare": 0.05}}, 0),
    ],
)
def test_a_run_in_memory_labels_what_the_state_machine_labels(
    loop: Loop, settings: dict[str, Any], labeled: int
) -> None:
    loop.data(600, labeled=labeled, clean=False)
    rows = "".join(f"{number},x,{label}\n" for number, label in enumerate(loop.truth))
    loop.write("in/truth.csv", f"labelloop-id,source,label\n{rows}".encode())
    people = {"TruthS3Uri": TRUTH, **settings.pop("SimulatedPeople", {})}
    loop.settings(LabelingBackend="simulated", SimulatedPeople=people, **settings)
    outcome = loop.run()
    ended = ends_the_same_in_memory(loop, outcome, labeled=labeled)
    assert ended.auto_labels > 0
