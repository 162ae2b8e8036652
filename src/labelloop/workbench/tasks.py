"""What the workbench stores: batches, tasks, and what each person did with them.

All of these are immutable documents with a version. A store writes a document only if its version has not
changed since it was read. So two people who compete for the same task cannot both get it.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

BatchState = Literal["open", "paused", "closing", "closed"]
Purpose = Literal["label", "gold", "relabel"]
Role = Literal["annotator", "reviewer", "owner"]
# The pace is computed from this many of a person's last answers.
ANSWERS_OF_PACE = 20


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Batch(_Document):
    """A round's selection, as shown to people. Times are seconds since 1970."""

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
    # Whether those who see the answers may decide what people disagree about, and discard answers: never in a
    # batch with objects drawn for a test.
    decidable: bool = False
    adjudicate: bool = False  # whether the batch stays open until that is decided
    grid: bool = False  # whether pages show several tasks that are alike at once
    lease_seconds: int = 600
    state: BatchState = "open"
    total: int
    created: float
    closing_since: float | None = None
    deadline: float | None = None  # when its time is over, as the request says; None: it has no limit
    open_until: float | None = None  # when it is over, if an owner has moved that
    latest_deadline: float = 0.0
    closed_because: str | None = None
    undone: int = 0  # objects that lacked answers or skips when the batch was closed
    selection_uri: str
    output_uri: str
    worker_template_uri: str | None = None
    run_state_uri: str | None = None  # the run's snapshot, for the run's page
    # Whether people go on with it while the model learns from its round: then a later round closes it.
    ahead: bool = False
    ending: bool = (
        False  # that round has its batch: nobody gets more of this one, held objects may be answered
    )
    more_follow: bool = False  # whether other batches follow, though no run of the state machine opens them
    task_token: str | None = None  # of the state machine that waits for this batch
    people: tuple[str, ...] = ()  # who has labeled in the run's earlier batches
    guidelines: int = 1  # the number of the version that people read; 1 is what the request says
    first_execution: str = ""  # of those that go on from one another, its files' prefix
    heartbeat_every: float = 300.0  # seconds; how often the state machine is told that people are at work
    last_heartbeat: float = 0.0
    orphaned: bool = False  # the state machine that waited for it has ended
    version: int = 0

    @property
    def ends_at(self) -> float | None:
        """When its time is over at the latest; None: it has no limit."""
        return self.deadline if self.open_until is None else self.open_until

    @property
    def lineage(self) -> str:
        """The same for all batches of a run, also of one that another execution resumes."""
        return self.first_execution or self.run


def place_of(round_number: int, *, ahead: bool) -> str:
    """Where a batch is in its run."""
    return f"Ahead of round {round_number + 1}" if ahead else f"Round {round_number}"


class GuidelinesVersion(_Document):
    """What people of a run read, as one save left it."""

    run: str  # the lineage of its batches
    number: int
    at: float
    by: str | None  # None: the request
    short: str
    text: str  # Markdown
    classes: tuple[str, ...]  # a line about each class, or nothing

    def says_the_same_as(self, other: "GuidelinesVersion") -> bool:
        return (self.short, self.text, self.classes) == (other.short, other.text, other.classes)


class Entry(_Document):
    """One person's relation to a task: a lease, an answer, or a skip."""

    kind: Literal["lease", "answer", "skip"]
    at: float
    until: float | None = None  # of a lease
    label: int | None = None  # of an answer
    seconds: float | None = None  # that the person looked at it
    reason: str | None = None  # of a skip
    guidelines: int | None = None  # the version that the page showed; None of earlier releases' pages


class Discarded(_Document):
    """What a person said and an owner discarded: it is kept, and counts no more."""

    person: str
    entry: Entry
    by: str
    at: float


class Comment(_Document):
    """What a person wrote about an object, or a reply to that; only the person and reviewers see the two."""

    by: str
    at: float
    text: str
    to: str | None = None  # of a reply, whom it is for


