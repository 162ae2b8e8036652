"""What is asked of the Docker engine, through its command line."""

import ipaddress
import json
import subprocess

from labelloop.core.errors import LabelloopError


class DockerError(LabelloopError):
    """Raised when the Docker engine does not answer, or lacks what is needed."""


def bridge_address() -> str:
    """The IP address by which containers reach this machine.

    Raises `DockerError` when the engine does not answer or has no bridge network.
    """
    config = json.loads(_docker("network", "inspect", "bridge", "--format", "{{json .IPAM.Config}}"))
    for network in config or ():
        # A new engine names no gateway before it is restarted: it is the first address.
        if "Subnet" in network:
            return str(network.get("Gateway") or next(ipaddress.ip_network(network["Subnet"]).hosts()))
    raise DockerError("Docker's bridge network has no address: name one that containers reach by --host")


def require_image(image: str) -> None:
    """Raises `DockerError` when there is no such image on this machine."""
    try:
        _docker("image", "inspect", "--format", "{{.Id}}", image)
    except DockerError as error:
        if "No such image" not in str(error):
            raise
        raise DockerError(
            f"there is no image {image} on this machine: build it (make build), or pull it"
        ) from error


def kill_container(name: str) -> None:
    """Ends a container at once; does nothing when it is gone already."""
    subprocess.run(["docker", "kill", name], capture_output=True, check=False)


def _docker(*arguments: str) -> str:
    try:
        done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise DockerError("there is no docker command: install Docker") from error
    if done.returncode != 0:
        raise DockerError(f"docker {' '.join(arguments[:2])}: {done.stderr.strip()}")
    return done.stdout.strip()
