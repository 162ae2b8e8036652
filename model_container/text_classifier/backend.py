"""Keras on TensorFlow, loaded in one place: whoever needs them takes them from here."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def _without_greetings() -> Iterator[None]:
    """Keep what libraries in C++ say to stderr while they load; if that fails, it is shown."""
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


# Before the import: TensorFlow's notes would bury our own lines, and Keras must not take another backend that
# the user's own settings may name.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"
# Loading makes a great many objects and frees none: without the collector it is a tenth faster.
gc.disable()
with _without_greetings():
    import keras
    import tensorflow as tf

gc.enable()
gc.freeze()

__all__ = ["keras", "make_reproducible", "tf", "versions"]


def make_reproducible(seed: int) -> None:
    """Seed all randomness, and have every operation give the same result each time."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    # So small a network gains nothing there, and two machines of one kind shall give one model.
    tf.config.set_visible_devices([], "GPU")


def versions() -> dict[str, str]:
    """What a model depends on to predict as it did."""
    return {"keras": keras.__version__, "tensorflow": tf.__version__}