class Decision(_Document):
    """The class that an owner chose where people disagreed."""

    by: str
    at: float
    label: int


class Correction(_Document):
    """What a reviewer wants of an object whose batch is closed: another label, or others' answers."""

    run: str  # the lineage of its batches
    object_id: int
    batch_id: str
    task_id: str
    by: str
    at: float
    before: int  # the class index that the run has until then
    label: int | None  # None: others are asked about the object again
    taken_by: str | None = None  # the batch that took it along to the run, or that asks others
    version: int = 0

    @property
    def is_withdrawn(self) -> bool:
        """Whether the reviewer has gone back to the label before."""
        return self.label == self.before

    @property
    def asks_others(self) -> bool:
        return self.label is None


class Task(_Document):
    """One data object that people are asked about, and what each person has done with it.

    `id` reveals nothing about the object or why people are asked about it. Tasks are handed out in the order
    of their ids, which is random.
    """

    batch_id: str
    id: str
    object_id: int
    purpose: Purpose = "label"
    known_label: int | None = None  # of a gold object the right class; of a label to review the present class
    model_label: int | None = None  # of a label to review: the model's different class
    answered_before: tuple[
        str, ...
    ] = ()  # who answered about the object in an earlier batch, or in vain: others are asked first
    near: tuple[str, ...] = ()  # ids of the tasks whose objects are most alike, if people get like after like
    needed: int = 1
    entries: dict[str, Entry] = {}
    discarded: tuple[Discarded, ...] = ()
    comments: tuple[Comment, ...] = ()  # the only part that may change when the task is sealed
    decided: Decision | None = None
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
        """Whether enough people have answered or skipped it."""
        return len(self.answers) + len(self.skips) >= self.needed

    def counts_with(self, people: int) -> bool:
        """Whether its answers count when the batch ends, if `people` answer each object.

        The answer of one more person, who was asked to settle a dispute, may be missing.
        """
        return len(self.answers) + len(self.skips) >= min(self.needed, people)

    @property
    def disputed(self) -> bool:
        """Whether people gave it different labels."""
        return len(set(self.answers.values())) > 1

    @property
    def undecided(self) -> bool:
        """Whether people gave it different labels, nobody else is asked, and no owner has decided."""
        return self.complete and self.disputed and self.decided is None

    @property
    def flagged_by(self) -> tuple[str, ...]:
        """Who wrote a comment about it."""
        return tuple(dict.fromkeys(comment.by for comment in self.comments if comment.to is None))

    def available_from(self) -> float | None:
        """The moment from which one more person may get it; None when it is complete or sealed."""
        if self.complete or self.sealed:
            return None
        if len(self.entries) < self.needed:
            return 0.0
        ends = sorted(entry.until or 0.0 for entry in self.entries.values() if entry.kind == "lease")
        return ends[len(self.entries) - self.needed]

    @property
    def place(self) -> "Place | None":
        """Where the task stands among those that nobody is asked about any more; None for any other task."""
        if self.available_from() is not None:
            return None
        moments = [entry.at for entry in self.entries.values() if entry.kind != "lease"]
        return Place(max(moments), self.id) if moments else None

    def is_free_for(self, person: str, now: float) -> bool:
        """Whether a person may get it who has not answered about the object before."""
        since = self.available_from()
        return (
            since is not None
            and since <= now
            and person not in self.entries
            and person not in self.answered_before
        )

    def leased_to(self, person: str, now: float, seconds: float) -> "Task":
        """The task with a lease for a person. If there is no other room, this replaces an expired lease."""
        entries = {name: entry for name, entry in self.entries.items() if name != person}
        if len(entries) >= self.needed:
            expired = [
                name for name, entry in entries.items() if entry.kind == "lease" and _until(entry) <= now
            ]
            entries.pop(min(expired, key=lambda name: _until(entries[name])))
        return self.with_entries({**entries, person: Entry(kind="lease", at=now, until=now + seconds)})

    def is_leased_to(self, person: str) -> bool:
        """Whether a person may still answer it. An expired lease is theirs until somebody else takes it."""
        return not self.sealed and person in self.entries and self.entries[person].kind == "lease"

    def released_by(self, person: str, now: float) -> "Task":
        """The task with a person's lease expired."""
        over = self.entries[person].model_copy(update={"until": now})
        return self.with_entries({**self.entries, person: over})

    def is_said_by(self, person: str) -> bool:
        """Whether a person has answered or skipped it."""
        return person in self.entries and self.entries[person].kind != "lease"

    def discarding(self, person: str, by: str, now: float) -> "Task":
        """The task without what a person said. Others are asked before the same person is asked again."""
        entries = {name: entry for name, entry in self.entries.items() if name != person}
        gone = Discarded(person=person, entry=self.entries[person], by=by, at=now)
        asked_last = tuple(dict.fromkeys((*self.answered_before, person)))
        return self.with_entries(entries).model_copy(
            update={"discarded": (*self.discarded, gone), "answered_before": asked_last}
        )

    def taken_from(self, person: str) -> "Task":
        """The task without a person's lease."""
        return self.with_entries({name: entry for name, entry in self.entries.items() if name != person})

    def with_entries(self, entries: dict[str, Entry]) -> "Task":
        """A decision was about other answers, so it goes."""
        return self.model_copy(update={"entries": entries, "decided": None})


