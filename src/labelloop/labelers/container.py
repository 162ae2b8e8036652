"""A container that SageMaker trains and serves: the stack's model image, or the image a request names."""

import os
from typing import Any, ClassVar

from labelloop.core.certificate.tuning import DEFAULT
from labelloop.core.errors import RequestError
from labelloop.core.manifest.lines import Reads
from labelloop.labelers.protocol import Labeler
from labelloop.storage.container_image import image_uri_of_function
from labelloop.workflow.request import LabelingRequest, ModelSettings
from labelloop.workflow.training_job import file_channel, longest_wait, spot_problems, training_job

# Those of model_container/classifier and text_classifier, hyperparameters.py, which may not be imported here;
# a test compares the two. Whoever puts another model into that folder lists its names here.
SHARED_HYPERPARAMETERS = frozenset(
    {
        *(
            "num_classes",
            "label_attribute",
            "seed",
            "epochs",
            "batch_size",
            "learning_rate",
            "label_smoothing",
        ),
        *("prune_label_errors", "smooth_over_neighbors", "embedding_size", "prior_labels"),
    }
)
_OF_THE_TEXT_CLASSIFIER = SHARED_HYPERPARAMETERS | {
    *("text_attribute", "max_tokens", "max_components", "max_pool_texts", "max_characters"),
}


class Container(Labeler):
    """Keeps the contract of docs/bring-your-own-model.md."""

    name: ClassVar = "container"
    hyperparameters: ClassVar = _OF_THE_TEXT_CLASSIFIER

    def check(self, model: ModelSettings) -> list[str]:
        problems = spot_problems(model, longest_wait(model))
        if model.image_uri is None and model.input_mode == "Pipe":
            problems.append("the stack's own model image reads files: InputMode must be File or FastFile")
        return problems

    def reads(self, model: ModelSettings) -> Reads | None:
        """The stack's own model reads texts. What the user's image, container or class reads, only it
        knows.
        """
        own = model.image_uri is not None or os.environ.get("OWN_MODEL_CONTAINER")
        if own or type(self) is not Container:
            return super().reads(model)
        return Reads("text", "the stack's model of texts", ': for images, set Model.Algorithm to "image"')

    def prepare(self, request: LabelingRequest) -> LabelingRequest:
        """The request, with the image from the stack's parameter unless the request names one."""
        settings = request.active_learning
        named = settings.model.image_uri or os.environ.get("MODEL_IMAGE_URI") or None
        model = settings.model.model_copy(update={"image_uri": named})
        return request.model_copy(update={"active_learning": settings.model_copy(update={"model": model})})

    def image_uri(self, request: LabelingRequest) -> str:
        """The user's own image, or the image that was built and pushed with the stack."""
        named = request.active_learning.model.image_uri
        return named or image_of_stack("MODEL_FUNCTION_NAME", "text")

    def holdout_share(self, model: ModelSettings) -> float:
        if model.holdout_share is not None:
            return model.holdout_share
        return 0.0 if model.image_uri is None else DEFAULT.rounds.holdout_of_other_images

    def training_job(
        self,
        request: LabelingRequest,
        image_uri: str,
        channels: dict[str, str],
        contract: dict[str, str],
        checkpoints_s3_uri: str,
    ) -> dict[str, Any]:
        model = request.active_learning.model
        input_mode = model.input_mode or "File"
        keeps_checkpoints = model.use_spot_training or model.checkpoint_s3_uri is not None
        return training_job(
            model,
            image_uri=image_uri,
            input_mode=input_mode,
            hyper_parameters=contract,
            channels=[file_channel(name, uri, input_mode) for name, uri in channels.items()],
            longest_wait_in_seconds=longest_wait(model),
            checkpoints_s3_uri=checkpoints_s3_uri if keeps_checkpoints else None,
        )


class StackContainer(Container):
    """One of the stack's own containers, whatever image of the user's the stack names."""

    def check(self, model: ModelSettings) -> list[str]:
        problems = super().check(model)
        if model.image_uri is not None:
            problems.append(
                f"Algorithm {self.name} has its own image: leave ImageUri out, or set Algorithm to container"
            )
        return problems

    def prepare(self, request: LabelingRequest) -> LabelingRequest:
        return request


def image_of_stack(variable: str, content: str) -> str:
    """The image of one of the stack's own containers, whose function an environment variable names.

    content: what it classifies. Raises RequestError when the stack was deployed without it.
    """
    function = os.environ.get(variable)
    if not function:
        raise RequestError(
            f"ActiveLearning.Model.Algorithm: this stack has no model of {content}s: deploy it with the "
            f"parameter ModelContainers set to {content} or both"
        )
    return image_uri_of_function(function)
