"""The texts of the pages of what people answered. All texts from outside are safe to show."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from urllib.parse import urlencode

from labelloop.reporting.text import counted, percent, printable, seconds
from labelloop.workbench.answer_search import Answered, Found, Kind, Search, is_of_kind
from labelloop.workbench.api import ImageUrls, public_id
from labelloop.workbench.comments import LONGEST_COMMENT
from labelloop.workbench.corrections import why_not
from labelloop.workbench.errors import RefusedError
from labelloop.workbench.tasks import Batch, Comment, Correction, Entry, Task, iso, place_of

_LONGEST_OBJECT = 100_000
_LONGEST_CLASS = 100
_GOES_WITH_THE_NEXT = "It goes into the run when the next batch is closed."
KINDS: dict[Kind, str] = {
    "": "All answers",
    "disagreement": "People disagree",
    "undecided": "To be decided",
    "decided": "Decided",
    "skipped": "Skipped",
    "again": "One more person was asked",
    "review": "Reviews of labels",
    "gold": "Gold objects",
    "discarded": "Answers were discarded",
    "flagged": "Flagged",
}
_MARKS: dict[Kind, str] = {
    "disagreement": "People disagree",
    "decided": "Decided",
    "skipped": "Skipped",
    "again": "One more was asked",
    "review": "Review",
    "gold": "Gold",
    "discarded": "An answer was discarded",
    "flagged": "Flagged",
}


@dataclass(frozen=True)
class Option:
    """An entry of a list to choose from."""

    value: str
    text: str
    chosen: bool


@dataclass(frozen=True)
class Choices:
    """What the lists of the search offer, apart from what is fixed."""

    batches: Sequence[Batch]
    classes: Sequence[str]
    people: Sequence[str]

    @classmethod
    def of(cls, batches: Sequence[Batch], names: Iterable[str]) -> "Choices":
        classes = dict.fromkeys(name for batch in batches for name in batch.classes)
        return cls(batches, list(classes), sorted(set(names), key=str.casefold))


@dataclass(frozen=True)
class AnswerView:
    """What one person said; `took` is empty where it is not known. `how` is empty for an answer.

    `guidelines` is the version that the person had; None where it is not known.
    """

    person: str
    said: str
    how: str
    time: str
    took: str
    guidelines: int | None = None


@dataclass(frozen=True)
class CommentView:
    """What somebody wrote about an object; a reply is `to` somebody, else empty."""

    person: str
    to: str
    text: str
    time: str


@dataclass(frozen=True)
class ToReply:
    """A person who flagged an object: the identity, and the name."""

    id: str
    name: str


@dataclass(frozen=True)
class ObjectView:
    """An object with the answers of one batch. `guess` is the model's label, if people saw it."""

    address: str
    text: str
    image: str | None
    where: str
    batch_name: str
    batch: str
    marks: Sequence[str]
    guess: str
    answers: Sequence[AnswerView]
    task: str  # the id that our API takes
    comments: Sequence[CommentView]
    to_reply: Sequence[ToReply]


@dataclass(frozen=True)
class SearchView:
    """The page of a search; addresses are empty where there is nothing to go to."""

    words: str
    classes: Sequence[Option]
    people: Sequence[Option]
    batches: Sequence[Option]
    kinds: Sequence[Option]
    confidences: Sequence[Option]
    newest_first: bool
    is_narrowed: bool
    objects: Sequence[ObjectView]
    told: str
    first: str
    more: str
    more_text: str
    download: str


@dataclass(frozen=True)
class CorrectionView:
    """Whether the label of a batch can be corrected, and how it was. `classes` is empty where it cannot."""

    classes: Sequence[Option]
    why_not: str
    told: str


@dataclass(frozen=True)
class HistoryView:
    """The page of one object, with what was said in each batch, the newest first.

    `no_reply` says by batch why nobody can reply there now, and `corrections` what is with its label.
    """

    text: str
    image: str | None
    name: str
    batches: Sequence[ObjectView]
    no_reply: Mapping[str, str]
    corrections: Mapping[str, CorrectionView]


