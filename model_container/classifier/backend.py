"""Loads Keras on TensorFlow in one place. Other modules import them from here."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def _without_greetings() -> Iterator[None]:
    """Hide what C++ libraries write to stderr while they load. If loading fails, show it."""
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            yield
        except BaseException:
            said.seek(0)
            os.write(stderr, said.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


# Set these before the import. TensorFlow's notes would hide our own lines, and the user's settings may name
# another Keras backend.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"
# Loading creates very many objects and frees none. Without the garbage collector it is a tenth faster.
gc.disable()
with _without_greetings():
    import keras
    import tensorflow as tf

gc.enable()
gc.freeze()

__all__ = ["keras", "make_reproducible", "tf", "versions"]


def make_reproducible(seed: int) -> None:
    """Seed all randomness, and make every operation deterministic."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    # Such a small network gains nothing on a GPU, and two machines of the same kind must give the same model.
    tf.config.set_visible_devices([], "GPU")


def versions() -> dict[str, str]:
    """The library versions that a model's predictions depend on."""
    return {"keras": keras.__version__, "tensorflow": tf.__version__}
