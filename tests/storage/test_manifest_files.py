"""The lines of the objects that are asked for, and of no others."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelloop.core.errors import ManifestError
from labelloop.storage import s3
from labelloop.storage.manifest_files import lines_of

URI, SIZE = "s3://bucket/manifest.jsonl", 30
LINES = [b'{"labelloop-id":%d,"source":"x"}' % number for number in range(SIZE)]


@given(st.sets(st.integers(0, SIZE - 1)))
def test_lines_come_in_order_whatever_is_asked_for(ids: set[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(s3, "read_lines", lambda _uri: iter(LINES))
        found = list(lines_of(URI, np.array(sorted(ids, reverse=True), np.int64), SIZE))
    assert found == [LINES[number] for number in sorted(ids)]


@pytest.mark.parametrize(
    "lines", [LINES[:20], [*LINES[:7], *LINES[8:]], [*LINES[:20], LINES[21], LINES[20], *LINES[22:]]]
)
def test_a_manifest_whose_lines_are_not_in_their_places_is_refused(
    monkeypatch: pytest.MonkeyPatch, lines: list[bytes]
) -> None:
    monkeypatch.setattr(s3, "read_lines", lambda _uri: iter(lines))
    with pytest.raises(ManifestError, match=r"s3://bucket/manifest.jsonl .* object 20 .* its place"):
        list(lines_of(URI, np.array([3, 20]), SIZE))
