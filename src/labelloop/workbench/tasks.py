"""What the workbench keeps: batches, tasks, and what each person did with them.

All of these are immutable documents with a version: a store writes one only over the version it was read
in, so that two people who race for the same task cannot both get it.
"""

import hashlib
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

BatchState = Literal["open", "paused", "closing", "closed"]
Purpose = Literal["label", "gold", "relabel"]
# The pace is read off so many of a person's last answers.
ANSWERS_OF_PACE = 20


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Batch(_Document):
    """A round's selection, as people are shown it. Times are seconds since 1970."""

    id: str
    run: str
    round: int
    kind: Literal["text", "image"]
    title: str
    short_instructions: str
    full_instructions: str
    classes: tuple[str, ...]
    label_attribute: str
    people_per_object: int = 1
    show_guess: bool = False
    lease_seconds: int = 600
    state: BatchState = "open"
    total: int
    created: float
    closing_since: float | None = None
    closed_because: str | None = None
    undone: int = 0  # objects without all their answers or skips when it was closed
    selection_uri: str
    output_uri: str
    worker_template_uri: str | None = None
    run_state_uri: str | None = None  # the snapshot of the run that asks, for the run's page
    task_token: str | None = None  # of the state machine that waits for this batch
    people: tuple[str, ...] = ()  # who has labeled in the run's earlier batches
    heartbeat_every: float = 300.0  # seconds; how often it hears that people are at work
    last_heartbeat: float = 0.0
    version: int = 0


class Entry(_Document):
    """What one person has to do with a task: a lease, an answer, or a skip."""

    kind: Literal["lease", "answer", "skip"]
    at: float
    until: float | None = None  # of a lease
    label: int | None = None  # of an answer
    seconds: float | None = None  # that the person looked at it
    reason: str | None = None  # of a skip


class Task(_Document):
    """One data object that people are asked about, and who has done what with it.

    `id` tells nothing about the object nor why it is asked; tasks are handed out in its order: at random.
    """

    batch_id: str
    id: str
    object_id: int
    purpose: Purpose = "label"
    known_label: int | None = None  # the right one of a gold object; the present one of one to label again
    model_label: int | None = None  # of one to label again: the class that the model gives it instead
    answered_before: tuple[
        str, ...
    ] = ()  # who answered about the object in an earlier batch: others go first
    needed: int = 1
    entries: dict[str, Entry] = {}
    sealed: bool = False  # the batch is closed: nothing changes any more
    version: int = 0

    @property
    def answers(self) -> dict[str, int]:
        """Class index by person."""
        return {
            name: entry.label
            for name, entry in self.entries.items()
            if entry.kind == "answer" and entry.label is not None
        }

    @property
    def skips(self) -> dict[str, str]:
        """Reason by person."""
        return {name: entry.reason or "" for name, entry in self.entries.items() if entry.kind == "skip"}

    @property
    def complete(self) -> bool:
        """Whether as many people as needed have answered or skipped it."""
        return len(self.answers) + len(self.skips) >= self.needed

    def counts_with(self, people: int) -> bool:
        """Whether its answers make a label when the batch ends, where `people` answer each object.

        Who was asked beyond that, to settle a dispute, need not have come.
        """
        return len(self.answers) + len(self.skips) >= min(self.needed, people)

    @property
    def disputed(self) -> bool:
        """Whether people gave it different labels."""
        return len(set(self.answers.values())) > 1

    def available_from(self) -> float | None:
        """The moment from which one more person may get it; None when it is complete or sealed."""
        if self.complete or self.sealed:
            return None
        if len(self.entries) < self.needed:
            return 0.0
        ends = sorted(entry.until or 0.0 for entry in self.entries.values() if entry.kind == "lease")
        return ends[len(self.entries) - self.needed]

    def leased_to(self, person: str, now: float, seconds: float) -> "Task":
        """With a lease for a person. A lease that has run out makes room where there is no other."""
        entries = {name: entry for name, entry in self.entries.items() if name != person}
        if len(entries) >= self.needed:
            expired = [
                name for name, entry in entries.items() if entry.kind == "lease" and _until(entry) <= now
            ]
            entries.pop(min(expired, key=lambda name: _until(entries[name])))
        return self.with_entries({**entries, person: Entry(kind="lease", at=now, until=now + seconds)})

    def is_leased_to(self, person: str) -> bool:
        """Whether a person may answer it still; a lease that has run out is theirs until somebody asks."""
        return not self.sealed and person in self.entries and self.entries[person].kind == "lease"

    def released_by(self, person: str, now: float) -> "Task":
        """With a person's lease run out."""
        over = self.entries[person].model_copy(update={"until": now})
        return self.with_entries({**self.entries, person: over})

    def with_entries(self, entries: dict[str, Entry]) -> "Task":
        return self.model_copy(update={"entries": entries})


class DataObject(_Document):
    """What people see of a task."""

    task_id: str
    text: str | None = None
    source_ref: str | None = None
    guess: tuple[int, float] | None = None  # the model's class index and its confidence


class Annotator(_Document):
    """What one person has done in a batch."""

    batch_id: str
    name: str
    answers: int = 0
    skips: int = 0
    completed: int = 0  # tasks that this person's answers or skips made complete
    seconds: float = 0.0  # spent on answers, as the page measured it
    recent: tuple[float, ...] = ()  # moments of the last answers
    holding: tuple[str, ...] = ()  # ids of the tasks leased to this person
    seen: float = 0.0  # when the person last got or answered anything
    version: int = 0

    def counted(self, **changes: Any) -> "Annotator":
        return self.model_copy(update=changes)

    def pace(self, now: float) -> float | None:
        """Answers a minute over the last of them; None where there are too few, or none lately."""
        recent = [moment for moment in self.recent if now - moment < 600]
        if len(recent) < 2:
            return None
        return (len(recent) - 1) / max((now - recent[0]) / 60, 1 / 60)


@dataclass(frozen=True)
class Totals:
    """What all people have done in a batch: tasks completed, and skips."""

    completed: int
    skips: int


def task_id(batch_id: str, purpose: Purpose, object_id: int) -> str:
    """Random to who sees it, and the same again when a batch is opened anew."""
    return hashlib.sha256(f"{batch_id}\n{purpose}\n{object_id}".encode()).hexdigest()[:20]


def _until(entry: Entry) -> float:
    return entry.until or 0.0