class DataObject(_Document):
    """What people see of a task."""

    task_id: str
    text: str | None = None
    source_ref: str | None = None
    guess: tuple[int, float] | None = None  # the model's class index and its confidence
    # A label that something else gave before, to be confirmed or corrected, and its confidence if it has one.
    prior: tuple[int, float | None] | None = None

    @property
    def words(self) -> str:
        """The text, or the address of the image."""
        return (self.text if self.source_ref is None else self.source_ref) or ""


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
    seen: float = 0.0  # when the person last got or answered a task
    version: int = 0

    def counted(self, **changes: Any) -> "Annotator":
        return self.model_copy(update=changes)

    def pace(self, now: float) -> float | None:
        """Answers a minute, from the latest answers; None if there are too few, or none lately."""
        recent = [moment for moment in self.recent if now - moment < 600]
        if len(recent) < 2:
            return None
        return (len(recent) - 1) / max((now - recent[0]) / 60, 1 / 60)


class Member(_Document):
    """What owners have settled about a person, under the identity that the person's answers have.

    A role and a link are only for the laptop: in the stack, these are the user pool's.
    """

    id: str
    role: Role | None = None  # None: nobody has invited this person
    key_hash: str | None = None  # of the link's key; None once the link is withdrawn
    invited: float | None = None  # when the link was made
    withdrawn: bool = False
    paused: bool = False  # gets no objects, and what is sent all the same is refused
    unread: tuple[tuple[str, str], ...] = ()  # batch and task of replies that the person has not seen
    ended_sessions: tuple[str, ...] = ()  # of those who signed out: their cookies are no sessions any more
    version: int = 0

    @property
    def link(self) -> str | None:
        """Names the present link, and does not help to guess its key."""
        return self.key_hash[:16] if self.key_hash else None


@dataclass(frozen=True)
class Totals:
    """What all people have done in a batch: tasks completed, and skips."""

    completed: int
    skips: int


class Place(NamedTuple):
    """The moment of a task's last answer or skip, and the task's id."""

    at: float
    task_id: str


def iso(moment: float) -> str:
    """A moment in seconds as a date and time of UTC."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")


def task_id(batch_id: str, purpose: Purpose, object_id: int) -> str:
    """An id that looks random, and is the same if the batch is opened again."""
    return hashlib.sha256(f"{batch_id}\n{purpose}\n{object_id}".encode()).hexdigest()[:20]


def _until(entry: Entry) -> float:
    return entry.until or 0.0
