"""Labelers by name; users' own labelers by the name of their class."""

from labelloop.core.errors import RequestError
from labelloop.core.implementations import Implementations, is_class_name
from labelloop.labelers.protocol import Labeler
from labelloop.workflow.request import LabelingRequest

LABELERS: Implementations[Labeler] = Implementations(
    package="labelloop.labelers",
    kind="labeler",
    calls={
        "check": ("model",),
        "prepare": ("request",),
        "image_uri": ("request",),
        "holdout_share": ("model",),
        "question": ("line", "classes"),
        "training_job": ("request", "image_uri", "channels", "contract", "checkpoints_s3_uri"),
    },
    error=RequestError,
    place="ActiveLearning.Labeler or Model.Algorithm",
)


def load_labeler(name: str) -> Labeler:
    """A labeler by its name, or a user's own by "module:Class".

    Raises RequestError when there is no such labeler, or the user's class cannot be used as one.
    """
    return LABELERS.load(name)


def check_request(request: LabelingRequest) -> None:
    """What can be checked before the run: raises RequestError with what the labeler's `check` finds.

    A user's own labeler is only loaded in the steps' image: it may exist only there.
    """
    name = request.active_learning.model.algorithm
    if not is_class_name(name):
        check_with_labeler(load_labeler(name), request)


def check_with_labeler(labeler: Labeler, request: LabelingRequest) -> None:
    """Raises RequestError with all settings that the labeler cannot work with."""
    if problems := labeler.check(request.active_learning.model):
        raise RequestError(f"the request cannot be used: ActiveLearning.Model: {'; '.join(problems)}")
    if not labeler.labels_are_given:
        return
    if not request.prior_attributes:
        raise RequestError(
            "the request cannot be used: the labeler takes labels that are given, and PriorLabels names "
            'none: add "PriorLabels": [{"Attribute": "..."}] with their key in the manifest'
        )
    if request.active_learning.policy == "blog":
        raise RequestError(
            "the request cannot be used: Policy blog has rules for a model that is trained: leave it out"
        )
