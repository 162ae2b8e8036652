"""The lines of the input manifest, in Ground Truth's format for text classification."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from labelloop.core.manifest.lines import MOST_CHARACTERS, label_metadata

# The class index is not known while the classes are still being collected: the longest one is assumed.
_LONGEST_INDEX = 9_999_999


@dataclass(frozen=True, slots=True)
class ManifestLines:
    """Writes one data object per line, with its label if it has one."""

    label_attribute: str
    creation_date: datetime
    job_name: str

    def unlabeled(self, text: str) -> bytes:
        return orjson.dumps({"source": text})

    def labeled(self, text: str, index: int, class_name: str) -> bytes:
        return orjson.dumps({"source": text, **self._label(index, class_name)})

    def longest(self, text: str, class_name: str) -> int:
        """The number of characters of the text's line, with its label unless `class_name` is empty."""
        line = self.labeled(text, _LONGEST_INDEX, class_name) if class_name else self.unlabeled(text)
        # Only a line with more bytes than the limit can have more characters.
        return len(line) if len(line) <= MOST_CHARACTERS else len(line.decode())

    def _label(self, index: int, class_name: str) -> dict[str, Any]:
        return {
            self.label_attribute: index,
            f"{self.label_attribute}-metadata": label_metadata(
                class_name=class_name,
                confidence=1.0,
                human=True,
                time=self.creation_date.isoformat(timespec="microseconds"),
                job_name=self.job_name,
            ),
        }
