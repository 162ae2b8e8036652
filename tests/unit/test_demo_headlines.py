"""The demo's headlines: a fair stand-in for real data, and the same everywhere."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from labelloop.preparation import LabeledText, TableFormat
from labelloop.preparation.demo_headlines import CLASS_SHARES, DEFAULT_COUNT, demo_headlines, write_demo_csv
from labelloop.preparation.table_source import TableSource

HELD_OUT = 1000


@pytest.fixture(scope="module")
def headlines() -> list[LabeledText]:
    return list(demo_headlines(4000, seed=1))


def words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower())


def counts(rows: list[LabeledText], places: dict[str, int]) -> NDArray[np.float64]:
    table = np.zeros((len(rows), len(places)))
    for line, row in enumerate(rows):
        for word in words(row.text):
            if word in places:
                table[line, places[word]] += 1
    return table


def naive_bayes_accuracy(training: list[LabeledText], held_out: list[LabeledText]) -> float:
    """Multinomial naive Bayes on word counts, written here so that the data is judged by a known learner."""
    classes = sorted(CLASS_SHARES)
    places: dict[str, int] = {}
    for row in training:
        for word in words(row.text):
            places.setdefault(word, len(places))
    membership = np.array([[row.label == name for name in classes] for row in training], dtype=float)
    by_class = membership.T @ counts(training, places) + 0.3
    scores = counts(held_out, places) @ np.log(by_class / by_class.sum(axis=1, keepdims=True)).T
    best = (scores + np.log(membership.sum(axis=0) + 0.5)).argmax(axis=1)
    return float(np.mean([classes[index] == row.label for index, row in zip(best, held_out, strict=True)]))


def test_accuracy_grows_with_labels_and_never_becomes_perfect(headlines: list[LabeledText]) -> None:
    held_out = headlines[-HELD_OUT:]
    accuracy = {size: naive_bayes_accuracy(headlines[:size], held_out) for size in (300, 1000, 1500, 3000)}
    assert 0.74 < accuracy[300] < 0.85
    assert 0.85 < accuracy[1000] < 0.92
    assert accuracy[1500] > accuracy[300] + 0.05
    assert accuracy[1500] < accuracy[3000] + 0.01 < 0.96


def test_a_seed_gives_the_same_headlines_on_every_machine() -> None:
    content = "".join(f"{row.text}\t{row.label}\n" for row in demo_headlines())
    # When the words or the grammar change on purpose, this digest changes with them.
    assert (
        hashlib.sha256(content.encode()).hexdigest()
        == "cf43141206a770e309dbaf59831a40473e088b4ca641915bbd56ab1b2aea5f10"
    )


def test_another_seed_gives_other_headlines_and_a_smaller_count_the_first_of_them() -> None:
    first = list(demo_headlines(50, seed=1))
    assert list(demo_headlines(20, seed=1)) == first[:20]
    assert len({row.text for row in demo_headlines(50, seed=2)} & {row.text for row in first}) < 10


def test_the_classes_are_unbalanced_as_announced(headlines: list[LabeledText]) -> None:
    shares = Counter(row.label for row in headlines)
    assert set(shares) == set(CLASS_SHARES)
    assert sum(CLASS_SHARES.values()) == pytest.approx(1)
    for name, share in CLASS_SHARES.items():
        assert shares[name] / len(headlines) == pytest.approx(share, abs=0.04)


def test_the_vocabulary_is_open(headlines: list[LabeledText]) -> None:
    known = {word for row in headlines[:3000] for word in words(row.text)}
    new = {word for row in headlines[3000:] for word in words(row.text)} - known
    assert len(new) > 50


def test_every_kind_of_dirt_is_there_in_small_shares(headlines: list[LabeledText]) -> None:
    total = len(headlines)
    assert 0.04 < sum(row.text.endswith(" ...") for row in headlines) / total < 0.10
    assert 0.015 < sum("–" in row.text or "’" in row.text for row in headlines) / total < 0.05
    # What looks damaged reads as a fault of ours.
    assert not any("â" in row.text for row in headlines)
    assert 0.015 < sum('"' in row.text for row in headlines) / total < 0.05


def test_some_headlines_come_again_changed_a_little(headlines: list[LabeledText]) -> None:
    by_words = defaultdict(set)
    for row in headlines:
        if len(words(row.text)) > 5:
            by_words[" ".join(words(row.text))].add(row.text)
    assert sum(len(variants) > 1 for variants in by_words.values()) > 10


@pytest.fixture(scope="module")
def many_headlines() -> list[LabeledText]:
    """Enough to find what is rare."""
    return list(demo_headlines(20_000, seed=1))


def test_the_same_actors_and_deeds_come_with_either_label(many_headlines: list[LabeledText]) -> None:
    actors = r"hospital chain|health insurer|clinic group|record label|cinema chain|talent agency|theme park"
    labels = Counter(row.label for row in many_headlines if re.search(actors, row.text, re.I))
    assert labels["business"] > labels["health"] + labels["entertainment"]
    assert min(labels["health"], labels["entertainment"]) > 10


def test_a_few_labels_are_wrong(many_headlines: list[LabeledText]) -> None:
    labels = Counter(
        row.label for row in many_headlines if row.text.startswith(("MARKETS-", "BRIEF-", "WRAPUP"))
    )
    wrong = labels.total() - labels["business"]
    assert 0 < wrong / labels.total() < 0.02


def test_no_slot_is_left_unfilled_and_every_headline_fits_one_line(headlines: list[LabeledText]) -> None:
    for row in headlines:
        assert not set(row.text) & set("{}|\n\r\t")
        assert row.text == row.text.strip()
        assert "  " not in row.text
        assert 8 <= len(row.text) < 160


def test_the_csv_file_holds_the_headlines(tmp_path: Path) -> None:
    path = tmp_path / "headlines.csv"
    write_demo_csv(path)
    rows = [
        row
        for row in TableSource.open([path], TableFormat("title", "category"))
        if isinstance(row, LabeledText)
    ]
    assert len(rows) == DEFAULT_COUNT
    assert [(row.text, row.label) for row in rows] == [(row.text, row.label) for row in demo_headlines()]
