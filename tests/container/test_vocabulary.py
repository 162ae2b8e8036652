"""Texts of every script become tokens, and the same text always the same ones."""

import functools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from text_classifier.vocabulary import Vocabulary, tokens_of, words_of

CORPUS = [
    "Stocks fall as the bank warns",
    "The band plays a new album",
    "東京で新しい映画が公開",
    "ราคาหุ้นตกต่ำ",
    "😀👍 great!",
    "Bank, bank and bank again",
]


@functools.cache
def vocabulary() -> Vocabulary:
    return Vocabulary.of_texts(CORPUS, 10_000, 1_000)


def rows(known: Vocabulary, texts: list[str]) -> list[list[tuple[int, float]]]:
    found = known.encode(texts)
    bounds = zip(found.indptr[:-1], found.indptr[1:], strict=True)
    return [list(zip(found.indices[a:b].tolist(), found.data[a:b].tolist(), strict=True)) for a, b in bounds]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't  STOP\tnow", ["don", "'", "t", "stop", "now"]),
        ("Ｆｕｌｌ ﬁne STRASSE straße", ["full", "fine", "strasse", "strasse"]),
        ("up 3%, say “banks”…", ["up", "3", "%", ",", "say", "“", "banks", "”", ".", ".", "."]),
        ("so good😀👍🏽", ["so", "good", "😀", "👍"]),
        ("हिन्दी समाचार", ["हिन्दी", "समाचार"]),
        ("one\u2028two\u00a0three", ["one", "two", "three"]),
        ("zero\u200bwidth\ufeff", ["zerowidth"]),
        (" \u200b ", []),
    ],
)
def test_words_are_in_one_spelling_and_symbols_are_words(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_a_spaced_word_gives_itself_and_its_pieces_with_their_place_in_it() -> None:
    assert list(tokens_of("cats")) == [
        "=cats",
        " ca",
        "cat",
        "ats",
        "ts ",
        " cat",
        "cats",
        "ats ",
        " cats",
        "cats ",
    ]


@pytest.mark.parametrize(
    ("text", "shared"), [("今日は天気", "天気"), ("วันนี้อากาศดี", "อา"), ("ខ្មែរ", "ខ្"), ("오늘날씨", "날씨")]
)
def test_text_without_spaces_gives_its_characters_and_their_n_grams(text: str, shared: str) -> None:
    assert {shared, *shared} <= set(tokens_of(text))


def test_the_vocabulary_holds_what_most_texts_hold_in_a_fixed_order() -> None:
    few = Vocabulary.of_texts(["b a a", "b c", "b c"], 2, 1_000)
    assert rows(few, ["b", "c", "a"])[2] == []
    assert [row[0][0] for row in rows(few, ["b", "c"])] == [0, 1]


def test_unknown_tokens_are_left_out() -> None:
    assert rows(vocabulary(), ["zzz", ""]) == [[], []]


def test_no_texts_give_no_rows() -> None:
    assert vocabulary().encode([]).shape[0] == 0


def test_a_word_said_again_weighs_more_but_not_twice_as_much() -> None:
    once, twice = rows(vocabulary(), ["bank album", "bank bank album"])
    assert [token for token, _ in once] == [token for token, _ in twice]
    ratio = max(b / a for (_, a), (_, b) in zip(once, twice, strict=True))
    assert 1 < ratio < 2


def test_text_beyond_the_limit_is_not_read() -> None:
    short = Vocabulary.of_texts(CORPUS, 10_000, 11)
    assert rows(short, ["Stocks fall as the bank warns"]) == rows(short, ["Stocks fall"])


@given(st.lists(st.text() | st.sampled_from(CORPUS), max_size=8))
def test_a_text_is_encoded_alike_alone_and_among_others(texts: list[str]) -> None:
    together = rows(vocabulary(), texts)
    assert together == [rows(vocabulary(), [text])[0] for text in texts]


@given(st.text())
def test_weights_have_length_one_when_words_and_pieces_are_known(text: str) -> None:
    found = Vocabulary.of_texts([text], 10_000, 1_000).encode([text])
    whole_words_only = set(tokens_of(text)) <= {f"={word}" for word in words_of(text)}
    expected = 0 if not found.nnz else 0.5 if whole_words_only else 1
    assert float((found.data**2).sum()) == pytest.approx(expected, abs=1e-5)


def test_more_texts_than_are_encoded_at_once_keep_their_order() -> None:
    texts = [CORPUS[number % len(CORPUS)] for number in range(2_500)]
    assert rows(vocabulary(), texts) == rows(vocabulary(), CORPUS) * 416 + rows(vocabulary(), CORPUS)[:4]


@pytest.mark.parametrize("odd", ["", "lone \ud800 surrogate", 'quote " and \\ and \n', "\x00"])
def test_a_vocabulary_comes_back_from_its_file(tmp_path: Path, odd: str) -> None:
    known = Vocabulary.of_texts([*CORPUS, odd], 10_000, 1_000)
    known.save(tmp_path / "vocabulary.json")
    assert rows(Vocabulary.load(tmp_path / "vocabulary.json"), [*CORPUS, odd]) == rows(known, [*CORPUS, odd])


def test_counting_forgets_the_rarest_tokens_before_they_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("text_classifier.vocabulary._MOST_COUNTED", 50)
    texts = [f"common word{number}" for number in range(200)]
    known = Vocabulary.of_texts(texts, 30, 1_000)
    assert rows(known, ["common"])[0]
    assert len(known) <= 30
