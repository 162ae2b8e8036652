"""The texts and drawings of the run's page, from the document of `GET /api/run`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from labelloop.core.records import Certificate
from labelloop.reporting.curves import accuracy_range, mark_rounds, plot_over_labels
from labelloop.reporting.drawing import Drawing
from labelloop.reporting.parts import Cell, Figure, Key, Table, Tile
from labelloop.reporting.text import count, counted, percent, printable, short_percent
from labelloop.workbench.run_so_far import FinishedRound, ObjectCounts, RunSoFar
from labelloop.workbench.tasks import place_of

_BAR = (720, 14)
_RELIABLE = 0.8
_FEW_RIGHT = " That is low: are the instructions clear, and the gold labels right?"


@dataclass(frozen=True)
class _LedgerPart:
    css: str  # the class in the style sheet
    words: str
    objects: int


@dataclass(frozen=True)
class Action:
    """A button: the API call it makes, and whether to ask for confirmation first."""

    id: str
    text: str
    dangerous: bool = False


@dataclass(frozen=True)
class RunChoice:
    """One of several runs with an open batch."""

    batch: str
    name: str
    note: str
    shown: bool


@dataclass(frozen=True)
class BatchView:
    """The batch that people are labeling."""

    id: str
    name: str
    total: int
    done: int
    tiles: Sequence[Tile]
    actions: Sequence[Action]
    to_decide: str  # the link to what people disagree about; empty if there is nothing to decide


@dataclass(frozen=True)
class LedgerView:
    """The state of all data objects."""

    objects: str
    bar: Markup
    legend: Sequence[Key]


@dataclass(frozen=True)
class RunView:
    """Everything that the page says. All texts from outside are safe to show.

    Without a ledger there is no run: people label a manifest, and no model learns from it.
    """

    name: str
    choices: Sequence[RunChoice]
    over: bool  # the workbench will stop soon, and the page need not ask again
    mark: str
    sentence: str
    details: Sequence[str]
    ledger: LedgerView | None
    certificate: Sequence[str]
    curve: Figure | None
    batch: BatchView | None
    annotators: Table | None
    quality: Sequence[str]
    flagged: str  # the link to what people flagged; empty if there is nothing
    skipped: Table | None


def run_view(document: dict[str, Any]) -> RunView:
    """`document` follows the API's contract. Parts that it lacks are missing on the page too."""
    run = RunSoFar.model_validate(document["run"]) if document.get("run") else None
    mark, sentence, details = _state(run, document)
    return RunView(
        name=_name(run, document),
        choices=_choices(document),
        over=bool(document.get("over")),
        mark=mark,
        sentence=sentence,
        details=details,
        ledger=_ledger(run.counts) if run else None,
        certificate=_certificate(run.certificate if run else None),
        curve=_curve(run.rounds if run else ()),
        batch=_batch(document),
        annotators=_annotators(document.get("annotators") or ()),
        quality=_quality(document),
        flagged=counted(document["flagged"], "flagged object") if document.get("flagged") else "",
        skipped=_skipped(document.get("skipped") or ()),
    )


def _name(run: RunSoFar | None, document: dict[str, Any]) -> str:
    batch = document.get("batch") or {}
    return printable((run and run.name) or batch.get("run") or batch.get("title") or "")


def _name_of_batch(batch: dict[str, Any]) -> str:
    run = batch.get("run")
    return printable(f"{_lower(_place(batch))} of {run}" if run else str(batch.get("title") or ""))


def _place(batch: dict[str, Any]) -> str:
    return place_of(batch["round"], ahead=bool(batch.get("ahead")))


def _lower(words: str) -> str:
    return words[0].lower() + words[1:]


def _choices(document: dict[str, Any]) -> list[RunChoice]:
    """The runs that can be chosen; none if no other is open than the one shown."""
    shown, running = (document.get("batch") or {}).get("id"), document.get("running") or ()
    if all(one["id"] == shown for one in running):
        return []
    return [
        RunChoice(
            batch=str(one["id"]),
            name=printable(one.get("run") or one.get("title") or ""),
            note=_note_on(one),
            shown=one["id"] == shown,
        )
        for one in running
    ]


def _note_on(batch: dict[str, Any]) -> str:
    told = f"{_lower(_place(batch))}, {batch['state']}"
    return f"{told}; its run has ended" if batch.get("orphaned") else told


