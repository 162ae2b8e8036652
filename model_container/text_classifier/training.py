"""The program `train`: examples in, model artifact out, or a failure message that people understand."""

from __future__ import annotations

import logging
import os
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from text_classifier.checkpoints import Checkpoints, identity_of
from text_classifier.contract import Contract
from text_classifier.distillation import Distillation, PriorSignals, folds_of
from text_classifier.encoder import SentenceEncoder
from text_classifier.examples import Examples, UnlabeledTexts, read_examples, read_texts
from text_classifier.failures import UserError, write_failure
from text_classifier.features import TEXTS_FOR_AXES, EncodedTexts, PrincipalAxes, TextFeatures, sample
from text_classifier.hyperparameters import Hyperparameters
from text_classifier.ml_tree import ChannelError, MlTree
from text_classifier.neighbors import Places
from text_classifier.prior_labels import PriorLabels
from text_classifier.reference_texts import AXES, ReferenceTexts, most_references
from text_classifier.smoothing import NOT_AMONG_THEM, Neighborhoods
from text_classifier.static_embedding import StaticEmbedding
from text_classifier.stopping import StopOrder, StopOrderedError
from text_classifier.vocabulary import Vocabulary

# TensorFlow takes seconds to load. `_fit` loads it, after the input is checked.
if TYPE_CHECKING:
    from text_classifier.classifier import TextClassifier

logger = logging.getLogger(__name__)

_STOPPED_TOO_EARLY = (
    "Training was stopped before its first epoch ended, so there is no model: start it again, "
    "with a longer MaxRuntimeInSeconds if the time was too short."
)


def main() -> int:
    """Train as SageMaker's files say. Returns the exit code. If it is 1, the reason is in output/failure."""
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(message)s")
    tree = MlTree.of_environment()
    try:
        train(tree, StopOrder())
    except UserError as error:
        return _fail(tree, str(error))
    except StopOrderedError:
        return _fail(tree, _STOPPED_TOO_EARLY)
    except Exception as error:
        sentence = f"Training failed unexpectedly ({type(error).__name__}: {error})."
        return _fail(tree, sentence, traceback.format_exc())
    return 0


def train(tree: MlTree, stop: StopOrder) -> TextClassifier:
    """Read the job's input, train, report on the validation channel, save the model and return it.

    Raises UserError for input that cannot be used, StopOrderedError when stopped without a model.
    """
    started = time.monotonic()
    tree.require_writable()
    tree.require_one_instance()
    settings = Hyperparameters.of(tree.hyperparameters())
    examples = _training_examples(tree, settings)
    validation = read_examples(tree.channel_files("validation"), settings)
    _log_examples("validation", validation)
    pool = read_texts(tree.channel_files("pool"), settings)
    logger.info("Channel 'pool': %d texts.", len(pool))
    kept = tree.checkpoints
    views = _fit_views(examples, pool.texts, settings, kept)
    distillation = _distill(examples, pool, views, settings) if settings.prior_labels else None
    training = identity_of(
        asdict(settings), examples.texts, examples.labels, pool.texts, views.static_embedding, views.encoder
    )
    checkpoints = Checkpoints(kept, training)
    classifier = _fit(examples, views, distillation, settings, stop, tree.out_of_fold, checkpoints)
    if len(validation) and not stop.given:
        _log_metrics(classifier, validation)
    classifier.save(tree.model)
    logger.info("Model saved in %s after %.1f s.", tree.model, time.monotonic() - started)
    return classifier


def _training_examples(tree: MlTree, settings: Hyperparameters) -> Examples:
    files = tree.channel_files("train")
    if not files:
        raise ChannelError(
            "The channel 'train' is missing or empty: "
            "give the job a channel of that name with an augmented manifest (JSON Lines). "
            f"It has: {', '.join(map(repr, tree.channels())) or 'none'}."
        )
    examples = read_examples(files, settings)
    _log_examples("train", examples)
    if not len(examples):
        raise ChannelError(
            f"The channel 'train' has no usable record: {examples.first_problem or 'its files are empty.'} "
            f"Each line needs a text under '{settings.text_attribute}' and a label under "
            f"'{settings.label_attribute}'."
        )
    missing = set(range(settings.num_classes)) - set(examples.labels)
    if missing:
        logger.info("%d of %d classes have no training example.", len(missing), settings.num_classes)
    return examples


@dataclass(frozen=True)
class _Views:
    """The features of texts, learned from all texts, labeled or not."""

    features: TextFeatures
    axes: PrincipalAxes
    references: ReferenceTexts
    static_embedding: str
    encoder: str | None
    texts: list[str]
    """The texts below, in order."""
    seen: EncodedTexts
    """The examples and the references, mixed with their neighbors, each distinct text once."""
    places: Places
    """The places of these texts along the axes, shape (texts, axes)."""
    examples: NDArray[np.int64]
    """The number of each example among these texts, shape (examples,)."""
    of_references: NDArray[np.int64]
    """The number of each reference among these texts, shape (references,)."""


