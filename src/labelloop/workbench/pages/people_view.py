"""The texts of the page of people. All texts from outside are safe to show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from labelloop.reporting.text import count, counted, percent, printable, seconds
from labelloop.workbench.pages.answers_view import name_of_batch
from labelloop.workbench.people_report import (
    LEAST_SECONDS,
    LETTERS_A_SECOND,
    LETTERS_READ,
    PeopleReport,
    PersonReport,
)
from labelloop.workbench.service import NOT_DISCARDABLE
from labelloop.workbench.sessions import SHARED
from labelloop.workbench.tasks import Batch, Member, iso

_LONGEST_NAME = 64
ROLES = (
    ("annotator", "Annotator", "labels"),
    ("reviewer", "Reviewer", "also sees all answers, and decides what people disagree about"),
    ("owner", "Owner", "can do all of it: also pause, close, and invite"),
)
RULE = (
    f"An answer is too fast if it took less than {seconds(LEAST_SECONDS)}, plus {seconds(1)} for each "
    f"{LETTERS_A_SECOND:.0f} letters of the text, of which at most {LETTERS_READ} count. That is twice as "
    "fast as people skim. There is a warning from 5 such answers on, if they are a tenth of all."
)


@dataclass(frozen=True)
class Addresses:
    """On a laptop: the address that people share, empty where it is closed.

    `is_alone`: whether no other machine reaches the workbench.
    """

    shared: str
    is_alone: bool


@dataclass(frozen=True)
class PersonView:
    """A person: `id` is what answers are stored under. Empty texts are not shown."""

    id: str
    name: str
    role: str
    invited: str  # when the link was made that works now
    is_withdrawn: bool
    is_paused: bool
    is_visitor: bool
    facts: Sequence[tuple[str, str, str]]  # name, number, note
    seen: str
    warning: str
    answers: str  # the address of this person's answers
    discard: str  # what a button offers to discard


@dataclass(frozen=True)
class PeopleView:
    """The page; without `addresses`, people are invited elsewhere."""

    roles: Sequence[tuple[str, str, str]]
    addresses: Addresses | None
    people: Sequence[PersonView]
    batch: str
    told: Sequence[str]
    rule: str


def people_view(
    batch: Batch | None,
    report: PeopleReport | None,
    members: Sequence[Member],
    names: Mapping[str, str],
    addresses: Addresses | None,
    *,
    visitor: str,
) -> PeopleView:
    """`batch` is the newest of those that the report is about. `names` are names by identity, or by key."""
    reports = report.people if report else {}
    settled = {member.id: member for member in members if member.id != SHARED}
    everybody = sorted(
        {*reports, *settled}, key=lambda identity: (names.get(identity, identity).casefold(), identity)
    )
    can_discard = batch is not None and batch.state in ("open", "paused") and batch.decidable
    return PeopleView(
        roles=ROLES,
        addresses=addresses,
        people=[
            _person(
                names.get(identity, identity),
                reports.get(identity) or PersonReport(identity),
                settled.get(identity) or Member(id=identity),
                can_discard=can_discard,
                is_visitor=identity == visitor,
            )
            for identity in everybody
        ],
        batch=batch.id if batch else "",
        told=_told(batch, report),
        rule=RULE if reports else "",
    )


def _told(batch: Batch | None, report: PeopleReport | None) -> list[str]:
    if batch is None or report is None or not report.people:
        return []
    part = "" if report.is_whole else "the last "
    of = f"{name_of_batch(batch)}, and {part}{counted(report.batches - 1, 'batch', 'batches')} before it"
    told = [f"Counted over {of if report.batches > 1 else name_of_batch(batch)}."]
    if batch.state not in ("open", "paused"):
        return [
            *told,
            "No batch is open. Answers of closed batches are not touched: their labels are merged.",
        ]
    if not batch.decidable:
        return [*told, f"{NOT_DISCARDABLE[0].upper()}{NOT_DISCARDABLE[1:]}."]
    return [
        *told,
        "Others can be asked again about what a person said in the open batch. Answers of closed batches are "
        "not touched: their labels are merged.",
    ]


def _person(
    name: str, report: PersonReport, member: Member, *, can_discard: bool, is_visitor: bool
) -> PersonView:
    return PersonView(
        id=member.id,
        name=printable(name, _LONGEST_NAME),
        role=member.role or "",
        invited=iso(member.invited) if member.link and member.invited else "",
        is_withdrawn=member.withdrawn,
        is_paused=member.paused,
        is_visitor=is_visitor,
        facts=_facts(report),
        seen=iso(report.seen) if report.seen else "",
        warning=_warning(report),
        answers=f"/answers?{urlencode({'person': name})}" if report.answers or report.skips else "",
        discard=counted(report.in_newest, "answer") if can_discard and report.in_newest else "",
    )


def _facts(report: PersonReport) -> list[tuple[str, str, str]]:
    if not (report.answers or report.skips or report.discarded):
        return []
    notes = [counted(report.skips, "skip")] * (report.skips > 0)
    notes += [f"{count(report.discarded)} discarded"] * (report.discarded > 0)
    facts = [("Answers", count(report.answers), ", ".join(notes))]
    if report.median_seconds is not None:
        facts.append(("An answer takes", seconds(report.median_seconds), "the median"))
    if report.compared:
        share = percent(report.agreed / report.compared, 0)
        facts.append(("Others agree", share, f"of {counted(report.compared, 'comparison')}"))
    if report.gold:
        facts.append(
            ("Gold objects", percent(report.gold_right / report.gold, 0), f"of {count(report.gold)} right")
        )
    return facts


def _warning(report: PersonReport) -> str:
    if not report.is_too_fast:
        return ""
    return (
        f"{count(report.too_fast)} of {counted(len(report.seconds), 'answer')} came faster than anybody can "
        "read the objects."
    )
