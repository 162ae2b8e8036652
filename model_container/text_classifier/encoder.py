"""The pretrained sentence encoder: which one is installed, and its vectors."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from classifier.encoding_cache import EncodingCache, Vector
from classifier.failures import UserError
from numpy.typing import NDArray

from text_classifier.encoder_files import FILES, NO_ENCODER, WEIGHTS, sha256_of
from text_classifier.static_embedding import readable

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from text_classifier.bert import Bert

_OF_THE_IMAGE = Path("/opt/encoder")
_MOST_TOKENS = 256
_TEXTS_AT_ONCE = 1_000
# Part of the cache's file name. Raise it when the same files would give other vectors.
_VERSION = 1


class EncoderError(UserError):
    """Raised when the sentence encoder's folder cannot be used."""


class SentenceEncoder:
    """A frozen BERT in Hugging Face's file format. Its weights are loaded when a text needs them."""

    def __init__(self, folder: Path, cache_folder: Path | None = None) -> None:
        """Raises EncoderError when a file is missing, or the configuration is not that of a BERT."""
        missing = [name for name in FILES if not (folder / name).is_file()]
        if missing:
            raise EncoderError(
                f"The sentence encoder in {folder} lacks {', '.join(missing)}: fetch it with fetch_encoder, "
                "or set SENTENCE_ENCODER to its folder."
            )
        self._folder = folder
        self._loaded: tuple[Tokenizer, Bert] | None = None
        try:
            config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
            if config.get("model_type", "bert") != "bert":
                raise ValueError(f"it is of the type {config['model_type']!r:.80}, not 'bert'")
            self.size = int(config["hidden_size"])
            self._most_tokens = min(_MOST_TOKENS, int(config["max_position_embeddings"]))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _unusable(folder, error) from error
        self.identity = sha256_of(folder / WEIGHTS)
        name = f"{self.identity[:32]}-{self._most_tokens}-v{_VERSION}"
        self._cache = EncodingCache(cache_folder, name) if cache_folder else None

    @classmethod
    def of_environment(
        cls, environment: Mapping[str, str], cache_folder: Path | None = None
    ) -> SentenceEncoder | None:
        """Return the encoder of SENTENCE_ENCODER, or the image's own, or None. Raises EncoderError.

        Vectors are cached in the folder ENCODING_CACHE, or in `cache_folder`, or not at all.
        """
        named = environment.get("SENTENCE_ENCODER", "").strip()
        if named == NO_ENCODER or not (named or (_OF_THE_IMAGE / WEIGHTS).exists()):
            return None
        cache = environment.get("ENCODING_CACHE", "").strip()
        return cls(Path(named) if named else _OF_THE_IMAGE, Path(cache) if cache else cache_folder)

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return each text's vector of length 1, shape (texts, size). Raises EncoderError.

        The precision is 16 bits with and without a cache, so both give the same result.
        """
        distinct = list(dict.fromkeys(texts))
        known = self._cache.find(distinct, self.size) if self._cache else {}
        # Sorting by length puts texts of similar length together, which needs little padding.
        new = sorted((text for text in distinct if text not in known), key=len)
        for start in range(0, len(new), _TEXTS_AT_ONCE):
            some = new[start : start + _TEXTS_AT_ONCE]
            encoded = dict(zip(some, self._encode(some), strict=True))
            if self._cache:
                self._cache.keep(encoded)
            known.update(encoded)
        rows = [known[text] for text in texts]
        return np.stack(rows).astype(np.float32) if rows else np.empty((0, self.size), np.float32)

    def _encode(self, texts: Sequence[str]) -> list[Vector]:
        tokenizer, bert = self._model()
        ids = [found.ids for found in tokenizer.encode_batch_fast(list(map(readable, texts)))]
        vectors = bert.mean_vectors(ids)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return list((vectors / np.maximum(lengths, 1e-9)).astype(np.float16))

    def _model(self) -> tuple[Tokenizer, Bert]:
        if self._loaded is None:
            from tokenizers import Tokenizer

            from text_classifier.bert import Bert

            try:
                tokenizer = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
                tokenizer.no_padding()
                tokenizer.enable_truncation(self._most_tokens)
                self._loaded = tokenizer, Bert.load(self._folder)
            except Exception as error:  # the libraries raise many kinds of errors for wrong files
                raise _unusable(self._folder, error) from error
        return self._loaded


def _unusable(folder: Path, error: Exception) -> EncoderError:
    return EncoderError(
        f"The sentence encoder in {folder} cannot be used ({error!r:.200}): it must be a BERT in Hugging "
        "Face's files, such as sentence-transformers/all-MiniLM-L6-v2. Fetch it again with fetch_encoder."
    )