def _fit_views(
    examples: Examples, pool: Sequence[str], settings: Hyperparameters, checkpoints: Path | None
) -> _Views:
    # With many texts, encoding takes most of the time. So vectors are stored like checkpoints.
    encoder = SentenceEncoder.of_environment(os.environ, checkpoints)
    static = StaticEmbedding.of_package()
    logger.info("Sentence encoder: %s.", f"SHA-256 {encoder.identity}" if encoder else "none")
    texts = list(dict.fromkeys([*examples.texts, *pool]))
    vocabulary = Vocabulary.of_texts(texts, settings.max_tokens, settings.max_characters)
    if not len(vocabulary):
        raise ChannelError("No text in the channel 'train' has a word or symbol: give texts that do.")
    features = TextFeatures.fit(texts, vocabulary, settings.max_components, static, encoder, settings.seed)
    most = most_references(settings.num_classes) if settings.smooth_over_neighbors else 0
    chosen = [texts[number] for number in sample(len(texts), max(most, TEXTS_FOR_AXES), settings.seed)]
    numbers = {text: number for number, text in enumerate(dict.fromkeys([*examples.texts, *chosen]))}
    encoded = features.encode(list(numbers))
    of_chosen = np.array([numbers[text] for text in chosen])
    size = max(settings.embedding_size, AXES if most or settings.prior_labels else 0)
    axes = PrincipalAxes.fit(encoded.features[of_chosen], features.likeness, size, settings.seed)
    places = axes.embedding(encoded.features)
    of_references = of_chosen[sample(len(chosen), most, settings.seed)]
    references = (
        ReferenceTexts.of(places[of_references], encoded.features[of_references])
        if most
        else ReferenceTexts.none()
    )
    return _Views(
        features,
        axes,
        references,
        static.identity,
        encoder.identity if encoder else None,
        list(numbers),
        EncodedTexts(references.aggregate(encoded.features, references.weights(places)), encoded.tokens),
        places,
        np.array([numbers[text] for text in examples.texts]),
        of_references,
    )


def _distill(
    examples: Examples, pool: UnlabeledTexts, views: _Views, settings: Hyperparameters
) -> Distillation:
    """Learn what the sources say of texts. Of equal texts, the first of the examples counts."""
    texts = [*examples.texts, *pool.texts]
    labels = np.concatenate([examples.priors.labels, pool.priors.labels])
    confidence = np.concatenate([examples.priors.confidence, pool.priors.confidence])
    first = dict(zip(reversed(texts), reversed(range(len(texts))), strict=True))
    chosen = sample(len(views.texts), most_references(settings.num_classes), settings.seed)
    some = [views.texts[number] for number in chosen]
    given = PriorLabels(labels, confidence)[np.array([first[text] for text in some])]
    folds = folds_of(some, settings.max_characters)
    logger.info(
        "Prior labels: %s.",
        ", ".join(
            f"{count} of {len(some)} texts under '{name}'"
            for name, count in zip(settings.prior_labels, given.counts, strict=True)
        ),
    )
    return Distillation.of(views.places[chosen], folds, given, settings.num_classes)


def _signals(
    examples: Examples, views: _Views, distillation: Distillation, settings: Hyperparameters
) -> PriorSignals:
    folds = folds_of(examples.texts, settings.max_characters)
    return distillation.signals(views.places[views.examples], folds, examples.priors)


def _fit(
    examples: Examples,
    views: _Views,
    distillation: Distillation | None,
    settings: Hyperparameters,
    stop: StopOrder,
    out_of_fold: Path,
    checkpoints: Checkpoints,
) -> TextClassifier:
    labels = np.array(examples.labels, np.int64)

    from text_classifier.backend import make_reproducible, versions
    from text_classifier.classifier import TextClassifier
    from text_classifier.fitting import References, fit
    from text_classifier.out_of_fold import write_out_of_fold

    make_reproducible(settings.seed)
    made_with = {"numpy": np.__version__, **versions()}
    checkpoints = replace(checkpoints, training=identity_of(checkpoints.training, made_with))
    stop.heed_later()
    out_of_fold.unlink(missing_ok=True)
    references = None
    if settings.smooth_over_neighbors:
        places = views.places[views.examples]
        references = References(views.seen[views.of_references], _neighborhoods(views), places)
    signals = _signals(examples, views, distillation, settings) if distillation else None
    fitted = fit(views.seen[views.examples], labels, settings, stop, checkpoints, references, signals)
    if fitted.out_of_fold is not None:
        write_out_of_fold(out_of_fold, examples.ids, fitted.out_of_fold)
    contract = Contract(
        settings.num_classes,
        settings.text_attribute,
        fitted.model.mixture.token_share,
        fitted.model.mixture.temperature,
        settings.embedding_size,
        views.static_embedding,
        views.encoder,
        made_with,
        settings.prior_labels,
    )
    used = distillation if fitted.model.stacking else None
    return TextClassifier(contract, views.features, views.axes, views.references, fitted.model, used)


def _neighborhoods(views: _Views) -> Neighborhoods:
    numbers = np.full(len(views.places), NOT_AMONG_THEM)
    numbers[views.of_references] = np.arange(len(views.of_references))
    return Neighborhoods.of(views.references, views.places[views.examples], numbers[views.examples])


def _log_examples(channel: str, examples: Examples) -> None:
    logger.info("Channel '%s': %d examples.", channel, len(examples))
    if examples.unusable:
        logger.info("Left out %d records, the first: %s", examples.unusable, examples.first_problem)


def _log_metrics(classifier: TextClassifier, examples: Examples) -> None:
    probabilities = classifier.probabilities(examples.texts, examples.priors)
    labels = np.array(examples.labels, np.int64)
    right = probabilities[np.arange(len(labels)), labels]
    logger.info("validation:accuracy=%.4f", np.mean(probabilities.argmax(axis=1) == labels))
    logger.info("validation:loss=%.4f", -np.mean(np.log(np.maximum(right, 1e-7))))


def _fail(tree: MlTree, sentence: str, detail: str = "") -> int:
    sys.stderr.write(f"{sentence}\n{detail}")
    write_failure(tree.failure, sentence, detail)
    return 1
