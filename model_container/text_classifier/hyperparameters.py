"""The hyperparameters of texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from classifier.hyperparameters import JobHyperparameters, Reader, name, whole_number
from classifier.records import Content

KIND = "text"


@dataclass(frozen=True)
class TextHyperparameters(JobHyperparameters):
    """The settings of a training job of texts."""

    text_attribute: str = "source"
    """The key of a record's text."""
    max_tokens: int = 50_000
    """The number of words and word pieces that the model knows: the most frequent of all texts."""
    max_components: int = 256
    """Numbers of latent semantic analysis for a text. With few texts there are fewer. 0 turns it off."""
    max_pool_texts: int = 10_000
    """How many texts of the channel `pool` are used for learning without labels, chosen at random."""
    max_characters: int = 1_000
    """How much of a text's beginning is read. Of that, the sentence encoder reads 256 tokens."""

    readers: ClassVar[Mapping[str, Reader]] = {
        **JobHyperparameters.readers,
        "text_attribute": name,
        "max_tokens": whole_number(1, 1_000_000),
        "max_components": whole_number(0, 1_024),
        "max_pool_texts": whole_number(0, 1_000_000),
        "max_characters": whole_number(1, 100_000),
    }

    @property
    def content(self) -> Content:
        return Content(KIND, self.text_attribute, self.max_characters, self.max_pool_texts)
