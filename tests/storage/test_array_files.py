"""Arrays in S3: the same back, as one request or as a stream, and never twice in memory."""

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bench.files import FilesClient
from labelloop.core.errors import PredictionsError
from labelloop.core.model.predictions import Predictions
from labelloop.storage import array_files, s3

URI = "s3://bucket/folder/x"
MEGABYTE = 2**20


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FilesClient]:
    found = FilesClient(tmp_path)
    monkeypatch.setattr(s3, "s3_client", lambda: found)
    yield found
    assert not list(tmp_path.rglob("*.part")), "all uploads have ended"


def arrays(size: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "label": rng.integers(-1, 9, size).astype("<i2"),
        "embedding": rng.normal(size=(size, 32)).astype("<f2"),
        "none": np.empty((0, 3)),
        "pairs": np.ones(size, [("id", "<i8"), ("chance", "<f4")]),
    }


@pytest.mark.slow
@pytest.mark.parametrize("size", [3, 300_000])
def test_arrays_come_back_and_can_be_written_to(client: FilesClient, size: int) -> None:
    for name, array in arrays(size).items():
        array_files.write_array(URI, array)
        again = array_files.read_array(URI)
        assert again.dtype == array.dtype, name
        assert np.array_equal(again, array)
        again[:1] = again[-1:]
    array_files.write_archive(URI, arrays(size))
    found = array_files.read_archive(URI)
    assert found.keys() == arrays(size).keys()
    assert all(np.array_equal(found[name], array) for name, array in arrays(size).items())
    assert client.requests["UploadPart"] == (2 if size > 3 else 0)


def test_what_is_left_out_is_not_fetched(client: FilesClient) -> None:
    array_files.write_archive(URI, arrays(300_000))
    found = array_files.read_archive(URI, without={"embedding"})
    assert found.keys() == {"label", "none", "pairs"}
    assert client.read < 300_000 * (2 + 12) + 8 * MEGABYTE < 300_000 * (2 + 12 + 64)
    assert client.requests["GetObject"] < 15


@pytest.mark.slow
def test_a_large_array_is_in_memory_once(client: FilesClient) -> None:
    array = np.zeros(256 * MEGABYTE, np.uint8)
    tracemalloc.start()
    try:
        array_files.write_array(URI, array)
        _, written = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        again = array_files.read_array(URI)
        _, read = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert np.array_equal(again, array)
    assert written < 180 * MEGABYTE, "S3 takes parts of 50 MB"
    assert read < 280 * MEGABYTE
    assert client.requests["GetObject"] == 1


def test_what_is_no_archive_is_told(client: FilesClient) -> None:
    s3.write_bytes(URI, b"no archive")
    with pytest.raises(ValueError, match=r"not a \.npz file"):
        array_files.read_archive(URI)
    array_files.write_archive(URI, arrays(3))
    with pytest.raises(PredictionsError, match="not predictions as labelloop keeps them"):
        Predictions.of_arrays(array_files.read_archive(URI))
