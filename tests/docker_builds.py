"""Tests that build images take turns: two at once would build the same layers twice."""

import os
import tempfile
from pathlib import Path

from filelock import FileLock

ONE_BUILD = FileLock(Path(tempfile.gettempdir(), f"labelloop-tests-build-{os.getuid()}.lock"))
