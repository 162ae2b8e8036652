"""Where the files are that a run deploys: in this package's checkout, else in the package itself."""

import os
from importlib.resources import files
from pathlib import Path

_TEMPLATE = "template.yaml"


def application_folder() -> Path:
    """The folder with template.yaml, the state machines and the containers.

    A checkout is preferred: whoever edits it expects to see the change.
    """
    package = Path(str(files("labelloop")))
    checkout = package.parents[1]
    if (checkout / _TEMPLATE).is_file() and (checkout / "src" / package.name).is_dir():
        return checkout
    return package / "application"


def encoder_folder(application: Path) -> Path:
    """Where the sentence encoder's files are: beside the files of a checkout, else in the user's cache.

    An installed package is not written to: it may belong to another user.
    """
    return _fetched_folder(application, "encoder")


def backbone_folder(application: Path) -> Path:
    """Where the files of the backbone for images are: as with the sentence encoder's."""
    return _fetched_folder(application, "backbone")


def _fetched_folder(application: Path, name: str) -> Path:
    beside = application / f".{name}"
    if beside.is_dir() or application != Path(str(files("labelloop"))) / "application":
        return beside
    return cache_folder() / name


def cache_folder() -> Path:
    """The user's cache of labelloop."""
    named = os.environ.get("XDG_CACHE_HOME")
    return (Path(named) if named else Path.home() / ".cache") / "labelloop"
