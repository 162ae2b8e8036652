"""The container's features of a data set's texts, computed once and kept."""

import hashlib
import os
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from classifier.encoded import EncodedObjects
from text_classifier.encoder import SentenceEncoder
from text_classifier.features import TextFeatures
from text_classifier.hyperparameters import TextHyperparameters
from text_classifier.static_embedding import StaticEmbedding
from text_classifier.vocabulary import Vocabulary

from bench.datasets import CACHE, Texts
from bench.results import ROOT

_ENCODER = ROOT / ".encoder"


def sentence_encoder() -> SentenceEncoder | None:
    """The one `make encoder` fetches, or the environment's; None when there is neither."""
    fetched = {"SENTENCE_ENCODER": str(_ENCODER)} if (_ENCODER / "model.safetensors").exists() else {}
    return SentenceEncoder.of_environment({**fetched, "ENCODING_CACHE": str(CACHE), **_named()})


@dataclass(frozen=True)
class Views:
    """What the container makes of a data set's texts before it looks at their neighbors."""

    encoded: EncodedObjects
    likeness: npt.NDArray[np.float32]
    """How much each feature counts where texts are compared, shape (features,)."""

    @property
    def features(self) -> npt.NDArray[np.float32]:
        return self.encoded.features


def text_features(data: Texts) -> Views:
    """All of the data set's texts stand in the container's pool."""
    encoder = sentence_encoder()
    settings = TextHyperparameters(num_classes=int(data.labels.max()) + 1, label_attribute="label")
    static = StaticEmbedding.of_package()
    key = hashlib.sha256(
        repr((encoder.identity if encoder else None, static.identity, settings, data.texts)).encode()
    ).hexdigest()[:16]
    file = CACHE / f"{data.name}-{key}-views.pickle"
    if not file.exists():
        vocabulary = Vocabulary.of_texts(data.texts, settings.max_tokens, settings.max_characters)
        features = TextFeatures.fit(data.texts, vocabulary, settings.max_components, static, encoder, 0)
        _keep(file, Views(features.encode(data.texts).objects, features.likeness))
    # Our own file, in our own folder.
    return pickle.loads(file.read_bytes())  # type: ignore[no-any-return]


def principal_components(features: npt.NDArray[np.float32], number: int) -> npt.NDArray[np.float32]:
    """Where objects lie along the directions in which they differ most, shape (objects, number)."""
    from sklearn.decomposition import PCA
    from threadpoolctl import threadpool_limits

    number = min(number, features.shape[1])
    with threadpool_limits(1):
        return np.asarray(PCA(number, svd_solver="covariance_eigh").fit_transform(features), np.float32)


def _named() -> dict[str, str]:
    named = os.environ.get("SENTENCE_ENCODER")
    return {"SENTENCE_ENCODER": named} if named else {}


def _keep(file: Path, content: Any) -> None:
    file.parent.mkdir(exist_ok=True)
    unfinished = file.with_suffix(f".{os.getpid()}")
    unfinished.write_bytes(pickle.dumps(content))
    unfinished.replace(file)


def kernel_features(inputs: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """How like each object is to 400 of them, by a Gaussian kernel (Nyström): what a linear model can use."""
    from sklearn.kernel_approximation import Nystroem

    return np.asarray(Nystroem(gamma=0.3, n_components=400, random_state=0).fit_transform(inputs), np.float32)
