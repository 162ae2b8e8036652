"""Static token embeddings: a text's vector is the mean of its tokens' vectors, whatever their order.

The table and its tokenizer are two files in the package `wordllama` (Miller, 2024: token embeddings taken
from large language models and reduced by contrastive learning). The package's code is not imported, because
it would try to download files.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from classifier.failures import UserError
from numpy.typing import NDArray
from safetensors.numpy import load
from scipy import sparse
from tokenizers import Tokenizer

_PACKAGE = "wordllama"
_TABLE = Path("weights", "l2_supercat_256.safetensors")
_TOKENIZER = Path("tokenizers", "l2_supercat_tokenizer_config.json")


class StaticEmbeddingError(UserError):
    """Raised when the package with the token vectors is missing, or is not the expected one."""


class StaticEmbedding:
    """A table of token vectors, shape (tokens, size)."""

    def __init__(self, tokenizer: Tokenizer, table: NDArray[np.float32], identity: str) -> None:
        """Take the tokenizer, the table and its identity: a hash that differs when the table differs."""
        self._tokenizer = tokenizer
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._table = table
        self.identity = identity

    @classmethod
    def of_package(cls) -> StaticEmbedding:
        """Read the installed package's files. Raises StaticEmbeddingError."""
        found = importlib.util.find_spec(_PACKAGE)
        folders = (found.submodule_search_locations if found else None) or []
        try:
            folder = Path(next(iter(folders)))
            content = (folder / _TABLE).read_bytes()
            (table,) = load(content).values()
            tokenizer = Tokenizer.from_file(str(folder / _TOKENIZER))
        except Exception as error:  # the libraries raise many kinds of errors for missing or wrong files
            raise StaticEmbeddingError(
                f"The token vectors of the package {_PACKAGE} cannot be read ({error!r:.200}): "
                "install the container's requirements.txt."
            ) from error
        return cls(tokenizer, table.astype(np.float32), hashlib.sha256(content).hexdigest())

    @property
    def size(self) -> int:
        return int(self._table.shape[1])

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return each text's vector, shape (texts, size): zeros for a text without a token."""
        encoded = self._tokenizer.encode_batch_fast(list(map(readable, texts)), add_special_tokens=False)
        rows = [found.ids for found in encoded]
        lengths = np.fromiter(map(len, rows), np.int64, len(rows))
        starts = np.concatenate([[0], np.cumsum(lengths)])
        ids = np.fromiter((number for row in rows for number in row), np.int64, int(starts[-1]))
        shares = np.repeat(1.0 / np.maximum(lengths, 1), lengths).astype(np.float32)
        shape = (len(rows), len(self._table))
        known = np.minimum(ids, len(self._table) - 1)
        return np.asarray(sparse.csr_array((shares, known, starts), shape=shape) @ self._table, np.float32)


def readable(text: str) -> str:
    """Return the text without lone surrogates, which JSON allows but tokenizers refuse."""
    return text.encode("utf-8", "replace").decode("utf-8")
