"""Labelers: they label objects by machine in a round.

One module each, found by listing this folder; docs/adding-one.md says how to add one.
"""

from labelloop.labelers.protocol import Labeler, StandIn
from labelloop.labelers.registry import LABELERS, check_request, load_labeler, trains_a_model

__all__ = ["LABELERS", "Labeler", "StandIn", "check_request", "load_labeler", "trains_a_model"]
