"""The texts of a run's manifest, and which of them people have labeled."""

from __future__ import annotations

import json
from collections.abc import Iterable, Set
from dataclasses import dataclass

from labelloop.core.ledger import Ledger, State
from labelloop.core.manifest.label_categories import LabelCategories
from labelloop.core.manifest.lines import LabelAttribute
from labelloop.storage import s3
from labelloop.workflow.run_state import RunState


@dataclass(frozen=True)
class Texts:
    """`of_objects`: each object's text, in order; `asked`: whether the model is asked about it.

    `labeled`: those that people have labeled, but for what is held out to measure with.
    """

    of_objects: list[str]
    asked: list[bool]
    labeled: list[tuple[str, str]]

    @classmethod
    def of(cls, state: RunState) -> Texts:
        """Those of a run, for the asking that it is at."""
        ledger = Ledger.from_bytes(s3.read_bytes(state.ledger_s3_uri))
        return cls.read(
            s3.read_lines(state.manifest_s3_uri),
            state.label_attribute,
            state.label_categories,
            again=state.asks_model_again,
            held_out=frozenset(ledger.ids(State.VALIDATION).tolist()),
        )

    @classmethod
    def read(
        cls,
        lines: Iterable[bytes],
        attribute: LabelAttribute,
        categories: LabelCategories,
        *,
        again: bool = False,
        held_out: Set[int] = frozenset(),
    ) -> Texts:
        """From the lines of a manifest that has been checked.

        `again`: what has a label by machine, or can have none, is not asked about. What people have labeled
        is: without their own labels, but with all others as examples, it tells what the answers are worth.
        `held_out`: the ids of objects that no model learns from; they are no examples.
        """
        texts: list[str] = []
        asked: list[bool] = []
        labeled: list[tuple[str, str]] = []
        for number, line in enumerate(lines):
            record = json.loads(line)
            texts.append(record["source"])
            label = categories.index_of(record.get(attribute.name))
            if label is not None and record[attribute.metadata]["human-annotated"] == "yes":
                asked.append(True)
                if number not in held_out:
                    labeled.append((texts[-1], categories.names[label]))
            else:
                asked.append(not (again and attribute.metadata in record))
        return cls(texts, asked, labeled)

    @property
    def different(self) -> list[str]:
        """Those that the model is asked about, each once, in order."""
        asked = (text for text, is_asked in zip(self.of_objects, self.asked, strict=True) if is_asked)
        return list(dict.fromkeys(asked))
