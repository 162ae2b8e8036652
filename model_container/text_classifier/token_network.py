"""The text classifier's second network. It knows which words and word pieces decide; the dense nets know what
texts mean.
"""

from __future__ import annotations

from classifier.backend import keras
from classifier.encoded import EncodedObjects
from classifier.ensemble import SecondNetwork
from classifier.hyperparameters import epochs_of
from classifier.network import Network, Schedule, logits

# The token nets are linear, so one of them is enough: all would predict the same.
_NETS = 1
# Token nets learn fast and soon overfit. Measured on headlines: 500 records need about 80 steps. With 5,000
# records, the nets get worse from the sixth epoch on.
_STEPS = 80
_FEWEST_EPOCHS = 5
_MOST_EPOCHS = 20
_BATCH = 128
_LEARNING_RATE = 0.01
_LABEL_SMOOTHING = 0.02


def build_token_network(nets: int, vocabulary_size: int, num_classes: int, seed: int) -> Network:
    """Build nets from a sparse matrix of shape (texts, vocabulary) to logits of shape (texts, nets, classes).

    They are linear. They learn each token's place among a few units, instead of a weight for each token and
    class. That distinguishes many classes with few examples. A nonlinearity gained nothing.
    """
    width = min(64, max(16, 2 * num_classes))
    tokens = keras.Input((vocabulary_size,), sparse=True, name="tokens")
    start = keras.initializers.GlorotUniform(seed)
    units = keras.layers.Dense(nets * width, use_bias=False, kernel_initializer=start, name="units")(tokens)
    return keras.Model(tokens, logits(units, nets, width, num_classes, seed + 1), name="tokens")


def _build(nets: int, texts: EncodedObjects, num_classes: int, seed: int) -> Network:
    assert texts.second is not None
    return build_token_network(nets, texts.second.shape[1], num_classes, seed)


def _schedule(records: int, seed: int) -> Schedule:
    epochs = epochs_of(_STEPS, records, _BATCH, _FEWEST_EPOCHS, _MOST_EPOCHS)
    return Schedule(epochs, _BATCH, _LEARNING_RATE, _LABEL_SMOOTHING, 0.0, seed)


TOKENS = SecondNetwork("tokens", _NETS, _build, _schedule)
"""One linear network of TF-IDF."""
