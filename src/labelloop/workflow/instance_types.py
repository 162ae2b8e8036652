"""What the names of SageMaker's instance types tell."""

import re

# All with accelerators since g4dn, p4d and trn1, and those with a d after the generation: m5d, r6gd.
_WITH_DISKS_OF_ITS_OWN = re.compile(r"g|p[4-9]|trn|[a-z]+\d+[a-z]*d")


def takes_a_volume_key(instance_type: str) -> bool:
    """Whether SageMaker takes a VolumeKmsKeyId for it.

    It refuses one for instances with their own disks (NVMe): these are always encrypted.
    """
    family = instance_type.removeprefix("ml.").partition(".")[0]
    return _WITH_DISKS_OF_ITS_OWN.match(family) is None