def _state(run: RunSoFar | None, document: dict[str, Any]) -> tuple[str, str, list[str]]:
    batch = document.get("batch")
    ended = run.ended if run else None
    if ended or document.get("over"):
        told = [printable(ended, 400)] if ended else _how_last_ended(document)
        return "done", "The run has ended." if run else "The work is over.", told
    if not batch or batch.get("state") in ("closed", "done", None):
        whose = "The model is at work. " if run else ""
        return "wait", f"{whose}There is nothing to label now.", _how_last_ended(document)
    progress = _progress(document)
    left = max(0, progress["total"] - progress["done"])
    if batch["state"] == "paused":
        held = (
            "People get no new objects until you resume it. Answers to objects they already have still count."
        )
        place = f"Labeling {_lower(_place(batch))}" if batch.get("ahead") else _place(batch)
        return "paused", f"{place} is paused." if run else "Labeling is paused.", [held]
    of_round = f"{_place(batch)}: " if run else ""
    meanwhile = ["People go on with these while the model learns."] if batch.get("ahead") else []
    return "open", f"{of_round}{counted(left, 'object')} for people to label.", meanwhile


def _how_last_ended(document: dict[str, Any]) -> list[str]:
    because, progress = (document.get("batch") or {}).get("closed_because"), _progress(document)
    if not because:
        return []
    told = f"The last batch ended: {printable(because, 200)}."
    if progress["total"]:
        skips = f", with {counted(progress['skipped'], 'skip')}" if progress["skipped"] else ""
        told += f" {count(progress['done'])} of {counted(progress['total'], 'object')} done{skips}."
    return [told]


def _progress(document: dict[str, Any]) -> dict[str, int]:
    return {"total": 0, "done": 0, "skipped": 0, **(document.get("progress") or {})}


def _ledger(counts: ObjectCounts) -> LedgerView:
    parts = _ledger_parts(counts)
    keys = [Key(part.css, f"{part.words}: {count(part.objects)}") for part in parts if part.objects]
    return LedgerView(count(counts.input), _ledger_bar(counts.input, parts), keys)


def _ledger_parts(counts: ObjectCounts) -> list[_LedgerPart]:
    """In the order of the bar."""
    return [
        _LedgerPart("human", "labeled by people", counts.trained_on),
        _LedgerPart("validation", "labeled by people, not trained on", counts.validation),
        _LedgerPart("auto", "labeled by the model", counts.auto),
        _LedgerPart("failed", "impossible to label", counts.failed),
        _LedgerPart("ahead", "with people while the model learns", counts.ahead),
        _LedgerPart("open", "in the pool", counts.pool),
    ]


def _ledger_bar(whole: int, parts: Sequence[_LedgerPart]) -> Markup:
    drawing = Drawing(
        f"Of {counted(whole, 'data object')}: "
        + ", ".join(f"{count(part.objects)} {part.words}" for part in parts),
        *_BAR,
        stretched=True,
    )
    left = 0.0
    for part in parts:
        width = _BAR[0] * part.objects / whole if whole else 0.0
        drawing.rect(left, 0, width, _BAR[1], part.css, f"{count(part.objects)} {part.words}")
        left += width
    return drawing.markup()


def _certificate(certificate: Certificate | None) -> list[str]:
    if certificate is None:
        return [
            "None yet. The model labels nothing until people have checked some of its labels, drawn at "
            "random, and few enough were wrong."
        ]
    whose = "all labels" if certificate.is_of_dataset else "the auto-labels"
    told = [
        f"Error among {whose}: at most {short_percent(certificate.promised_error)}, with "
        f"{short_percent(certificate.confidence)} confidence."
    ]
    if certificate.validation_objects:
        told.append(
            f"People checked {counted(certificate.validation_objects, 'label')} of the model, drawn "
            f"at random: {count(certificate.validation_errors)} wrong."
        )
    return told


def _batch(document: dict[str, Any]) -> BatchView | None:
    batch = document.get("batch")
    if not batch or batch.get("state") not in ("open", "paused"):
        return None
    progress = _progress(document)
    pace = sum(row.get("per_minute") or 0.0 for row in document.get("annotators") or ())
    tiles = [
        Tile("Objects", f"{count(progress['done'])} of {count(progress['total'])}", _of_objects(document)),
        Tile("Pace", f"{pace:.1f}" if pace else "—", "answers a minute, all together"),
        _end_tile(document),
        *_deadline_tiles(batch.get("ends_at")),
    ]
    return BatchView(
        id=str(batch["id"]),
        name=_name_of_batch(batch),
        total=progress["total"],
        done=progress["done"],
        tiles=tiles,
        actions=_actions(
            batch["state"], document.get("disagreements") or 0, may_last_longer=bool(batch.get("ends_at"))
        ),
        to_decide=_to_decide(document),
    )


def _to_decide(document: dict[str, Any]) -> str:
    number = document.get("disagreements") or 0
    if not number or not document["batch"].get("decidable"):
        return ""
    return f"Decide {counted(number, 'disagreement')}"


def _of_objects(document: dict[str, Any]) -> str:
    skipped, gold = _progress(document)["skipped"], (document.get("gold") or {}).get("objects")
    # Skips are counted separately: one person may have skipped an object that others must still answer.
    skips = f"{counted(skipped, 'skip')} so far" if skipped else "no skips"
    return f"{count(gold)} of them gold; {skips}" if gold else skips


