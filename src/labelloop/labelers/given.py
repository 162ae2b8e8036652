"""Labels that are given: a language model's, a vendor's, a rule's. No model is trained, and no job runs."""

from typing import ClassVar

from labelloop.core.ledger import Ledger
from labelloop.core.model.given_labels import GivenLabels
from labelloop.core.model.predictions import Predictions
from labelloop.labelers.protocol import Labeler
from labelloop.storage.prior_label_files import load_prior_labels
from labelloop.workflow.request import ModelSettings
from labelloop.workflow.run_state import RunState


class Given(Labeler):
    """Passes the request's prior labels on. How far each is believed is learned from people's answers."""

    name: ClassVar = "given"
    labels_are_given: ClassVar = True

    def check(self, model: ModelSettings) -> list[str]:
        default = ModelSettings()
        changed = [
            field.alias
            for name, field in ModelSettings.model_fields.items()
            if name != "algorithm" and getattr(model, name) != getattr(default, name)
        ]
        return [f"no model is trained: leave {', '.join(map(str, changed))} out"] if changed else []

    def predict(self, state: RunState, ledger: Ledger) -> Predictions:
        return GivenLabels(load_prior_labels(state)).predict(ledger, len(state.class_names))
