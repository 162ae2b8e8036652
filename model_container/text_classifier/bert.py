"""BERT's forward pass, with weights from Hugging Face's files (Devlin et al., "BERT", 2019).

The code is here because it is short. keras-hub has it too, but would add tensorflow-text, sentencepiece and
Kaggle's clients to the image.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from classifier.backend import keras, tf
from numpy.typing import NDArray
from safetensors.numpy import load_file

ops = keras.ops

# Tokens in one step, including padding. This number is the fastest on two cores.
_TOKENS_AT_ONCE = 1_024
_NOT_ATTENDED = -1e9
_PREFIX = "bert."

TokenIds = Sequence[Sequence[int]]


class Bert:
    """A frozen BERT encoder whose sentence vector is the mean over a sentence's tokens."""

    def __init__(self, config: Mapping[str, Any], weights: Mapping[str, NDArray[np.float32]]) -> None:
        """Take `config.json`, and the tensors by Hugging Face's names. Raises KeyError if one is missing."""
        self._layers = int(config["num_hidden_layers"])
        self._heads = int(config["num_attention_heads"])
        self._size = int(config["hidden_size"])
        self._epsilon = float(config.get("layer_norm_eps", 1e-12))
        self._weights = {
            name: ops.convert_to_tensor(value) for name, value in self._arranged(weights).items()
        }
        token_ids = tf.TensorSpec((None, None), tf.int32)
        self._mean_of = tf.function(self._mean_vectors, input_signature=[token_ids, token_ids])

    @classmethod
    def load(cls, folder: Path) -> Bert:
        """Read `config.json` and `model.safetensors`. Raises OSError, ValueError or KeyError."""
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        weights = load_file(folder / "model.safetensors")
        return cls(config, {name.removeprefix(_PREFIX): value for name, value in weights.items()})

    @property
    def size(self) -> int:
        """How many numbers a vector has."""
        return self._size

    def mean_vectors(self, sentences: TokenIds) -> NDArray[np.float32]:
        """Return each sentence's vector, shape (sentences, size)."""
        vectors = np.empty((len(sentences), self._size), np.float32)
        # Batches of similar length need little padding.
        order = sorted(range(len(sentences)), key=lambda number: len(sentences[number]))
        while order:
            longest = max(1, len(sentences[order[-1]]))
            batch = order[-max(1, _TOKENS_AT_ONCE // longest) :]
            del order[-len(batch) :]
            padded = np.zeros((len(batch), longest), np.int32)
            attended = np.zeros_like(padded)
            for row, number in enumerate(batch):
                length = len(sentences[number])
                padded[row, :length] = sentences[number]
                attended[row, :length] = 1
            vectors[batch] = np.asarray(self._mean_of(padded, attended))
        return vectors

    def _arranged(self, weights: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        """Return the weights in the form of the forward pass: matrices from inputs to outputs.

        The matrices of query, key and value are joined into one.
        """
        embeddings = "embeddings.LayerNorm"
        found = {f"{embeddings}.{part}": weights[f"{embeddings}.{part}"] for part in ("weight", "bias")}
        found["words"] = weights["embeddings.word_embeddings.weight"]
        # All tokens belong to one sentence, so each position has one vector.
        first_type = weights["embeddings.token_type_embeddings.weight"][0]
        found["places"] = weights["embeddings.position_embeddings.weight"] + first_type
        for layer in range(self._layers):
            of = f"encoder.layer.{layer}."
            attention = [f"{of}attention.self.{part}" for part in ("query", "key", "value")]
            found[f"{of}attention.self.weight"] = np.concatenate(
                [weights[f"{a}.weight"] for a in attention]
            ).T
            found[f"{of}attention.self.bias"] = np.concatenate([weights[f"{a}.bias"] for a in attention])
            for dense in ("attention.output.dense", "intermediate.dense", "output.dense"):
                found[f"{of}{dense}.weight"] = weights[f"{of}{dense}.weight"].T
                found[f"{of}{dense}.bias"] = weights[f"{of}{dense}.bias"]
            for norm in ("attention.output.LayerNorm", "output.LayerNorm"):
                found[f"{of}{norm}.weight"] = weights[f"{of}{norm}.weight"]
                found[f"{of}{norm}.bias"] = weights[f"{of}{norm}.bias"]
        return {name: np.ascontiguousarray(value, np.float32) for name, value in found.items()}

    def _mean_vectors(self, token_ids: Any, attended: Any) -> Any:
        sentences, length = ops.shape(token_ids)
        hidden = ops.take(self._weights["words"], token_ids, axis=0) + self._weights["places"][:length]
        hidden = ops.reshape(self._norm("embeddings.LayerNorm", hidden), (-1, self._size))
        mask = ops.cast(attended, "float32")
        bias = (1.0 - mask)[:, None, None, :] * _NOT_ATTENDED
        for layer in range(self._layers):
            of = f"encoder.layer.{layer}."
            mixed = self._dense(f"{of}attention.output.dense", self._attention(of, hidden, bias))
            hidden = self._norm(f"{of}attention.output.LayerNorm", hidden + mixed)
            inner = ops.gelu(self._dense(f"{of}intermediate.dense", hidden), approximate=False)
            outer = self._dense(f"{of}output.dense", inner)
            hidden = self._norm(f"{of}output.LayerNorm", hidden + outer)
        hidden = ops.reshape(hidden, (sentences, length, self._size))
        return ops.sum(hidden * mask[:, :, None], axis=1) / ops.sum(mask, axis=1, keepdims=True)

    def _attention(self, of: str, hidden: Any, bias: Any) -> Any:
        """Attention from each token to all tokens of its sentence, shape (tokens of all sentences, size)."""
        sentences, length = ops.shape(bias)[0], ops.shape(bias)[3]
        parts = self._dense(f"{of}attention.self", hidden)
        parts = ops.reshape(parts, (sentences, length, 3, self._heads, self._size // self._heads))
        query, key, value = ops.unstack(ops.transpose(parts, (2, 0, 3, 1, 4)), 3)
        scores = ops.matmul(query, ops.swapaxes(key, 2, 3)) / math.sqrt(self._size // self._heads)
        mixed = ops.matmul(ops.softmax(scores + bias), value)
        return ops.reshape(ops.swapaxes(mixed, 1, 2), (-1, self._size))

    def _dense(self, name: str, inputs: Any) -> Any:
        return ops.matmul(inputs, self._weights[f"{name}.weight"]) + self._weights[f"{name}.bias"]

    def _norm(self, name: str, inputs: Any) -> Any:
        centered = inputs - ops.mean(inputs, axis=-1, keepdims=True)
        variance = ops.mean(ops.square(centered), axis=-1, keepdims=True)
        scale = self._weights[f"{name}.weight"] * ops.rsqrt(variance + self._epsilon)
        return centered * scale + self._weights[f"{name}.bias"]
