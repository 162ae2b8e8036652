"""What people did in a run's earlier batches. Others are asked before a person who answered already."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from labelloop.core.ledger import Ids
from labelloop.workbench.store import TaskStore


@dataclass(frozen=True)
class EarlierBatches:
    """Who has answered about which object, all these people, and which labels were reviewed already."""

    answered: dict[int, tuple[str, ...]] = field(default_factory=dict)
    people: tuple[str, ...] = ()
    reviewed: Ids = field(default_factory=lambda: np.empty(0, np.int64))

    @classmethod
    def of_run(cls, store: TaskStore, prefixes: Sequence[str]) -> "EarlierBatches":
        """The batches whose output is below one of the prefixes. Gold objects do not belong to the run."""
        answered: dict[int, set[str]] = {}
        reviewed: list[int] = []
        for batch in store.batches():
            if not batch.output_uri.startswith(tuple(prefixes)):
                continue
            for task in store.tasks(batch.id):
                if task.purpose == "gold":
                    continue
                gone = (one.person for one in task.discarded if one.entry.kind == "answer")
                answered.setdefault(task.object_id, set()).update(task.answers, gone)
                if task.purpose == "relabel":
                    reviewed.append(task.object_id)
        return cls(
            answered={number: tuple(sorted(names)) for number, names in answered.items() if names},
            people=tuple(sorted(set().union(*answered.values()))),
            reviewed=np.array(reviewed, np.int64),
        )

    def who_answered(self, object_id: int) -> tuple[str, ...]:
        return self.answered.get(object_id, ())