def search_view(
    search: Search,
    found: Found,
    choices: Choices,
    names: Mapping[str, str],
    images: ImageUrls,
    *,
    is_first: bool,
) -> SearchView:
    batches = [(one.id, name_of_batch(one)) for one in choices.batches]
    confidences = [(str(share), f"at most {share}%") for share in (50, 60, 70, 80, 90, 95, 99)]
    shown = any(batch.show_guess for batch in choices.batches) or search.confidence is not None
    sure = "" if search.confidence is None else str(round(100 * search.confidence))
    return SearchView(
        words=search.words,
        classes=_options("Any class", [(name, name) for name in choices.classes], search.label),
        people=_options("Anybody", [(name, name) for name in choices.people], search.person),
        batches=_options("All batches", batches, search.batch),
        kinds=[Option(kind, text, kind == search.kind) for kind, text in KINDS.items()],
        confidences=_options("Any confidence", confidences, sure) if shown else (),
        newest_first=search.newest_first,
        is_narrowed=replace(search, newest_first=True) != Search(),
        objects=[_object(one, names, images) for one in found.hits],
        told=_told(search, found, is_first=is_first),
        first="" if is_first else _address(search),
        more=_address(search, str(found.stopped)) if found.stopped else "",
        more_text="Next page" if found.hits else "Search on",
        download=urlencode({"batch": search.batch}) if search.batch else "",
    )


def history_view(
    history: Sequence[Answered],
    names: Mapping[str, str],
    images: ImageUrls,
    no_reply: Callable[[Batch], str],
    correction: Callable[[Batch, Task], Correction | None],
) -> HistoryView:
    newest = history[0]
    return HistoryView(
        text=whole_text(newest),
        image=image_address(newest, images),
        name=_line(newest),
        batches=[_object(one, names, images) for one in history],
        no_reply={
            public_id(one.batch, one.task): no_reply(one.batch) for one in history if one.task.comments
        },
        corrections={
            public_id(one.batch, one.task): _correction(one, correction(one.batch, one.task), names)
            for one in history
            if one.batch.state == "closed" and one.batch.run_state_uri
        },
    )


def _correction(one: Answered, found: Correction | None, names: Mapping[str, str]) -> CorrectionView:
    hindrance = why_not(one.batch, one.task)
    told = ""
    if found is not None:
        who = printable(names.get(found.by, found.by), 64)
        by = printable(found.taken_by or "", _LONGEST_CLASS)
        if found.label is None:
            told = f"{who} wants others to be asked again. " + (
                f"The batch {by} asks them." if by else "The next batch asks them."
            )
        else:
            told = (
                f"{who} corrected the label from {class_name(one.batch, found.before)} to "
                f"{class_name(one.batch, found.label)}. "
                + (f"It went to the run with the batch {by}." if by else _GOES_WITH_THE_NEXT)
            )
    classes = [(str(number), name) for number, name in enumerate(one.batch.classes)]
    return CorrectionView(
        classes=[] if hindrance else _options("Choose a class", classes, ""),
        why_not=f"{hindrance[:1].upper()}{hindrance[1:]}." if hindrance else "",
        told=told,
    )


def whole_text(one: Answered) -> str:
    """The object, line by line."""
    lines = one.shown.words[:_LONGEST_OBJECT].splitlines() or [""]
    return "\n".join(printable(line, _LONGEST_OBJECT) for line in lines)


def _told(search: Search, found: Found, *, is_first: bool) -> str:
    if found.hits:
        count = counted(len(found.hits), "object")
        if found.stopped is not None:
            return f"{count} on this page. There are more to look through."
        return f"{count}{'.' if is_first else ' on this page.'}"
    if found.stopped is not None:
        return f"Nothing among {counted(found.looked_at, 'object')} so far. There are more to look through."
    if not is_first:
        return "That was all."
    if replace(search, newest_first=True) == Search():
        return "Nothing is answered yet. An object is listed once nobody is asked about it any more."
    return "Nothing found."


def _options(nothing: str, given: Sequence[tuple[str, str]], chosen: str) -> list[Option]:
    known = [("", nothing), *given]
    if chosen not in dict(known):
        known.append((chosen, chosen))
    return [Option(value, printable(text, _LONGEST_CLASS), value == chosen) for value, text in known]


