"""The memory of a command is that of all its processes, and no more."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.laptop import measured

HOLD = "import time; kept = b'x' * (100 * 2**20); time.sleep(1.5)"
TWICE = f"import subprocess, sys, time; kept = b'x' * (50 * 2**20); \
subprocess.run([sys.executable, '-c', {HOLD!r}], check=True)"


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="only Linux tells the memory")
def test_all_processes_count() -> None:
    found = measured([sys.executable, "-c", TWICE], dict(os.environ))
    assert 150 < found.megabytes < 200
    with pytest.raises(subprocess.CalledProcessError):
        measured([sys.executable, "-c", "raise SystemExit(3)"], dict(os.environ))
