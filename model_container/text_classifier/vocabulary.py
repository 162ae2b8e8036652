"""Splits texts into words and word pieces, with numbers and weights.

Nothing here needs TensorFlow. Texts in every script work. In a script with spaces, the tokens are each word
and its character n-grams. In a script without spaces (Chinese, Japanese, Thai ...), they are the characters
of each run and their n-grams. An emoji or a punctuation mark is a separate word.
"""

from __future__ import annotations

import functools
import json
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
from classifier.encoded import SparseRows
from numpy.typing import NDArray
from scipy import sparse

# Symbols that are separate words: punctuation (ASCII, Latin-1, general, CJK), arrows to dingbats, emoji.
_SYMBOLS = (
    r"!-/:-@\[-`{-~\u00a1-\u00bf\u00d7\u00f7\u2010-\u2027\u2030-\u205e\u2190-\u2bff\u3001-\u303f\ufe30-\ufe6b"
    r"\U0001f000-\U0001faff"
)
# Joiners, writing directions, variation selectors and skin tones only change how the neighboring character
# looks.
_IGNORED = re.compile(
    r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U0001f3fb-\U0001f3ff]"
)
_WORD = re.compile(rf"[^\s{_SYMBOLS}]+|[{_SYMBOLS}]")
# Thai and Lao, Burmese, Khmer, kana, Chinese characters, hangul.
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
    r"\U00020000-\U0003ffff]"
)
_SPACED_SIZES = (3, 4, 5)
_UNSPACED_SIZES = (1, 2, 3)
# Distinguishes a whole word from an equal piece of another word. No word contains this symbol.
_WHOLE = "="

# A language has few distinct words, so the result for each short word is cached. Long runs hardly ever
# repeat.
_LONGEST_REMEMBERED = 32
_REMEMBERED_WORDS = 50_000

_TEXTS_AT_ONCE = 1_000
# A very large number of texts keeps adding new tokens. Beyond this number, the rarest so far are forgotten.
_MOST_COUNTED = 4_000_000


def words_of(text: str) -> list[str]:
    """Split a text into words and symbols, with normalized spelling: Unicode NFKC, case folded."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _WORD.findall(_IGNORED.sub("", folded))


def tokens_of(text: str) -> Iterator[str]:
    """Yield each occurrence of a text's tokens: each whole word, and its character n-grams."""
    return chain.from_iterable(map(_tokens_of_word, words_of(text)))


def _tokens_of_word(word: str) -> Sequence[str]:
    return _remembered_tokens(word) if len(word) <= _LONGEST_REMEMBERED else _split_word(word)


def _split_word(word: str) -> tuple[str, ...]:
    if _UNSPACED.search(word):
        return (_WHOLE + word, *_n_grams(word, _UNSPACED_SIZES))
    if len(word) > 1:
        return (_WHOLE + word, *_n_grams(f" {word} ", _SPACED_SIZES))
    return (_WHOLE + word,)


def _n_grams(characters: str, sizes: Sequence[int]) -> Iterator[str]:
    for size in sizes:
        for start in range(len(characters) - size + 1):
            yield characters[start : start + size]


_remembered_tokens = functools.lru_cache(_REMEMBERED_WORDS)(_split_word)


class Vocabulary:
    """The tokens that a model knows, numbered in order. It encodes texts with them."""

    def __init__(self, texts: int, frequencies: dict[str, int], max_characters: int) -> None:
        """Take the number of training texts, how many contain each token, and how much of a text is read."""
        self._texts = texts
        self._frequencies = frequencies
        self._max_characters = max_characters
        self._ids = {token: number for number, token in enumerate(frequencies)}
        self._remembered_ids = functools.lru_cache(_REMEMBERED_WORDS)(self._ids_of_word)
        counts = np.fromiter(frequencies.values(), np.float64, len(frequencies))
        self._rarity = 1.0 + np.log((1 + texts) / (1 + counts))
        self._is_whole = np.array([token.startswith(_WHOLE) for token in frequencies], bool)

    def __len__(self) -> int:
        return len(self._frequencies)

    @property
    def max_characters(self) -> int:
        """How much of a text's beginning is read."""
        return self._max_characters

    @classmethod
    def of_texts(cls, texts: Iterable[str], max_tokens: int, max_characters: int) -> Vocabulary:
        """Keep the tokens that occur in most texts; among equal ones, the first in alphabetical order."""
        number = 0
        counts: Counter[str] = Counter()
        forgotten = 0
        for text in texts:
            number += 1
            counts.update(set(tokens_of(text[:max_characters])))
            if len(counts) > _MOST_COUNTED:
                forgotten += 1
                counts = Counter({token: count for token, count in counts.items() if count > forgotten})
        ranked = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
        return cls(number, dict(ranked[:max_tokens]), max_characters)

    def encode(self, texts: Sequence[str]) -> SparseRows:
        """Return the weights of each text's known tokens, shape (texts, tokens). Unknown tokens are ignored.

        A weight is the token's TF-IDF: 1 + log of its count, times its rarity. The weights are scaled so that
        the whole words of a text and the word pieces count the same, and all weights of a text have length 1.
        """
        chunks = range(0, max(1, len(texts)), _TEXTS_AT_ONCE)
        parts = [self._encode(texts[start : start + _TEXTS_AT_ONCE]) for start in chunks]
        return sparse.csr_array(sparse.vstack(parts, format="csr"))

    def _encode(self, texts: Sequence[str]) -> SparseRows:
        keys, counts = np.unique(self._row_and_token(texts), return_counts=True)
        rows, ids = np.divmod(keys, len(self))
        weights = (1.0 + np.log(counts)) * self._rarity[ids]
        part = 2 * rows + self._is_whole[ids]
        length_of_part = np.sqrt(np.bincount(part, weights**2, minlength=2 * len(texts)))
        weights /= math.sqrt(2) * length_of_part[part]
        starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(texts)))])
        return sparse.csr_array(
            (weights.astype(np.float32), ids.astype(np.int32), starts.astype(np.int32)),
            shape=(len(texts), len(self)),
        )

    def _row_and_token(self, texts: Sequence[str]) -> NDArray[np.int64]:
        # One number for each token, row * size + id. Sorting these is far quicker than counting in Python.
        numbered = [self._ids_of_text(text) for text in texts]
        lengths = np.fromiter(map(len, numbered), np.int64, len(texts))
        flat = np.fromiter(chain.from_iterable(numbered), np.int64, int(lengths.sum()))
        return np.repeat(np.arange(len(texts)) * len(self), lengths) + flat

    def _ids_of_text(self, text: str) -> list[int]:
        ids: list[int] = []
        for word in words_of(text[: self._max_characters]):
            short = len(word) <= _LONGEST_REMEMBERED
            ids += self._remembered_ids(word) if short else self._ids_of_word(word)
        return ids

    def _ids_of_word(self, word: str) -> tuple[int, ...]:
        ids = self._ids
        return tuple(ids[token] for token in _split_word(word) if token in ids)

    def save(self, file: Path) -> None:
        content = {
            "texts": self._texts,
            "max_characters": self._max_characters,
            "frequencies": self._frequencies,
        }
        # ASCII, because a lone surrogate, which JSON allows in a text, cannot be written as UTF-8.
        file.write_text(json.dumps(content, indent=0), encoding="ascii")

    @classmethod
    def load(cls, file: Path) -> Vocabulary:
        content = json.loads(file.read_text(encoding="ascii"))
        return cls(content["texts"], content["frequencies"], content["max_characters"])
