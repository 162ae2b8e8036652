"""The one version of moto that `labelloop.local.moto_patches` was written for.

A module of its own, so that another version is refused before any of its internals are imported.
"""

from importlib.metadata import version

from labelloop.core.errors import LabelloopError

MOTO_VERSION = "5.2.5"


class MotoVersionError(LabelloopError):
    """Raised when the installed moto is not the one that the patches were written for."""


def check_moto_version() -> None:
    """Raises `MotoVersionError` unless the installed moto is `MOTO_VERSION`."""
    installed = version("moto")
    if installed != MOTO_VERSION:
        raise MotoVersionError(
            f"labelloop runs its state machines on moto {MOTO_VERSION}, but moto {installed} is installed: "
            f"pip install moto=={MOTO_VERSION}"
        )
