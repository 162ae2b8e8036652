"""Texts that are most like another one."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelloop.core.near_texts import NearTexts

TEXTS = [
    "Fed raises rates again",
    "Tesla recalls cars",
    "New vaccine against flu",
    "Flu season ends early",
    "株価が大幅に上昇した",
    "Вакцина от гриппа",
]


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("The Fed leaves rates alone", "Fed raises rates again"),
        ("TESLA's recalled car", "Tesla recalls cars"),
        ("Vaccinated against the flu", "New vaccine against flu"),
        ("株価は上昇", "株価が大幅に上昇した"),
        ("новая вакцина", "Вакцина от гриппа"),
    ],
)
def test_the_nearest_shares_words_or_parts_of_them(text: str, nearest: str) -> None:
    assert TEXTS[NearTexts(TEXTS).nearest(text, 1)[0]] == nearest


def test_a_text_is_nearest_to_itself_whatever_else_there_is() -> None:
    texts = [f"{one} {two}" for one in ("flu", "rate", "car") for two in ("season", "rises", "recall")]
    index = NearTexts(texts)
    assert [index.nearest(text, 1) for text in texts] == [[number] for number in range(9)]


def test_what_is_rare_counts_more_than_what_all_have() -> None:
    texts = ["the news of today: stocks", "the news of today: opera", "opera"]
    assert NearTexts([*texts, *["the news of today"] * 20]).nearest("news: an opera", 2) == [2, 1]


def test_what_shares_nothing_is_not_near_and_of_equals_the_first_come_first() -> None:
    index = NearTexts(["flu", "rates", "flu", "", "?!", "flu"])
    assert index.nearest("flu", 2) == [0, 2]
    assert index.nearest("flu", 9) == [0, 2, 5]
    assert index.nearest("opera", 3) == []
    assert index.nearest("", 3) == []
    assert index.nearest("flu", 0) == []
    assert NearTexts([]).nearest("flu", 3) == []


@given(st.lists(st.text("abc ", max_size=12), min_size=1, max_size=12), st.text("abc ", max_size=12))
def test_likeness_is_the_cosine_of_tf_idf(texts: list[str], asked: str) -> None:
    """By its definition, in plain loops."""

    def counted(text: str) -> Counter[str]:
        padded = [f" {word} " for word in text.split()]
        return Counter(word[at : at + 3] for word in padded for at in range(len(word) - 2))

    having = Counter(trigram for text in texts for trigram in counted(text))
    rarity = {trigram: 1 + math.log((1 + len(texts)) / (1 + count)) for trigram, count in having.items()}

    def weights(text: str) -> dict[str, float]:
        of = {name: (1 + math.log(n)) * rarity[name] for name, n in counted(text).items() if name in rarity}
        length = math.sqrt(sum(weight**2 for weight in of.values())) or 1.0
        return {name: weight / length for name, weight in of.items()}

    one = weights(asked)
    cosines = [sum(weight * one.get(name, 0.0) for name, weight in weights(text).items()) for text in texts]
    found = NearTexts(texts).nearest(asked, len(texts))
    assert set(found) == {number for number, cosine in enumerate(cosines) if cosine > 0}
    ordered = np.array([cosines[number] for number in found])
    assert (np.diff(ordered) <= 1e-6).all()


def test_of_a_long_text_the_beginning_counts() -> None:
    index = NearTexts(["flu season", "opera season"])
    assert index.nearest(f"opera {'x ' * 1_000} flu flu flu", 2) == [1]
