"""The load benchmark, small: over HTTP nothing is lost and nothing doubled, however many press at once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bench.workbench_load import put_under_load

pytestmark = pytest.mark.slow


def test_nothing_is_lost_and_nothing_doubled(tmp_path: Path) -> None:
    # In a thread of its own: in the tests' own, Playwright's event loop may be running.
    with ThreadPoolExecutor(1) as thread:
        load, kept = thread.submit(
            put_under_load, tmp_path, objects=600, people=20, seconds=600, pause=0.1, enough=400
        ).result()
    assert len(load.accepted) >= 400
    assert (kept.answers, kept.lost, kept.doubled) == (len(load.accepted), 0, 0)
