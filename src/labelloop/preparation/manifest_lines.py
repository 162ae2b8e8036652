"""The lines of the input manifest, in Ground Truth's format for text classification."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from labelloop.core.manifest.lines import MOST_CHARACTERS, label_metadata

# The class index is not known while the classes are still being collected: the longest one is assumed.
_LONGEST_INDEX = 9_999_999
_LONGEST_CONFIDENCE = 0.12345678
_NONE: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class ManifestLines:
    """Writes one data object per line, with its label if it has one."""

    label_attribute: str
    creation_date: datetime
    job_name: str
    prior_attributes: tuple[str, ...] = ()
    source: str = "source"  # the key of the text, or of the image's URI

    def unlabeled(self, text: str, priors: Mapping[str, Any] = _NONE) -> bytes:
        """`priors`: the fields of what `prior` makes."""
        return orjson.dumps({self.source: text, **priors})

    def labeled(self, text: str, index: int, class_name: str, priors: Mapping[str, Any] = _NONE) -> bytes:
        return orjson.dumps({self.source: text, **priors, **self._label(index, class_name)})

    def prior(self, attribute: str, index: int, class_name: str, confidence: float | None) -> dict[str, Any]:
        """The fields of a prior label; its metadata names the attribute where a labeling job would stand."""
        metadata = label_metadata(
            class_name=class_name, confidence=0.0, human=False, time=self._time, job_name=attribute
        )
        # All the digits: language models are often sure to many nines.
        metadata["confidence"] = confidence
        if confidence is None:
            del metadata["confidence"]
        return {attribute: index, f"{attribute}-metadata": metadata}

    def longest(self, text: str, class_name: str, prior_class_names: Sequence[str] = ()) -> int:
        """The number of characters of the text's line, with its label unless `class_name` is empty."""
        priors = dict[str, Any]()
        for attribute, name in zip(self.prior_attributes, prior_class_names, strict=False):
            priors |= self.prior(attribute, _LONGEST_INDEX, name, _LONGEST_CONFIDENCE)
        if class_name:
            line = self.labeled(text, _LONGEST_INDEX, class_name, priors)
        else:
            line = self.unlabeled(text, priors)
        # Only a line with more bytes than the limit can have more characters.
        return len(line) if len(line) <= MOST_CHARACTERS else len(line.decode())

    @property
    def _time(self) -> str:
        return self.creation_date.isoformat(timespec="microseconds")

    def _label(self, index: int, class_name: str) -> dict[str, Any]:
        return {
            self.label_attribute: index,
            f"{self.label_attribute}-metadata": label_metadata(
                class_name=class_name,
                confidence=1.0,
                human=True,
                time=self._time,
                job_name=self.job_name,
            ),
        }
