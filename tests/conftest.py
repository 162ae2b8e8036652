"""What every test has in common."""

import functools
import gc
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import botocore.loaders
import pytest
from hypothesis import HealthCheck, settings

from tests.local.fork_server import ForkServer

pytest_plugins = ["tests.chromium"]

# Tests start hundreds of processes: each would compile the sources anew where bytecode is not kept.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# As many tests run at once as there are cores: threads within each would only wait for one another.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")

# Times vary from machine to machine: a test never fails on a clock.
settings.register_profile(
    "labelloop", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("labelloop")

# A shell lets what it starts in the background ignore Ctrl-C, and so would every process a test starts.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


# What is imported while tests are collected stays to the end: to look it through for garbage, then and with
# each test, takes a tenth of the time.
gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


_load_file = botocore.loaders.JSONFileLoader.load_file


@functools.cache
def _load_file_once(path: str) -> Any:
    return _load_file(botocore.loaders.JSONFileLoader(), path)


_list_services = botocore.loaders.Loader.list_available_services


@functools.cache
def _list_services_once(search_paths: tuple[str, ...], type_name: str) -> list[str]:
    loader = botocore.loaders.Loader(list(search_paths), include_default_search_paths=False)
    return _list_services(loader, type_name)


# Each test has a session of its own, and each session would parse the descriptions of its services anew,
# and look through the folders of all services for them.
botocore.loaders.JSONFileLoader.load_file = lambda _self, path: _load_file_once(path)  # type: ignore[assignment,method-assign]
botocore.loaders.Loader.list_available_services = lambda self, type_name: _list_services_once(  # type: ignore[method-assign]
    tuple(self.search_paths), type_name
)


@pytest.fixture(scope="session")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    """The process that stand-in containers are forks of."""
    with closing(ForkServer(tmp_path_factory.mktemp("forks"))) as server:
        yield server