def _address(search: Search, after: str = "") -> str:
    given = asdict(search)
    fields = {
        "text": search.words,
        "class": search.label,
        **{name: given[name] for name in ("person", "batch", "kind")},
        "confidence": "" if search.confidence is None else str(round(100 * search.confidence)),
        "order": "" if search.newest_first else "oldest",
        "after": after,
    }
    return f"/answers?{urlencode({name: value for name, value in fields.items() if value})}"


def _object(one: Answered, names: Mapping[str, str], images: ImageUrls) -> ObjectView:
    entries = sorted(one.task.entries.items(), key=lambda item: item[1].at)
    return ObjectView(
        address=f"/answers/object?{urlencode({'batch': one.batch.id, 'task': one.task.id})}",
        text=printable(one.shown.words) or "(no text)",
        image=image_address(one, images),
        where=_where(one),
        batch_name=name_of_batch(one.batch),
        batch=printable(one.batch.id, _LONGEST_CLASS),
        marks=[text for kind, text in _MARKS.items() if is_of_kind(kind, one.batch, one.task)],
        guess=_guess(one),
        answers=[
            _answer(one.batch, names.get(person, person), entry)
            for person, entry in entries
            if entry.kind != "lease"
        ]
        + _discarded(one, names)
        + _decision(one, names),
        task=public_id(one.batch, one.task),
        comments=[_comment(comment, names) for comment in one.task.comments],
        to_reply=[
            ToReply(person, printable(names.get(person, person), 64)) for person in one.task.flagged_by
        ],
    )


def _line(one: Answered) -> str:
    whose = "Gold line" if one.task.purpose == "gold" else "Line"
    return f"{whose} {one.task.object_id + 1:,}"


def _where(one: Answered) -> str:
    """A manifest that is labeled without a run is one batch, which need not be named at each object."""
    return f"{_line(one)}. {name_of_batch(one.batch)}" if one.batch.run_state_uri else _line(one)


def name_of_batch(batch: Batch) -> str:
    if batch.run_state_uri is None:
        return printable(batch.title, _LONGEST_CLASS)
    return f"{place_of(batch.round, ahead=batch.ahead)} of {printable(batch.run, _LONGEST_CLASS)}"


def _guess(one: Answered) -> str:
    if not one.batch.show_guess or one.shown.guess is None:
        return ""
    label, confidence = one.shown.guess
    return f"{class_name(one.batch, label)}, {percent(confidence, 0)} sure"


def _answer(batch: Batch, name: str, entry: Entry) -> AnswerView:
    said = class_name(batch, entry.label) if entry.label is not None else printable(entry.reason or "")
    return AnswerView(
        person=printable(name, 64),
        said=said,
        how="skipped: " if entry.kind == "skip" else "",
        time=iso(entry.at),
        took=seconds(entry.seconds) if entry.seconds else "",
        guidelines=entry.guidelines,
    )


def _discarded(one: Answered, names: Mapping[str, str]) -> list[AnswerView]:
    views = [(gone, names.get(gone.person, gone.person)) for gone in one.task.discarded]
    return [
        replace(
            _answer(one.batch, name, gone.entry),
            how=f"discarded{', skipped' * (gone.entry.kind == 'skip')}: ",
        )
        for gone, name in views
    ]


def _comment(comment: Comment, names: Mapping[str, str]) -> CommentView:
    return CommentView(
        person=printable(names.get(comment.by, comment.by), 64),
        to=printable(names.get(comment.to, comment.to), 64) if comment.to else "",
        text=printable(comment.text, LONGEST_COMMENT) or "(flagged without a comment)",
        time=iso(comment.at),
    )


def _decision(one: Answered, names: Mapping[str, str]) -> list[AnswerView]:
    decided = one.task.decided
    if decided is None:
        return []
    owner, said = printable(names.get(decided.by, decided.by), 64), class_name(one.batch, decided.label)
    return [AnswerView(owner, said, "decided: ", iso(decided.at), "")]


def class_name(batch: Batch, label: int) -> str:
    return printable(batch.classes[label], _LONGEST_CLASS)


def image_address(one: Answered, images: ImageUrls) -> str | None:
    if one.shown.source_ref is None:
        return None
    try:
        return images(one.shown.source_ref)
    except RefusedError:
        return None
