"""The models of runs in memory: a quick one, or a container's `train` and `serve`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from labelloop.core.errors import RequestError
from labelloop.core.manifest.label_categories import LabelCategories
from labelloop.core.manifest.lines import LabelAttribute, add_id
from labelloop.local.application import Application
from labelloop.preparation import TextData
from labelloop.simulation import Model
from labelloop.workflow.request import ActiveLearning


class TextModel(Protocol):
    """A model of texts. All runs of a simulation try the same."""

    @property
    def name(self) -> str:
        """What the result calls it."""
        ...

    @property
    def note(self) -> str:
        """What to know about its figures; may be empty."""
        ...

    def inputs(self, data: TextData) -> Any:
        """The objects as it sees them, for all runs."""
        ...

    def of_run(
        self,
        settings: ActiveLearning,
        attribute: LabelAttribute,
        categories: LabelCategories,
        log: Path,
        prior_labels: Sequence[str],
    ) -> Model:
        """The model of one run; `log` gets what its programs print, `prior_labels` are keys in the lines."""
        ...


class QuickModel:
    """Learns in milliseconds, without a container."""

    name = "quick model (regression on words and parts of words)"
    note = (
        "These figures are the quick model's. --real-model tries the Keras text classifier that "
        "labelloop ships, in far more time, and --model-container your own."
    )

    def inputs(self, data: TextData) -> Any:
        # Here, since scipy and scikit-learn are slow to import, and other commands need neither.
        from labelloop.quick_model import WithPriorLabels, text_features

        features = text_features(data.texts)
        if data.priors is None:
            return features
        return WithPriorLabels.of(features, data.priors, len(data.classes))

    def of_run(self, *_: Any) -> Model:
        from labelloop.quick_model import EMBEDDING_SIZE, Ridge

        return Ridge(EMBEDDING_SIZE)


@dataclass(frozen=True)
class ContainerPrograms:
    """A container, whose programs run as processes."""

    name: str
    application: Application
    encodings: Path
    note: str = ""

    def inputs(self, data: TextData) -> Any:
        from labelloop.local.container_model import Objects

        return Objects([add_id(line, number) for number, line in enumerate(data.lines)])

    def of_run(
        self,
        settings: ActiveLearning,
        attribute: LabelAttribute,
        categories: LabelCategories,
        log: Path,
        prior_labels: Sequence[str],
    ) -> Model:
        from labelloop.local.container_model import ContainerModel

        container = self.application.container(self.encodings)
        return ContainerModel.of(container, settings, attribute, categories, log, prior_labels)


def chosen_model(
    *, real: bool, container: Path | None, application: Path | None, encodings: Path
) -> TextModel:
    """The model that the options ask for.

    Raises RequestError when they contradict each other, or when a container is missing.
    """
    if real and container is not None:
        raise RequestError(
            "--real-model is the container that labelloop ships: leave out either it or --model-container"
        )
    if not real and container is None:
        if application is not None:
            raise RequestError("--application is where --real-model finds its container: add --real-model")
        return QuickModel()
    found = Application.found(application, container)
    found.require_libraries()
    name = f"container {found.model_container}" if container else "Keras text classifier"
    if not found.has_encoder:
        name += " without a sentence encoder"
    return ContainerPrograms(name, found, encodings)
