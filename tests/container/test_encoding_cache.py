"""Vectors are found again, by other processes too; a cache that is of no use costs no job."""

import sqlite3
import threading
from pathlib import Path

import numpy as np
import pytest
from classifier.encoding_cache import EncodingCache

ODD = ["", "\ud800", "a" * 10_000, "東京", "x\x00y"]


def vectors(texts: list[str]) -> dict[str, np.ndarray]:
    return {text: np.array([number, 0.5, -1], np.float16) for number, text in enumerate(texts)}


def assert_found(cache: EncodingCache, texts: list[str]) -> None:
    found = cache.find(texts, 3)
    assert list(found) == texts or set(found) == set(texts)
    for text, vector in vectors(texts).items():
        assert np.array_equal(found[text], vector)


def test_what_is_kept_is_found_by_another(tmp_path: Path) -> None:
    texts = [*ODD, *(f"text {number}" for number in range(1_500))]
    EncodingCache(tmp_path / "new", "bert").keep(vectors(texts))
    assert_found(EncodingCache(tmp_path / "new", "bert"), texts)


def test_what_was_not_kept_is_not_found(tmp_path: Path) -> None:
    cache = EncodingCache(tmp_path, "bert")
    cache.keep(vectors(["a"]))
    assert list(cache.find(["a", "b", "A"], 3)) == ["a"]
    assert EncodingCache(tmp_path, "other").find(["a"], 3) == {}


def test_several_may_keep_at_once(tmp_path: Path) -> None:
    texts = [f"text {number}" for number in range(400)]
    all_vectors = vectors(texts)

    def keep(start: int) -> None:
        for text in texts[start::4]:
            EncodingCache(tmp_path, "bert").keep({text: all_vectors[text]})

    threads = [threading.Thread(target=keep, args=(start,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert_found(EncodingCache(tmp_path, "bert"), texts)


def test_an_interruption_leaves_nothing_by_halves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = EncodingCache(tmp_path, "bert")
    cache.keep(vectors(["a"]))
    writing = sqlite3.connect(tmp_path / "bert.sqlite")
    writing.execute("INSERT INTO vectors VALUES (x'00', x'00')")
    writing.close()  # as a process that dies: what it did not commit is gone
    assert_found(cache, ["a"])
    with sqlite3.connect(tmp_path / "bert.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM vectors").fetchone() == (1,)
    connection.close()


@pytest.mark.parametrize("trouble", ["a file in the way", "damaged", "another size"])
def test_a_cache_of_no_use_is_done_without(
    tmp_path: Path, trouble: str, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "cache"
    if trouble == "a file in the way":
        folder.write_text("")
    elif trouble == "damaged":
        folder.mkdir()
        (folder / "bert.sqlite").write_bytes(b"no database " * 1_000)
    else:
        EncodingCache(folder, "bert").keep({"a": np.zeros(2, np.float16)})
    cache = EncodingCache(folder, "bert")
    with caplog.at_level("INFO"):
        assert cache.find(["a"], 3) == {}
        cache.keep(vectors(["a"]))
        assert cache.find(["a"], 3) == {}
    assert caplog.text.count("continuing without them") == 1
