"""The program `train`: examples in, model artifact out, or a failure message that people understand.

What a container classifies is its own: it gives the part that reads contents and encodes them.
"""

from __future__ import annotations

import logging
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np

from classifier.checkpoints import Checkpoints, identity_of
from classifier.contract import Contract
from classifier.distillation import Distillation
from classifier.encoded import Encoder
from classifier.examples import Examples, Unlabeled, read_examples, read_unlabeled
from classifier.failures import UserError, write_failure
from classifier.hyperparameters import JobHyperparameters
from classifier.ml_tree import ChannelError, MlTree
from classifier.stopping import StopOrder, StopOrderedError
from classifier.views import Views, distill, fit_views, signals_of

# TensorFlow takes seconds to load. `_fit` loads it, after the input is checked.
if TYPE_CHECKING:
    from classifier.ensemble import SecondNetwork
    from classifier.model import Classifier

logger = logging.getLogger(__name__)

Chosen = TypeVar("Chosen", bound=JobHyperparameters)

_NEEDED = {"text": "a text", "image": "an image's S3 URI"}
_STOPPED_TOO_EARLY = (
    "Training was stopped before its first epoch ended, so there is no model: start it again, "
    "with a longer MaxRuntimeInSeconds if the time was too short."
)


class Medium(Protocol):
    """What a container adds to this program: how the contents of its kind are read and encoded."""

    def prepare(
        self, examples: Examples, pool: Unlabeled, kept: Path | None
    ) -> tuple[Encoder, Examples, Unlabeled]:
        """Return what encodes contents, and those of the examples and the pool that can be read.

        kept: a folder for what a later start of the same job can use again. Raises UserError.
        """

    def pretrained(self) -> dict[str, str | None]:
        """SHA-256 of each part that was trained before, by its name; None if there is none."""

    def second_network(self) -> SecondNetwork | None:
        """The network beside the dense nets. It may load TensorFlow."""


def run(train: Callable[[MlTree, StopOrder], object]) -> int:
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


def train(
    tree: MlTree,
    read_settings: Callable[[Mapping[str, Any]], Chosen],
    medium_of: Callable[[Chosen], Medium],
    stop: StopOrder,
) -> Classifier:
    """Read the job's input, train, report on the validation channel, save the model and return it.

    Raises UserError for input that cannot be used, StopOrderedError when stopped without a model.
    """
    started = time.monotonic()
    tree.require_writable()
    tree.require_one_instance()
    settings = read_settings(tree.hyperparameters())
    examples = _training_examples(tree, settings)
    validation = read_examples(tree.channel_files("validation"), settings)
    _log_examples("validation", validation)
    pool = read_unlabeled(tree.channel_files("pool"), settings)
    logger.info("Channel 'pool': %d %ss.", len(pool), settings.content.kind)
    medium = medium_of(settings)
    encoder, examples, pool = medium.prepare(examples, pool, tree.checkpoints)
    views = fit_views(encoder, examples.contents, pool.contents, settings)
    distillation = distill(examples, pool, views, settings) if settings.prior_labels else None
    training = identity_of(
        asdict(settings), examples.contents, examples.labels, pool.contents, medium.pretrained()
    )
    checkpoints = Checkpoints(tree.checkpoints, training)
    classifier = _fit(examples, views, distillation, settings, medium, stop, tree.out_of_fold, checkpoints)
    if len(validation) and not stop.given:
        _log_metrics(classifier, validation)
    classifier.save(tree.model)
    logger.info("Model saved in %s after %.1f s.", tree.model, time.monotonic() - started)
    return classifier


def _training_examples(tree: MlTree, settings: JobHyperparameters) -> Examples:
    files = tree.channel_files("train")
    if not files:
        raise ChannelError(
            "The channel 'train' is missing or empty: "
            "give the job a channel of that name with an augmented manifest (JSON Lines). "
            f"It has: {', '.join(map(repr, tree.channels())) or 'none'}."
        )
    examples = read_examples(files, settings)
    _log_examples("train", examples)
    require_usable(examples, settings)
    missing = set(range(settings.num_classes)) - set(examples.labels)
    if missing:
        logger.info("%d of %d classes have no training example.", len(missing), settings.num_classes)
    return examples


def require_usable(examples: Examples, settings: JobHyperparameters) -> None:
    """Raises ChannelError when there is no example to train on."""
    content = settings.content
    if not len(examples):
        raise ChannelError(
            f"The channel 'train' has no usable record: {examples.first_problem or 'its files are empty.'} "
            f"Each line needs {_NEEDED[content.kind]} under '{content.attribute}' and a label under "
            f"'{settings.label_attribute}'."
        )


def _fit(
    examples: Examples,
    views: Views,
    distillation: Distillation | None,
    settings: JobHyperparameters,
    medium: Medium,
    stop: StopOrder,
    out_of_fold: Path,
    checkpoints: Checkpoints,
) -> Classifier:
    labels = np.array(examples.labels, np.int64)

    from classifier.backend import make_reproducible, versions
    from classifier.fitting import References, fit
    from classifier.model import Classifier
    from classifier.out_of_fold import write_out_of_fold

    make_reproducible(settings.seed)
    made_with = {"numpy": np.__version__, **versions()}
    checkpoints = replace(checkpoints, training=identity_of(checkpoints.training, made_with))
    stop.heed_later()
    out_of_fold.unlink(missing_ok=True)
    references = None
    if settings.smooth_over_neighbors:
        references = References(
            views.seen[views.of_references],
            views.neighborhoods,
            views.places[views.examples],
            views.unlabeled,
        )
    signals = signals_of(examples, views, distillation) if distillation else None
    fitted = fit(
        views.seen[views.examples],
        labels,
        settings,
        stop,
        checkpoints,
        references,
        signals,
        medium.second_network(),
    )
    if fitted.out_of_fold is not None:
        write_out_of_fold(out_of_fold, examples.ids, fitted.out_of_fold)
    contract = Contract(
        settings.content.kind,
        settings.num_classes,
        settings.content.attribute,
        fitted.model.mixture.second_share,
        fitted.model.mixture.temperature,
        settings.embedding_size,
        medium.pretrained(),
        made_with,
        settings.prior_labels,
    )
    used = distillation if fitted.model.stacking else None
    return Classifier(contract, views.encoder, views.axes, views.references, fitted.model, used)


def _log_examples(channel: str, examples: Examples) -> None:
    logger.info("Channel '%s': %d examples.", channel, len(examples))
    if examples.unusable:
        logger.info("Left out %d records, the first: %s", examples.unusable, examples.first_problem)


def _log_metrics(classifier: Classifier, examples: Examples) -> None:
    predicted = classifier.predict(examples.contents, examples.priors)
    probabilities = predicted.probabilities
    labels = np.delete(np.array(examples.labels, np.int64), list(predicted.problems))
    if not len(labels):
        return
    right = probabilities[np.arange(len(labels)), labels]
    logger.info("validation:accuracy=%.4f", np.mean(probabilities.argmax(axis=1) == labels))
    logger.info("validation:loss=%.4f", -np.mean(np.log(np.maximum(right, 1e-7))))


def _fail(tree: MlTree, sentence: str, detail: str = "") -> int:
    sys.stderr.write(f"{sentence}\n{detail}")
    write_failure(tree.failure, sentence, detail)
    return 1
