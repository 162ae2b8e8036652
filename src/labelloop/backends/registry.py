"""Labeling backends by name; users' own backends by the name of their class."""

from labelloop.backends.protocol import LabelingBackend
from labelloop.core.errors import RequestError
from labelloop.core.implementations import Implementations, is_class_name
from labelloop.workflow.request import LabelingRequest

# Users' own backends answer at once: a backend that waits needs its own state in the state machine.
LABELING_BACKENDS: Implementations[LabelingBackend] = Implementations(
    package="labelloop.backends",
    kind="labeling backend",
    calls={
        "check": ("request",),
        "prepare": ("request", "categories"),
        "people_per_object": ("request",),
        "answer": ("state", "selection", "time"),
    },
    error=RequestError,
    place="ActiveLearning.LabelingBackend",
)


def load_backend(name: str) -> LabelingBackend:
    """A backend by its name, or a user's own by "module:Class".

    Raises RequestError when there is no such backend, or the user's class cannot be used as one.
    """
    return LABELING_BACKENDS.load(name)


def check_request(request: LabelingRequest) -> None:
    """What can be checked before the run: raises RequestError as the backend's `check` does.

    A user's own backend is only loaded in the steps' image: it may exist only there.
    """
    name = request.active_learning.labeling_backend
    if not is_class_name(name):
        load_backend(name).check(request)
