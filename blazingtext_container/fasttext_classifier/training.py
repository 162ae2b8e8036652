"""The program `train`: BlazingText's channels and hyperparameters in, `model.bin` out."""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import fasttext

from fasttext_classifier.channel import ChannelError, read_channel

MODEL = "model.bin"
_BUCKETS = 100_000
# For each hyperparameter of BlazingText: fastText's name, the type, and the default.
_KNOWN: dict[str, tuple[str, type, str]] = {
    "epochs": ("epoch", int, "5"),
    "learning_rate": ("lr", float, "0.05"),
    "min_count": ("minCount", int, "5"),
    "vector_dim": ("dim", int, "100"),
    "word_ngrams": ("wordNgrams", int, "2"),
    "buckets": ("bucket", int, str(_BUCKETS)),
}
_WITHOUT_EFFECT = {"mode", "early_stopping", "min_epochs", "patience"}


class HyperparameterError(Exception):
    """Raised when a hyperparameter is unknown to BlazingText, or has the wrong type."""


def main() -> int:
    """Train as SageMaker's files say. Returns the exit code. If it is 1, the reason is in output/failure."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    root = Path(os.environ.get("ML_ROOT") or "/opt/ml")
    try:
        _train(root)
    except (ChannelError, HyperparameterError, OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        (root / "output").mkdir(parents=True, exist_ok=True)
        (root / "output/failure").write_text(str(error), encoding="utf-8")
        return 1
    return 0


def _train(root: Path) -> None:
    arguments = _arguments(_read(root / "input/config/hyperparameters.json"))
    channels = _read(root / "input/config/inputdataconfig.json")
    lines = read_channel(root, channels, "train")
    validation = read_channel(root, channels, "validation")
    if not lines:
        raise ChannelError("The channel 'train' is missing or empty.")
    sys.stdout.write(f"{len(lines)} examples, {len(validation)} to validate on: {arguments}\n")
    with tempfile.TemporaryDirectory() as folder:
        file = _write(Path(folder) / "train.txt", lines)
        # One thread, so that the same seed gives the same model.
        model = fasttext.train_supervised(str(file), loss="softmax", thread=1, verbose=0, seed=0, **arguments)
        if validation:
            _, precision, _ = model.test(str(_write(Path(folder) / "validation.txt", validation)))
            sys.stdout.write(f"#validation_accuracy: {precision:.4f}\n")
    (root / "model").mkdir(parents=True, exist_ok=True)
    model.save_model(str(root / "model" / MODEL))


def _arguments(given: dict[str, Any]) -> dict[str, int | float]:
    unknown = sorted(given.keys() - _KNOWN.keys() - _WITHOUT_EFFECT)
    if unknown:
        raise HyperparameterError(f"BlazingText has no hyperparameter {', '.join(unknown)}.")
    if given.get("mode") != "supervised":
        raise HyperparameterError("The hyperparameter 'mode' must be 'supervised'.")
    return {
        argument: _value(name, kind, str(given.get(name, default)))
        for name, (argument, kind, default) in _KNOWN.items()
    }


def _value(name: str, kind: type, text: str) -> int | float:
    try:
        value: int | float = kind(text)
    except ValueError:
        raise HyperparameterError(
            f"The hyperparameter '{name}' must be of type {kind.__name__}, not '{text:.80}'."
        ) from None
    return value


def _read(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return content


def _write(file: Path, lines: list[str]) -> Path:
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return file
