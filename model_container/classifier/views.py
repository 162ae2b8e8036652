"""What is learned of objects without their labels: where they are, and who their neighbors are."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.distillation import Distillation, PriorSignals, folds_of
from classifier.encoded import EncodedObjects, Encoder
from classifier.examples import Examples, Unlabeled
from classifier.hyperparameters import Hyperparameters
from classifier.neighbors import Places
from classifier.principal_axes import OBJECTS_FOR_AXES, PrincipalAxes, sample
from classifier.prior_labels import PriorLabels
from classifier.reference_objects import AXES, ReferenceObjects, most_references
from classifier.smoothing import NOT_AMONG_THEM, Neighborhoods

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Views:
    """The features of objects, learned from all objects, labeled or not."""

    encoder: Encoder
    axes: PrincipalAxes
    references: ReferenceObjects
    contents: list[str]
    """Of the objects below, in order."""
    seen: EncodedObjects
    """The examples and the references, mixed with their neighbors, each distinct object once."""
    places: Places
    """The places of these objects along the axes, shape (objects, axes)."""
    examples: NDArray[np.int64]
    """The number of each example among these objects, shape (examples,)."""
    of_references: NDArray[np.int64]
    """The number of each reference among these objects, shape (references,)."""

    @property
    def unlabeled(self) -> Places:
        """Of the references that are no examples, shape (unlabeled, axes)."""
        return self.places[np.setdiff1d(self.of_references, self.examples)]

    @property
    def neighborhoods(self) -> Neighborhoods:
        """Of the references and the examples."""
        numbers = np.full(len(self.places), NOT_AMONG_THEM)
        numbers[self.of_references] = np.arange(len(self.of_references))
        return Neighborhoods.of(self.references, self.places[self.examples], numbers[self.examples])


def fit_views(
    encoder: Encoder, examples: Sequence[str], pool: Sequence[str], settings: Hyperparameters
) -> Views:
    """Encode the examples, and a random sample of all objects as references.

    The contents of examples may repeat. All must be readable.
    """
    everything = list(dict.fromkeys([*examples, *pool]))
    most = most_references(settings.num_classes) if settings.smooth_over_neighbors else 0
    chosen = [
        everything[number] for number in sample(len(everything), max(most, OBJECTS_FOR_AXES), settings.seed)
    ]
    numbers = {content: number for number, content in enumerate(dict.fromkeys([*examples, *chosen]))}
    encoded = encoder.encode(list(numbers)).objects
    of_chosen = np.array([numbers[content] for content in chosen])
    size = max(settings.embedding_size, AXES if most or settings.prior_labels else 0)
    axes = PrincipalAxes.fit(encoded.features[of_chosen], encoder.likeness, size, settings.seed)
    places = axes.embedding(encoded.features)
    of_references = of_chosen[sample(len(chosen), most, settings.seed)]
    references = (
        ReferenceObjects.of(places[of_references], encoded.features[of_references])
        if most
        else ReferenceObjects.none()
    )
    return Views(
        encoder,
        axes,
        references,
        list(numbers),
        EncodedObjects(references.aggregate(encoded.features, references.weights(places)), encoded.second),
        places,
        np.array([numbers[content] for content in examples]),
        of_references,
    )


def distill(examples: Examples, pool: Unlabeled, views: Views, settings: Hyperparameters) -> Distillation:
    """Learn what the sources say of objects. Of equal contents, the first of the examples counts."""
    contents = [*examples.contents, *pool.contents]
    labels = np.concatenate([examples.priors.labels, pool.priors.labels])
    confidence = np.concatenate([examples.priors.confidence, pool.priors.confidence])
    first = dict(zip(reversed(contents), reversed(range(len(contents))), strict=True))
    chosen = sample(len(views.contents), most_references(settings.num_classes), settings.seed)
    some = [views.contents[number] for number in chosen]
    given = PriorLabels(labels, confidence)[np.array([first[content] for content in some])]
    logger.info(
        "Prior labels: %s.",
        ", ".join(
            f"{count} of {len(some)} under '{name}'"
            for name, count in zip(settings.prior_labels, given.counts, strict=True)
        ),
    )
    return Distillation.of(
        views.places[chosen], folds_of(some, views.encoder.most_characters), given, settings.num_classes
    )


def signals_of(examples: Examples, views: Views, distillation: Distillation) -> PriorSignals:
    """Return what is known of the examples through prior labels."""
    folds = folds_of(examples.contents, views.encoder.most_characters)
    return distillation.signals(views.places[views.examples], folds, examples.priors)
