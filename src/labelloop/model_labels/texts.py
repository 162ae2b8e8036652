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
    """`of_objects`: each object's text, in order; `asked`: whether the model is asked about it.

    `labeled`: those that people have labeled.
    """

    of_objects: list[str]
    asked: list[bool]
    labeled: list[tuple[str, str]]

    @classmethod
    def of(cls, state: RunState) -> Texts:
        """Those of a run, for the asking that it is at."""
        lines = s3.read_lines(state.manifest_s3_uri)
        return cls.read(lines, state.label_attribute, state.label_categories, again=state.asks_model_again)

    @classmethod
    def read(
        cls,
        lines: Iterable[bytes],
        attribute: LabelAttribute,
        categories: LabelCategories,
        *,
        again: bool = False,
    ) -> Texts:
        """From the lines of a manifest that has been checked.

        `again`: what has a label by machine, or can have none, is not asked about. What people have labeled
        is: without their own labels, but with all others as examples, it tells what the answers are worth.
        """
        texts: list[str] = []
        asked: list[bool] = []
        labeled: list[tuple[str, str]] = []
        for line in lines:
            record = json.loads(line)
            texts.append(record["source"])
            label = categories.index_of(record.get(attribute.name))
            if label is not None and record[attribute.metadata]["human-annotated"] == "yes":
                labeled.append((texts[-1], categories.names[label]))
                asked.append(True)
            else:
                asked.append(not (again and attribute.metadata in record))
        return cls(texts, asked, labeled)

    @property
    def different(self) -> list[str]:
        """Those that the model is asked about, each once, in order."""
        asked = (text for text, is_asked in zip(self.of_objects, self.asked, strict=True) if is_asked)
        return list(dict.fromkeys(asked))
