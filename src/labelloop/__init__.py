"""labelloop labels a data set with your own model, few human labels, and a statement of error.

    labelloop.label(frame, text=..., classes=..., people=...)       label the texts of a data frame
    labelloop.audit(frame, text=..., label=..., people=...)         which given labels may be kept
    labelloop.simulate(frame, text=..., label=...)                  how many labels people would give

They need `pip install 'labelloop[local]'`. The command `labelloop` does the same with files.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labelloop.core.errors import LabelloopError
    from labelloop.frames import (
        AnswersError,
        Audited,
        Certified,
        FrameError,
        Labeled,
        ModelFailedError,
        Progress,
        Simulated,
        audit,
        label,
        simulate,
    )

__version__ = "0.2.0"

__all__ = [
    "AnswersError",
    "Audited",
    "Certified",
    "FrameError",
    "Labeled",
    "LabelloopError",
    "ModelFailedError",
    "Progress",
    "Simulated",
    "__version__",
    "audit",
    "label",
    "simulate",
]


# The steps on Lambda import labelloop too: nothing is loaded before somebody asks for it.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        home = "labelloop.core.errors" if name == "LabelloopError" else "labelloop.frames"
        try:
            return getattr(import_module(home), name)
        except ModuleNotFoundError as error:
            if error.name != "narwhals":
                raise
            raise ImportError(f"labelloop.{name} needs narwhals: pip install 'labelloop[local]'") from error


def __dir__() -> list[str]:
    return __all__
