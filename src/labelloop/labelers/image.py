"""The stack's own model of images."""

from typing import ClassVar

from labelloop.core.manifest.lines import Reads
from labelloop.labelers.container import SHARED_HYPERPARAMETERS, StackContainer, image_of_stack
from labelloop.labelers.protocol import StandIn
from labelloop.workflow.request import LabelingRequest, ModelSettings

# SageMaker waits ten minutes for an answer. A line is about a hundred bytes, so this is some thousands of
# images.
_MOST_PAYLOAD_IN_MB = 1


class Image(StackContainer):
    """`image_container/`, which fetches the images of a manifest from S3 by itself."""

    name: ClassVar = "image"
    stand_in: ClassVar = StandIn("image_container", "imagemodelcontainer:images")
    keeps_encodings: ClassVar = True
    # Those of image_container/image_classifier/hyperparameters.py; a test compares the two.
    hyperparameters: ClassVar = SHARED_HYPERPARAMETERS | {"image_attribute", "max_pool_images"}

    def reads(self, model: ModelSettings) -> Reads:  # noqa: ARG002
        return Reads("image", "Algorithm image", ": for texts, leave Model.Algorithm out")

    def prepare(self, request: LabelingRequest) -> LabelingRequest:
        """The request, with requests to the model that it can answer in time."""
        settings = request.active_learning
        if "max_payload_in_mb" in settings.model.model_fields_set:
            return request
        model = settings.model.model_copy(update={"max_payload_in_mb": _MOST_PAYLOAD_IN_MB})
        return request.model_copy(update={"active_learning": settings.model_copy(update={"model": model})})

    def image_uri(self, request: LabelingRequest) -> str:  # noqa: ARG002
        return image_of_stack("IMAGE_MODEL_FUNCTION_NAME", "image")
