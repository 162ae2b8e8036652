"""The stack's own model of texts, whatever image of the user's the stack names."""

from typing import ClassVar

from labelloop.core.manifest.lines import Reads
from labelloop.labelers.container import StackContainer
from labelloop.workflow.request import ModelSettings


class Text(StackContainer):
    """`model_container/`."""

    name: ClassVar = "text"

    def reads(self, model: ModelSettings) -> Reads:  # noqa: ARG002
        return Reads("text", "Algorithm text", ": for images, set Model.Algorithm to image")
