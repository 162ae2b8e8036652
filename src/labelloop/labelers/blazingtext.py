"""BlazingText, SageMaker's built-in algorithm for text, trained as in the first part of the 2020 post."""

import json
import os
from collections.abc import Mapping
from typing import Any, ClassVar

from labelloop.core.certificate.tuning import DEFAULT
from labelloop.core.manifest.lines import ID_KEY
from labelloop.labelers.protocol import Labeler, StandIn
from labelloop.workflow.blazingtext import image_uri
from labelloop.workflow.request import LabelingRequest, ModelSettings
from labelloop.workflow.training_job import (
    augmented_manifest_channel,
    longest_wait,
    spot_problems,
    training_job,
)

TEXT_ATTRIBUTE = "source"
# It keeps no checkpoints. SageMaker waits at most an hour for a built-in algorithm without checkpoints.
LONGEST_SPOT_SECONDS = 3600

# The post's own values.
POST_HYPERPARAMETERS: Mapping[str, str] = {
    "mode": "supervised",
    "epochs": "20",
    "learning_rate": "0.05",
    "min_count": "5",
    "vector_dim": "20",
    "word_ngrams": "2",
    "early_stopping": "True",
    "min_epochs": "1",
    "patience": "5",
}
# All those of text classification. BlazingText refuses the other modes' only after a job has begun.
_KNOWN = {*POST_HYPERPARAMETERS, "buckets"}


class BlazingText(Labeler):
    """SageMaker's own image, which only reads texts."""

    name: ClassVar = "blazingtext"
    text_only: ClassVar = "BlazingText"
    # docker build -t labelloop-blazingtext blazingtext_container
    stand_in: ClassVar = StandIn("blazingtext_container", "labelloop-blazingtext:latest")

    def check(self, model: ModelSettings) -> list[str]:
        wait = _longest_wait(model)
        problems = spot_problems(model, wait)
        problems += [f"BlazingText: {fault}" for fault in _hyperparameter_faults(model.hyper_parameters)]
        if model.image_uri is not None:
            problems.append("Algorithm blazingtext has its own image: leave ImageUri out")
        if model.input_mode not in (None, "Pipe"):
            problems.append("BlazingText reads augmented manifests in Pipe mode only: leave InputMode out")
        if model.training_instance_count > 1:
            problems.append("BlazingText classifies text on one instance: TrainingInstanceCount is 1")
        if model.checkpoint_s3_uri is not None:
            problems.append("BlazingText keeps no checkpoints: leave CheckpointS3Uri out")
        if model.use_spot_training and wait > LONGEST_SPOT_SECONDS:
            problems.append(
                f"BlazingText keeps no checkpoints: MaxWaitTimeInSeconds is {LONGEST_SPOT_SECONDS} at most"
            )
        return problems

    def image_uri(self, request: LabelingRequest) -> str:  # noqa: ARG002
        return image_uri(os.environ["AWS_REGION"])

    def holdout_share(self, model: ModelSettings) -> float:
        # These labels decide when it stops early.
        return DEFAULT.rounds.holdout_of_other_images if model.holdout_share is None else model.holdout_share

    def question(self, line: bytes, classes: int) -> bytes:
        """Asks for the probabilities of all classes: by default, the model only gives the best one's."""
        record = json.loads(line)
        question = {key: record[key] for key in (ID_KEY, TEXT_ATTRIBUTE) if key in record}
        return json.dumps({**question, "k": classes}, ensure_ascii=False, separators=(",", ":")).encode()

    def training_job(
        self,
        request: LabelingRequest,
        image_uri: str,
        channels: dict[str, str],
        contract: dict[str, str],  # noqa: ARG002
        checkpoints_s3_uri: str,  # noqa: ARG002
    ) -> dict[str, Any]:
        model = request.active_learning.model
        attributes = [TEXT_ATTRIBUTE, request.label_attribute_name]
        return training_job(
            model,
            image_uri=image_uri,
            input_mode="Pipe",
            hyper_parameters=POST_HYPERPARAMETERS,
            # It has no use for texts without labels.
            channels=[
                augmented_manifest_channel(name, channels[name], attributes)
                for name in ("train", "validation")
            ],
            longest_wait_in_seconds=_longest_wait(model),
        )


def _longest_wait(model: ModelSettings) -> int:
    asked = longest_wait(model)
    return asked if model.max_wait_time_in_seconds is not None else min(asked, LONGEST_SPOT_SECONDS)


def _hyperparameter_faults(given: Mapping[str, str]) -> list[str]:
    """What BlazingText's text classification would refuse, one sentence each."""
    faults = [f"'{name}' is not a hyperparameter of text classification" for name in given.keys() - _KNOWN]
    if given.get("mode", "supervised") != "supervised":
        faults.append(f"'mode' must be 'supervised', not {given['mode']!r:.80}")
    return sorted(faults)
