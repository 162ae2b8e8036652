"""What people did in a run's earlier batches. Others are asked before a person who answered already."""

from collections.abc import Iterable
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
    def of_run(cls, store: TaskStore, batch_ids: Iterable[str]) -> "EarlierBatches":
        """From the run's own batches, those of them that the store has. Gold objects do not belong to it."""
        answered: dict[int, set[str]] = {}
        reviewed: list[int] = []
        for batch_id in batch_ids:
            for task in store.tasks(batch_id):
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
