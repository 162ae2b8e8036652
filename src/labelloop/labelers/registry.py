"""Labelers by name; users' own labelers by the name of their class."""

from labelloop.core.errors import RequestError
from labelloop.core.implementations import Implementations, is_class_name
from labelloop.core.near_names import nearest_name
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
    place="ActiveLearning.Labeler or Model.Algorithm",
)


def load_labeler(name: str) -> Labeler:
    """A labeler by its name, or a user's own by "module:Class".

    Raises RequestError when there is no such labeler, or the user's class cannot be used as one.
    """
    return LABELERS.load(name)


def trains_a_model(name: str) -> bool:
    """Whether a labeler needs SageMaker's jobs. A user's own may only exist in the steps' image: it might."""
    return is_class_name(name) or type(load_labeler(name)).image_uri is not Labeler.image_uri


def check_request(request: LabelingRequest, *, own_model: bool = False) -> None:
    """What can be checked before the run: raises RequestError with what the labeler's `check` finds.

    own_model: whether an image or a container of the user's own is in place of the stack's
    A user's own labeler is only loaded in the steps' image: it may exist only there.
    """
    name = request.active_learning.model.algorithm
    if not is_class_name(name):
        check_with_labeler(load_labeler(name), request, own_model=own_model)


def check_with_labeler(labeler: Labeler, request: LabelingRequest, *, own_model: bool = False) -> None:
    """Raises RequestError with all settings that the labeler cannot work with."""
    model = request.active_learning.model
    problems = labeler.check(model)
    if not own_model and model.image_uri is None and labeler.hyperparameters is not None:
        problems = [*problems, *_unknown_hyperparameters(model, labeler.hyperparameters)]
    if problems:
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


def _unknown_hyperparameters(model: ModelSettings, known: frozenset[str]) -> list[str]:
    """A training would find them only after people have labeled."""
    problems = []
    for name in sorted(model.hyper_parameters.keys() - known):
        meant = nearest_name(name, sorted(known))
        hint = f"did you mean {meant!r}?" if meant else f"known are {', '.join(sorted(known))}"
        problems.append(f"HyperParameters: the stack's own model has no {name[:80]!r}: {hint}")
    return problems
