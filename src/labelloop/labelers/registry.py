"""Labelers by name, and those of users by the name of their class."""

from labelloop.core.errors import RequestError
from labelloop.core.implementations import Implementations, is_class_name
from labelloop.labelers.protocol import Labeler
from labelloop.workflow.request import LabelingRequest, ModelSettings

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
    place="ActiveLearning.Model.Algorithm",
)


def load_labeler(name: str) -> Labeler:
    """A labeler by its name, or a user's own by "module:Class".

    Raises RequestError when there is no such labeler, or the user's class cannot serve as one.
    """
    return LABELERS.load(name)


def check_request(request: LabelingRequest) -> None:
    """What can be told before it runs: raises RequestError with what the labeler's `check` finds.

    A user's own labeler may be there in the steps' image alone, and is loaded there.
    """
    model = request.active_learning.model
    if not is_class_name(model.algorithm):
        check_model(load_labeler(model.algorithm), model)


def check_model(labeler: Labeler, model: ModelSettings) -> None:
    """Raises RequestError with all that the labeler cannot work with."""
    if problems := labeler.check(model):
        raise RequestError(f"the request cannot be used: ActiveLearning.Model: {'; '.join(problems)}")
