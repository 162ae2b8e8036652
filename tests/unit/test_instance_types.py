"""Which instances take a key for their volume."""

import pytest

from labelloop.workflow.instance_types import takes_a_volume_key


@pytest.mark.parametrize(
    "name",
    ["ml.m5.xlarge", "ml.c5n.2xlarge", "ml.m7i-flex.large", "ml.r6i.large", "ml.p2.xlarge", "ml.p3.2xlarge"],
)
def test_a_volume_takes_a_key(name: str) -> None:
    assert takes_a_volume_key(name)


@pytest.mark.parametrize(
    "name",
    [
        "ml.g4dn.xlarge",
        "ml.g5.2xlarge",
        "ml.g6e.xlarge",
        "ml.p3dn.24xlarge",
        "ml.p4d.24xlarge",
        "ml.p6-b200.48xlarge",
        "ml.r5d.large",
        "ml.c6gd.large",
        "ml.m5dn.large",
        "ml.trn1.2xlarge",
        "ml.p5.4xlarge",
    ],
)
def test_disks_of_its_own_take_none(name: str) -> None:
    assert not takes_a_volume_key(name)
