"""The protocol of a labeler. The base class provides what most labelers do."""

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from labelloop.core.errors import RequestError
from labelloop.core.ledger import Ledger
from labelloop.core.manifest.lines import Reads
from labelloop.core.model.predictions import Predictions
from labelloop.workflow.request import LabelingRequest, ModelSettings
from labelloop.workflow.run_state import RunState


@dataclass(frozen=True)
class StandIn:
    """Runs on a laptop in place of an image that only AWS has."""

    folder: str  # in the checkout: a model container, with `train` and `serve`
    image: str  # the same model container's image, in Docker


class Labeler(Protocol):
    """Learns from people's labels in a round; a transform job then asks it about the open objects.

    One without an image trains nothing, and answers at once: `predict`.

    `Labeler` names a labeler. Only PrepareManifest, SplitLabels and AutoLabel use it.
    """

    # Its name in messages, if it can only read texts in the manifest, and no objects elsewhere in S3.
    text_only: ClassVar[str | None] = None
    stand_in: ClassVar[StandIn | None] = None  # only for labelers in this folder
    # Whether what it says are the request's prior labels, with what people's answers tell of them.
    labels_are_given: ClassVar[bool] = False

    # Whether its container keeps encodings in S3 for later jobs: it gets ENCODING_CACHE_S3_URI.
    keeps_encodings: ClassVar[bool] = False

    # The names of the hyperparameters that the stack's own model image knows, for a labeler that trains it.
    hyperparameters: ClassVar[frozenset[str] | None] = None

    def reads(self, model: ModelSettings) -> Reads | None:  # noqa: ARG002
        """The only kind of data object that it reads, with these settings; None if it reads every kind."""
        return Reads("text", self.text_only) if self.text_only else None

    def check(self, model: ModelSettings) -> list[str]:  # noqa: ARG002
        """The problems that the settings have for this labeler, one sentence each. Reads nothing else."""
        return []

    def prepare(self, request: LabelingRequest) -> LabelingRequest:
        """The request with what the labeler and its stack add to it, before anything is spent."""
        return request

    def image_uri(self, request: LabelingRequest) -> str | None:  # noqa: ARG002
        """The image that is trained and served; None if nothing is.

        Raises RequestError or StorageError if it is not there.
        """
        return None

    def holdout_share(self, model: ModelSettings) -> float:
        """Share of the training labels that it may use for tuning instead of learning."""
        return model.holdout_share or 0.0

    def question(self, line: bytes, classes: int) -> bytes:  # noqa: ARG002
        """What the model receives about an object, taken from its line without the label."""
        return line

    def training_job(
        self,
        request: LabelingRequest,
        image_uri: str,
        channels: dict[str, str],
        contract: dict[str, str],
        checkpoints_s3_uri: str,
    ) -> dict[str, Any]:
        """CreateTrainingJob's request without name, role and output, for a labeler with an image.

        channels: train, validation and pool, with the S3 URI of each
        contract: the hyperparameters that a user's own container is promised
        checkpoints_s3_uri: a folder that no other training uses
        """
        ...

    def predict(self, state: RunState, ledger: Ledger) -> Predictions:  # noqa: ARG002
        """What a labeler without an image says about pool and validation set.

        `ledger` has people's labels.
        """
        raise RequestError(
            "the labeler has no image to train and no method predict(state, ledger): it needs one of them"
        )
