"""What tests make in Docker says whose it is, so that what a killed run left goes with the next one."""

import os
import subprocess
from pathlib import Path

_LABEL = "labelloop.tests"
OWNED = f"--label={_LABEL}={os.getpid()}"


def remove_leftovers() -> None:
    """Remove the containers and images of test runs that are no more. Raises CalledProcessError."""
    for container, owner in _owned("ps", "--all"):
        if not _runs(owner):
            _docker("rm", "--force", "--volumes", container)
    for image, owner in _owned("images"):
        if not _runs(owner):
            _docker("rmi", "--force", image)


def _owned(*listing: str) -> list[tuple[str, str]]:
    """Id and owner's process of each thing in the listing that tests have made."""
    ids = dict.fromkeys(_docker(*listing, "--quiet", f"--filter=label={_LABEL}").split())
    form = f'{{{{index .Config.Labels "{_LABEL}"}}}}'
    return [(found, _docker("inspect", f"--format={form}", found).strip()) for found in ids]


def _runs(process: str) -> bool:
    return Path("/proc", process).exists()


def _docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=300, check=True)
    return done.stdout
