"""What a labeler is. Whoever inherits gets what most labelers do where nothing else is written."""

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from labelloop.workflow.request import LabelingRequest, ModelSettings


@dataclass(frozen=True)
class StandIn:
    """What runs on a laptop in place of an image that only AWS has."""

    folder: str  # in the checkout: a model container, with `train` and `serve`
    image: str  # of the same, in Docker


class Labeler(Protocol):
    """What learns from people's labels in a round, and is asked about the open objects by a transform job.

    `Model.Algorithm` names one. PrepareManifest and SplitLabels alone speak to it.
    """

    # What it is called where it can read texts only, and nothing that lies elsewhere in S3.
    text_only: ClassVar[str | None] = None
    stand_in: ClassVar[StandIn | None] = None  # of one in this folder

    def check(self, model: ModelSettings) -> list[str]:  # noqa: ARG002
        """What is wrong with the settings for this labeler, one sentence each. Reads nothing else."""
        return []

    def prepare(self, request: LabelingRequest) -> LabelingRequest:
        """The request with what the labeler and its stack add to it, before anything is spent."""
        return request

    def image_uri(self, request: LabelingRequest) -> str:
        """The image that is trained and served. Raises RequestError or StorageError where there is none."""
        ...

    def holdout_share(self, model: ModelSettings) -> float:
        """Of the training labels, what it may tune on instead of learning from."""
        return model.holdout_share or 0.0

    def question(self, line: bytes, classes: int) -> bytes:  # noqa: ARG002
        """What the model is sent about an object, of its line without the label."""
        return line

    def training_job(
        self,
        request: LabelingRequest,
        image_uri: str,
        channels: dict[str, str],
        contract: dict[str, str],
        checkpoints_s3_uri: str,
    ) -> dict[str, Any] | None:
        """CreateTrainingJob's request but for name, role and output; None where nothing is trained.

        channels: train, validation and pool, with the S3 URI of each; contract: the hyperparameters that a
        container of one's own is promised; checkpoints_s3_uri: a folder that no other training uses.
        """
        ...
