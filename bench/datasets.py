"""Data sets whose labels are known: real ones, and kinds that are made to be easy or hard."""

import csv
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt

from labelloop.simulation import Labels

CACHE = Path(__file__).parent / ".cache"
UCI = "LABELLOOP_UCI_CSV"
_VADER = "vaderSentiment==3.3.2"
_SOURCES = ("tweets", "movieReviewSnippets", "amazonReviewSnippets", "nytEditorialSnippets")
_SNIPPETS = 8_000
_MOVIE_SNIPPETS = 5_000


class DatasetMissingError(Exception):
    """Raised for a data set that is not on this machine: says how to get it."""


@dataclass(frozen=True)
class Texts:
    name: str
    description: str
    texts: list[str]
    labels: Labels


@dataclass(frozen=True)
class Vectors:
    name: str
    inputs: npt.NDArray[np.float32]
    labels: Labels


def uci_news() -> Texts:
    """Headlines of the UCI News Aggregator data set (Gasparetti, 2014): four classes, unbalanced.

    Raises DatasetMissingError.
    """
    path = os.environ.get(UCI)
    if not path:
        raise DatasetMissingError(f"set {UCI} to a CSV file with the columns title,category")
    with Path(path).open(encoding="utf-8", newline="") as stream:
        rows = [(row["title"], row["category"]) for row in csv.DictReader(stream)]
    return _texts(
        "uci-news",
        f"{len(rows):,} headlines, UCI News Aggregator: business, science, entertainment, health",
        rows,
    )


def snippet_sources() -> Texts:
    """Which of four sources a snippet is from: tweets, film reviews, product reviews, editorials.

    From the resources of vaderSentiment (Hutto & Gilbert, ICWSM 2014; MIT licence). Raises
    DatasetMissingError.
    """
    rows = [(text, source) for source in _SOURCES for text, _ in _snippets(source)]
    some = _sample(rows, _SNIPPETS)
    return _texts(
        "snippet-sources", f"{len(some):,} snippets: tweet, film review, product review, editorial", some
    )


def movie_sentiment() -> Texts:
    """Whether a sentence of a film review is positive, by the mean of twenty people's ratings; hard.

    From the resources of vaderSentiment (Hutto & Gilbert, ICWSM 2014; MIT licence). Raises
    DatasetMissingError.
    """
    rows = [(text, str(int(mean > 0))) for text, mean in _snippets("movieReviewSnippets")]
    some = _sample(rows, _MOVIE_SNIPPETS)
    return _texts("movie-sentiment", f"{len(some):,} sentences of film reviews: positive or negative", some)


def digits() -> Vectors:
    """Handwritten digits, 8x8 pixels (UCI; ships with scikit-learn): ten classes."""
    from sklearn.datasets import load_digits

    found = load_digits()
    return Vectors("digits", (found.data / 16).astype(np.float32), found.target.astype(np.int64))


TEXTS: dict[str, Callable[[], Texts]] = {
    "uci-news": uci_news,
    "snippet-sources": snippet_sources,
    "movie-sentiment": movie_sentiment,
}


def easy(seed: int, size: int = 2_000) -> Vectors:
    """Four clouds far from each other: one object in a hundred lies nearer to another class's."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(4, size=size)
    centres = 3.4 * np.eye(4, 12)
    inputs = centres[labels] + rng.standard_normal((size, 12))
    return Vectors("easy", inputs.astype(np.float32), labels)


def hard(seed: int, size: int = 3_000, random_share: float = 0.05) -> Vectors:
    """Overlapping clouds of very unequal size, and regions where the label has nothing to do with the object.

    In those regions no model can do better than to guess the largest class; they lie where the classifier is
    sure as well as where it is not.
    """
    rng = np.random.default_rng(seed)
    shares = [0.62, 0.25, 0.09, 0.04]
    labels = rng.choice(4, size=size, p=shares)
    centres = 3.6 * np.eye(4, 20)
    inputs = centres[labels] + rng.standard_normal((size, 20))
    # Balls around a few objects, each with one part in a hundred of all.
    for centre in rng.choice(size, round(100 * random_share), replace=False):
        nearest = np.argsort(np.linalg.norm(inputs - inputs[centre], axis=1))[: size // 100]
        labels[nearest] = rng.choice(4, size=len(nearest), p=shares)
    return Vectors("hard", inputs.astype(np.float32), labels)


def hopeless(seed: int) -> Vectors:
    """The same with more such regions: a little more than the target is wrong, however much is learned."""
    return hard(seed, random_share=0.12)


def _texts(name: str, description: str, rows: list[tuple[str, str]]) -> Texts:
    classes = {label: index for index, label in enumerate(sorted({label for _, label in rows}))}
    return Texts(
        name, description, [text for text, _ in rows], np.array([classes[label] for _, label in rows])
    )


def _sample(rows: list[tuple[str, str]], most: int) -> list[tuple[str, str]]:
    order = np.random.default_rng(0).permutation(len(rows))[:most]
    return [rows[number] for number in np.sort(order)]


def _snippets(source: str) -> list[tuple[str, float]]:
    """Text and mean rating of each snippet."""
    with tarfile.open(_vader_archive()) as package:
        resources = next(name for name in package.getnames() if name.endswith("hutto_ICWSM_2014.tar.gz"))
        content = package.extractfile(resources)
        assert content is not None
        with tarfile.open(fileobj=BytesIO(content.read())) as inner:
            file = inner.extractfile(f"hutto_ICWSM_2014/{source}_GroundTruth.txt")
            assert file is not None
            lines = file.read().decode("utf-8", "replace").splitlines()
    rows = (line.split("\t", 2) for line in lines if line.count("\t") >= 2)
    return [(text.strip(), float(mean)) for _, mean, text in rows]


def _vader_archive() -> Path:
    """The source archive, from the package index: its wheel has no texts."""
    CACHE.mkdir(exist_ok=True)
    file = CACHE / "vaderSentiment-3.3.2.tar.gz"
    if file.exists():
        return file
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
    done = subprocess.run([*command, "--dest", CACHE, _VADER], capture_output=True, text=True, check=False)
    if not file.exists():
        raise DatasetMissingError(
            f"pip could not fetch the sources of {_VADER}: {done.stderr.strip()[-200:]}"
        )
    return file
