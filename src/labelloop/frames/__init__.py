"""The Python interface: data frames in, the same data frames with labels out.

    label       people label some texts, a model learns from that and labels the rest
    audit       which of the labels that are given may be kept
    simulate    how many labels people would have had to give

`labelloop` exports these. pandas, polars and pyarrow frames come and go by narwhals.
"""

from labelloop.frames.audit import audit
from labelloop.frames.errors import AnswersError, FrameError, ModelFailedError
from labelloop.frames.label import label
from labelloop.frames.results import Audited, Certified, Labeled, Simulated
from labelloop.frames.simulate import simulate
from labelloop.frames.telling import Progress

__all__ = [
    "AnswersError",
    "Audited",
    "Certified",
    "FrameError",
    "Labeled",
    "ModelFailedError",
    "Progress",
    "Simulated",
    "audit",
    "label",
    "simulate",
]
