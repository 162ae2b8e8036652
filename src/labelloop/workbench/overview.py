"""What the owner of a run sees: the run so far, and the progress of the batch."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from labelloop.core.people.label_review import OUTCOMES
from labelloop.workbench.agreement import agreement_of
from labelloop.workbench.api import batch_document
from labelloop.workbench.output import outcome_of_review
from labelloop.workbench.run_so_far import run_so_far
from labelloop.workbench.service import NOBODY, running_batches
from labelloop.workbench.store import TaskStore
from labelloop.workbench.tasks import Annotator, Batch, Task, iso

SKIPPED_LISTED = 200
# Reading a large batch takes a moment, so the pages of several owners share one result.
_KEPT_SECONDS = 3.0


class _Kept(NamedTuple):
    at: float
    done: tuple[str, str, int]  # by owners: the batch, its state, and the version of NOBODY's account
    document: dict[str, Any]


class Overview:
    """The answer of GET /api/run."""

    def __init__(self, store: TaskStore, *, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self._kept: dict[str, _Kept] = {}  # by batch

    def __call__(self, chosen: str | None = None) -> dict[str, Any]:
        """The run of the batch with the id `chosen`, or the one that people label for now."""
        now, running = self._clock(), running_batches(self._store.unfinished())
        batch = self._chosen(chosen, running) or next(iter(running), None) or self._store.newest()
        if batch is None:
            return {"run": None, "batch": None}
        return {**self._of(batch, now), "running": [_running_document(one) for one in running]}

    def _chosen(self, chosen: str | None, running: Sequence[Batch]) -> Batch | None:
        """The chosen batch; after its end, the batch that its run has open now."""
        batch = self._store.batch(chosen) if chosen else None
        if batch is None or batch.id in {one.id for one in running}:
            return batch
        return next((one for one in running if one.run == batch.run), batch)

    def _of(self, batch: Batch, now: float) -> dict[str, Any]:
        # After an owner presses a button, the result must show at once.
        done = (batch.id, batch.state, self._store.annotator(batch.id, NOBODY).version)
        self._kept = {key: kept for key, kept in self._kept.items() if 0 <= now - kept.at < _KEPT_SECONDS}
        kept = self._kept.get(batch.id)
        if kept is None or kept.done != done:
            self._kept[batch.id] = kept = _Kept(now, done, self._look(batch, now))
        return kept.document

    def _look(self, batch: Batch, now: float) -> dict[str, Any]:
        tasks = list(self._store.tasks(batch.id))
        annotators = [one for one in self._store.annotators(batch.id) if one.answers or one.skips]
        agreement, names = agreement_of(batch, tasks), self._store.people()
        run = run_so_far(batch.run_state_uri) if batch.run_state_uri else None
        return {
            "run": run.as_document() if run else None,
            "batch": {
                **batch_document(batch),
                "run": run_of(batch),
                "closed_because": batch.closed_because,
                "people_per_object": batch.people_per_object,
                "decidable": batch.decidable,
                "ends_at": None if batch.ends_at is None else iso(batch.ends_at),
            },
            "progress": _progress(batch, tasks),
            "annotators": [
                {
                    "name": names.get(one.name, one.name),
                    "answers": one.answers,
                    "skips": one.skips,
                    "per_minute": _rounded(one.pace(now), 1),
                    "accuracy_estimate": _rounded(agreement.accuracy.get(one.name), 4),
                    "gold_accuracy": _rounded(agreement.gold_accuracy.get(one.name), 4),
                }
                for one in annotators
            ],
            "agreement": _rounded(agreement.alpha, 4),
            "expected_end": _expected_end(batch, tasks, annotators, now),
            "skipped": _skipped(tasks, names),
            "disagreements": agreement.disputed,
            "disagreements_being_settled": agreement.being_settled,
            # So many are found at once: nobody is asked about them any more.
            "flagged": sum(bool(task.flagged_by) and task.place is not None for task in tasks),
            "gold": _gold(tasks),
            "relabeled": _relabeled(tasks),
        }


def run_of(batch: Batch) -> str | None:
    """The name of a batch's run; None if people label a manifest, and there is no run."""
    return batch.run if batch.run_state_uri else None


def _running_document(batch: Batch) -> dict[str, Any]:
    return {
        "id": batch.id,
        "run": run_of(batch),
        "title": batch.title,
        "round": batch.round,
        "ahead": batch.ahead,
        "state": batch.state,
        "orphaned": batch.orphaned,
    }


def _progress(batch: Batch, tasks: Sequence[Task]) -> dict[str, int]:
    """What is done: of an open batch what nobody is asked about any more, of a closed one what counts."""
    over = batch.state in ("closing", "closed")
    return {
        "total": len(tasks),
        "done": sum(task.counts_with(batch.people_per_object) if over else task.complete for task in tasks),
        "skipped": sum(len(task.skips) for task in tasks),
    }


def _expected_end(
    batch: Batch, tasks: Sequence[Task], annotators: Sequence[Annotator], now: float
) -> str | None:
    """When the batch ends if people keep the pace of the last minutes; None if nobody is working on it."""
    per_minute = sum(one.pace(now) or 0.0 for one in annotators)
    if batch.state != "open" or not per_minute:
        return None
    left = sum(max(0, task.needed - len(task.answers) - len(task.skips)) for task in tasks)
    return datetime.fromtimestamp(now + 60 * left / per_minute, UTC).isoformat(timespec="seconds")


def _skipped(tasks: Sequence[Task], names: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {"line": task.object_id + 1, "reason": reason, "by": names.get(name, name)}
        for task in sorted(tasks, key=lambda task: task.object_id)
        if task.purpose != "gold"
        for name, reason in task.skips.items()
    ][:SKIPPED_LISTED]


def _gold(tasks: Sequence[Task]) -> dict[str, Any]:
    gold = [task for task in tasks if task.purpose == "gold"]
    right = [label == task.known_label for task in gold for label in task.answers.values()]
    accuracy = sum(right) / len(right) if right else None
    return {"objects": len(gold), "answers": len(right), "accuracy": _rounded(accuracy, 4)}


def _relabeled(tasks: Sequence[Task]) -> dict[str, int]:
    """The labels that people are asked about again: how many are answered so far, and the outcomes."""
    again = [task for task in tasks if task.purpose == "relabel"]
    outcomes = Counter(outcome_of_review(task) for task in again)
    return {
        "objects": len(again),
        "answered": len(again) - outcomes[None],
        **{outcome: outcomes[outcome] for outcome in OUTCOMES},
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