def _end_tile(document: dict[str, Any]) -> Tile:
    end = document.get("expected_end")
    if not end:
        return Tile("Expected end", "—", "known once people have answered for a while")
    # The browser writes it in its own time zone.
    moment = Markup('<time datetime="{0}">{0}</time>').format(str(end))
    return Tile("Expected end", moment, "at this pace")


def _deadline_tiles(ends_at: str | None) -> list[Tile]:
    if not ends_at:
        return []
    moment = Markup('<time datetime="{0}">{0}</time>').format(str(ends_at))
    return [Tile("Deadline", moment, "then the labels so far count")]


def _actions(state: str, disagreements: int, *, may_last_longer: bool) -> list[Action]:
    actions = [Action("resume", "Resume") if state == "paused" else Action("pause", "Pause")]
    if disagreements:
        text = f"Ask one more person about {counted(disagreements, 'disagreement')}"
        actions.append(Action("ask-again", text))
    if may_last_longer:
        actions += [Action("longer-1", "A day longer"), Action("longer-7", "A week longer")]
    return [*actions, Action("close", "Close early…", dangerous=True)]


def _annotators(rows: Sequence[dict[str, Any]]) -> Table | None:
    if not rows:
        return None
    columns = ["Name", "Answers", "Skips", "A minute", "Estimated accuracy", "On gold objects"]
    cells: list[list[Cell | str]] = [
        [
            Cell(printable(row["name"], 64), from_outside=True),
            count(row.get("answers") or 0),
            count(row.get("skips") or 0),
            _number(row.get("per_minute")),
            _share(row.get("accuracy_estimate")),
            _share(row.get("gold_accuracy")),
        ]
        for row in rows
    ]
    return Table("The batch by annotator", columns, cells, frozenset({1, 2, 3, 4, 5}))


def _quality(document: dict[str, Any]) -> list[str]:
    told = []
    agreement = document.get("agreement")
    if agreement is not None:
        told.append(
            f"Agreement (Krippendorff's alpha): {agreement:.2f}. 1 is perfect, 0 is what chance would give. "
            "From 0.8 on, answers are usually called reliable."
        )
    told += _disagreements(document)
    gold = document.get("gold") or {}
    if gold.get("answers"):
        told.append(
            "Gold objects have known labels, and are mixed in to see how well people label: "
            f"{percent(gold['accuracy'])} of {counted(gold['answers'], 'answer')} right."
            + (_FEW_RIGHT if gold["accuracy"] < _RELIABLE else "")
        )
    again = document.get("relabeled") or {}
    if again.get("answered"):
        told.append(
            f"Labels reviewed because the model contradicts them: {count(again['answered'])} of "
            f"{count(again['objects'])} answered, {count(again['confirmed'])} confirmed, "
            f"{count(again['changed'])} changed."
        )
    return told


def _disagreements(document: dict[str, Any]) -> list[str]:
    settled, waiting = (document.get(key) or 0 for key in ("disagreements", "disagreements_being_settled"))
    told = []
    if settled:
        told.append(f"People disagree about {counted(settled, 'object')} with all answers.")
    if waiting:
        told.append(f"People disagree about {counted(waiting, 'object')}, and one more person is asked.")
    return told


def _skipped(rows: Sequence[dict[str, Any]]) -> Table | None:
    if not rows:
        return None
    cells: list[list[Cell | str]] = [
        [
            str(row.get("line", "")),
            Cell(printable(row.get("reason") or "no reason given"), from_outside=True),
            Cell(printable(row.get("by") or "", 64), from_outside=True),
        ]
        for row in rows
    ]
    return Table("Skipped objects", ["Line", "Reason", "By"], cells)


def _curve(rounds: Sequence[FinishedRound]) -> Figure | None:
    known = [
        (row.round, row.human_labels, accuracy)
        for row in rounds
        if (accuracy := row.best_known_accuracy) is not None
    ]
    if not known:
        return None
    points = [(labels, accuracy) for _, labels, accuracy in known]
    plot = plot_over_labels(
        f"Accuracy, last {percent(points[-1][1])} with {count(points[-1][0])} labels by people",
        points,
        accuracy_range([accuracy for _, accuracy in points]),
    )
    plot.curve(points, "curve")
    mark_rounds(plot, [number for number, _, _ in known], points, "point")
    rows = [[str(number), count(labels), percent(accuracy)] for number, labels, accuracy in known]
    columns = ["Round", "Labels by people", "Accuracy"]
    table = Table("Accuracy by round", columns, rows, frozenset({1, 2}))
    note = (
        "The share of its labels that each round's model expects to be right. Under the policy blog, the "
        "share that it gets right of objects kept out of its training."
    )
    return Figure("Accuracy by labels from people", plot.markup(), note, table, [Key("curve", "accuracy")])


def _share(value: float | None) -> str:
    return "—" if value is None else percent(value)


def _number(value: float | None) -> str:
    return "—" if value is None else f"{value:.1f}"
