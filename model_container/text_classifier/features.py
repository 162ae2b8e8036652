"""The network's input for a text: three views, each a vector of length 1, concatenated.

The sentence encoder, if there is one, knows the meaning. Static token embeddings know words. Latent semantic
analysis (Deerwester et al., 1990) knows the topics of these texts, whatever their language or jargon.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from classifier.encoded import EncodedObjects, Encoding, Features, SparseRows
from classifier.principal_axes import sample
from numpy.typing import NDArray
from safetensors.numpy import load_file, save
from scipy import sparse

from text_classifier.encoder import SentenceEncoder
from text_classifier.static_embedding import StaticEmbedding
from text_classifier.vocabulary import Vocabulary

# The decomposition uses at most this many texts, chosen at random if there are more.
_TEXTS_FOR_COMPONENTS = 10_000
# With fewer texts for each component, the components overfit the texts they were found in. They separate
# these texts better than others, so the nets become too sure on other texts.
_TEXTS_A_COMPONENT = 10
# How well a view shows which texts are similar: the meaning shows most, the words least.
_LIKENESS_OF_MEANING, _LIKENESS_OF_TOKENS, _LIKENESS_OF_COMPONENTS = 1.0, 0.5, 0.3
# Directions in which the texts hardly differ come from rounding errors.
_LEAST_SINGULAR_VALUE = 1e-3
# Only the vocabulary's most frequent tokens. Rarer ones hardly change the components, but make them larger.
_TOKENS_OF_COMPONENTS = 20_000
_TEXTS_AT_ONCE = 10_000
# One thread is the fastest here. More threads wait for each other, on a busy machine many times as long.
_THREADS = 1


class TextFeatures:
    """Computes the features of texts, and how much each feature counts when texts are compared."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        components: NDArray[np.float16],
        static: StaticEmbedding,
        encoder: SentenceEncoder | None,
    ) -> None:
        """Take the components of latent semantic analysis, shape (tokens, components)."""
        self.vocabulary = vocabulary
        self._components = components
        self._components_32 = components.astype(np.float32)
        self._static = static
        self._encoder = encoder

    @classmethod
    def fit(
        cls,
        texts: Sequence[str],
        vocabulary: Vocabulary,
        most_components: int,
        static: StaticEmbedding,
        encoder: SentenceEncoder | None,
        seed: int,
    ) -> TextFeatures:
        """Find the components of some texts: fewer than `most_components` if there are few texts."""
        some = [texts[number] for number in sample(len(texts), _TEXTS_FOR_COMPONENTS, seed)]
        rows = vocabulary.encode(some)[:, :_TOKENS_OF_COMPONENTS]
        return cls(vocabulary, _components(rows, most_components, seed), static, encoder)

    @property
    def size(self) -> int:
        return sum(self._sizes)

    @property
    def likeness(self) -> Features:
        """How much a difference in each feature counts when texts are compared, shape (size,)."""
        views = (_LIKENESS_OF_MEANING, _LIKENESS_OF_TOKENS, _LIKENESS_OF_COMPONENTS)
        return np.repeat(np.array(views, np.float32), self._sizes)

    @property
    def _sizes(self) -> list[int]:
        encoded = self._encoder.size if self._encoder else 0
        return [encoded, self._static.size, int(self._components.shape[1])]

    def of_texts(self, texts: Sequence[str]) -> Features:
        """Return the features, shape (texts, size). Raises EncoderError."""
        return self.encode(texts).objects.features

    @property
    def most_characters(self) -> int:
        """How much of a text's beginning is read."""
        return self.vocabulary.max_characters

    def encode(self, contents: Sequence[str]) -> Encoding:
        """Return the networks' complete input for the texts: any text can be read. Raises EncoderError."""
        chunks = range(0, max(1, len(contents)), _TEXTS_AT_ONCE)
        parts = [self._encode(contents[start : start + _TEXTS_AT_ONCE]) for start in chunks]
        tokens = sparse.csr_array(sparse.vstack([tokens for _, tokens in parts], format="csr"))
        return Encoding(EncodedObjects(np.concatenate([features for features, _ in parts]), tokens))

    def _encode(self, texts: Sequence[str]) -> tuple[Features, SparseRows]:
        tokens = self.vocabulary.encode(texts)
        views = [self._encoder.vectors(texts)] if self._encoder else []
        views.append(_of_length_one(self._static.vectors(texts)))
        views.append(_of_length_one(tokens[:, : len(self._components_32)] @ self._components_32))
        return np.concatenate(views, axis=1), tokens

    def save(self, folder: Path) -> None:
        self.vocabulary.save(folder / "vocabulary.json")
        # Not safetensors' `save_file`: other users, such as the one that serves, could not read that file.
        (folder / "components.safetensors").write_bytes(save({"components": self._components}))

    @classmethod
    def load(cls, folder: Path, static: StaticEmbedding, encoder: SentenceEncoder | None) -> TextFeatures:
        vocabulary = Vocabulary.load(folder / "vocabulary.json")
        components = load_file(folder / "components.safetensors")["components"]
        return cls(vocabulary, components, static, encoder)


def _components(rows: SparseRows, most: int, seed: int) -> NDArray[np.float16]:
    """Return the main directions of the rows, shape (tokens, components).

    They come from a randomized singular value decomposition (Halko et al., 2011). The seed makes it
    reproducible.
    """
    number = min(most, math.ceil(rows.shape[0] / _TEXTS_A_COMPONENT), rows.shape[1])
    if not number or not rows.nnz:
        return np.empty((rows.shape[1], 0), np.float16)
    # Slow to load, and serving does not need it.
    from sklearn.utils.extmath import randomized_svd
    from threadpoolctl import threadpool_limits

    with threadpool_limits(_THREADS):
        _, values, directions = randomized_svd(rows, number, n_iter=2, random_state=seed)
    kept = values > _LEAST_SINGULAR_VALUE * values[0]
    return np.ascontiguousarray(directions[kept].T, np.float16)


def _of_length_one(vectors: Features) -> Features:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-9), np.float32)
