"""Labelers by name; users' own labelers by the name of their class."""

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

    Raises RequestError when there is no such labeler, or the user's class cannot be used as one.
    """
    return LABELERS.load(name)


def check_request(request: LabelingRequest) -> None:
    """What can be checked before the run: raises RequestError with what the labeler's `check` finds.

    A user's own labeler is only loaded in the steps' image: it may exist only there.
    """
    model = request.active_learning.model
    if not is_class_name(model.algorithm):
        check_model(load_labeler(model.algorithm), model)


def check_model(labeler: Labeler, model: ModelSettings) -> None:
    """Raises RequestError with all settings that the labeler cannot work with."""
    if problems := labeler.check(model):
        raise RequestError(f"the request cannot be used: ActiveLearning.Model: {'; '.join(problems)}")
