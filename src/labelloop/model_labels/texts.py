"""The texts of a run's manifest, and which of them people have labeled."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from labelloop.core.manifest.label_categories import LabelCategories
from labelloop.core.manifest.lines import LabelAttribute
from labelloop.storage import s3
from labelloop.workflow.run_state import RunState


@dataclass(frozen=True)
class Texts:
    """`of_objects`: each object's text, in order; `labeled`: those that came with people's labels."""

    of_objects: list[str]
    labeled: list[tuple[str, str]]

    @classmethod
    def of(cls, state: RunState) -> Texts:
        """Those of a run."""
        lines = s3.read_lines(state.manifest_s3_uri)
        return cls.read(lines, state.label_attribute, state.label_categories)

    @classmethod
    def read(cls, lines: Iterable[bytes], attribute: LabelAttribute, categories: LabelCategories) -> Texts:
        """From the lines of a manifest that has been checked."""
        texts: list[str] = []
        labeled: list[tuple[str, str]] = []
        for line in lines:
            record = json.loads(line)
            texts.append(record["source"])
            label = categories.index_of(record.get(attribute.name))
            if label is not None and record[attribute.metadata]["human-annotated"] == "yes":
                labeled.append((texts[-1], categories.names[label]))
        return cls(texts, labeled)

    @property
    def different(self) -> list[str]:
        """Each once, in order."""
        return list(dict.fromkeys(self.of_objects))
