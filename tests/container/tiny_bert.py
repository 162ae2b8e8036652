"""A BERT of a few thousand random weights in Hugging Face's files, and its forward pass in NumPy."""

import json
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

Array = NDArray[np.float64]

SIZE, LAYERS, HEADS, INNER, PLACES = 16, 2, 4, 24, 12
WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    *["bank", "stocks", "market", "film", "actor", "album", "virus", "doctor", "health", "the", "of"],
]
EPSILON = 1e-12


def make_tiny_bert(folder: Path, seed: int = 0, prefix: str = "") -> Path:
    """Writes the three files; other seeds make other weights."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "model_type": "bert",
        "hidden_size": SIZE,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "intermediate_size": INNER,
        "max_position_embeddings": PLACES,
        "layer_norm_eps": EPSILON,
    }
    (folder / "config.json").write_text(json.dumps(config))
    weights = {prefix + name: value for name, value in make_weights(seed).items()}
    (folder / "model.safetensors").write_bytes(save(weights))
    _make_tokenizer().save(str(folder / "tokenizer.json"))
    return folder


def _make_tokenizer() -> Tokenizer:
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, "[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.enable_padding()
    return tokenizer


def make_weights(seed: int) -> dict[str, NDArray[np.float32]]:
    random = np.random.default_rng(seed)
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (len(WORDS), SIZE),
        "embeddings.position_embeddings.weight": (PLACES, SIZE),
        "embeddings.token_type_embeddings.weight": (2, SIZE),
        "pooler.dense.weight": (SIZE, SIZE),
    }
    norms = ["embeddings.LayerNorm"]
    for layer in range(LAYERS):
        of = f"encoder.layer.{layer}."
        norms += [f"{of}attention.output.LayerNorm", f"{of}output.LayerNorm"]
        for part in ("self.query", "self.key", "self.value", "output.dense"):
            shapes |= {f"{of}attention.{part}.weight": (SIZE, SIZE), f"{of}attention.{part}.bias": (SIZE,)}
        shapes |= {f"{of}intermediate.dense.weight": (INNER, SIZE), f"{of}intermediate.dense.bias": (INNER,)}
        shapes |= {f"{of}output.dense.weight": (SIZE, INNER), f"{of}output.dense.bias": (SIZE,)}
    shapes |= {f"{norm}.{part}": (SIZE,) for norm in norms for part in ("weight", "bias")}
    return {name: random.normal(0, 0.5, shape).astype(np.float32) for name, shape in shapes.items()}


def mean_vector(weights: dict[str, NDArray[np.float32]], ids: list[int]) -> Array:
    """The reference: one sentence, no padding, each formula as the paper has it, in 64 bits."""
    w = {name: value.astype(np.float64) for name, value in weights.items()}

    def dense(name: str, x: Array) -> Array:
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    def norm(name: str, x: Array) -> Array:
        deviation = np.sqrt(x.var(axis=-1, keepdims=True) + EPSILON)
        scaled: Array = (x - x.mean(axis=-1, keepdims=True)) / deviation
        return scaled * w[f"{name}.weight"] + w[f"{name}.bias"]

    x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][: len(ids)]
    x = norm("embeddings.LayerNorm", x + w["embeddings.token_type_embeddings.weight"][0])
    for layer in range(LAYERS):
        of = f"encoder.layer.{layer}."
        query, key, value = (dense(f"{of}attention.self.{part}", x) for part in ("query", "key", "value"))
        mixed = []
        for head in np.split(np.arange(SIZE), HEADS):
            scores = query[:, head] @ key[:, head].T / math.sqrt(SIZE // HEADS)
            shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
            mixed.append(shares / shares.sum(axis=-1, keepdims=True) @ value[:, head])
        attended = dense(f"{of}attention.output.dense", np.concatenate(mixed, axis=1))
        x = norm(f"{of}attention.output.LayerNorm", x + attended)
        inner = dense(f"{of}intermediate.dense", x)
        inner = inner * (1 + np.vectorize(math.erf)(inner / math.sqrt(2))) / 2
        x = norm(f"{of}output.LayerNorm", x + dense(f"{of}output.dense", inner))
    return np.asarray(x.mean(axis=0))
