"""Labeling backends: who shows data objects to people.

One module each, found by listing this folder; docs/adding-one.md says how to add one.
"""

from labelloop.backends.protocol import AnswersAtOnce, AnswersLater, LabelingBackend
from labelloop.backends.registry import LABELING_BACKENDS, check_request, load_backend

__all__ = [
    "LABELING_BACKENDS",
    "AnswersAtOnce",
    "AnswersLater",
    "LabelingBackend",
    "check_request",
    "load_backend",
]
