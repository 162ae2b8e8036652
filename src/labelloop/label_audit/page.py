"""The report of an audit as a page."""

from markupsafe import Markup

from labelloop.label_audit.findings import AuditReport, ClassFinding, Kind, Share
from labelloop.label_audit.words import (
    certificate_sentences,
    judge_sentences,
    opinions_sentence,
    promise_sentence,
    seed_sentence,
    with_interval,
)
from labelloop.reporting.drawing import Drawing, Scale, nice_ticks
from labelloop.reporting.page import render_page
from labelloop.reporting.parts import Cell, Figure, Headline, Key, Section, Table, Tile
from labelloop.reporting.text import count, counted, percent, printable, short_percent

_NAME = 28
_MOST_DRAWN = 24
_ROW = 30
_WIDTH, _NAMES_WIDTH, _MARGIN = 430, 150, 16
_WHO = (("human", "labeled by people"), ("auto", "given labels kept"), ("open", "without a label"))


def render_audit(report: AuditReport) -> str:
    """One self-contained HTML page."""
    sections = (_judge(report), _classes(report), _kinds(report), _batches(report), _rests_on(report))
    return render_page(_headline(report), [section for section in sections if section is not None])


def _headline(report: AuditReport) -> Headline:
    counts, certificate = report.counts, report.certificate
    sentences = certificate_sentences(report)
    error = certificate.promised_error if certificate else report.target_error
    promise = promise_sentence(report.certificate_for, error)
    sentence = (
        f"{promise[0].upper()}{promise[1:]}, with {short_percent(report.confidence)} confidence."
        if certificate
        else f"No certificate that {promise}."
    )
    objects = {"human": counts.human, "auto": counts.auto, "open": counts.without_a_label}
    return Headline(
        execution=printable(report.file),
        sentence=sentence,
        grounds=sentences[1:] if certificate else sentences,
        certified=certificate is not None,
        tiles=_tiles(report),
        bar=_bar(objects),
        legend=[Key(mark, f"{words}: {count(objects[mark])}") for mark, words in _WHO if objects[mark]],
        kind="audit of given labels",
        subject="Audit of",
    )


def _tiles(report: AuditReport) -> list[Tile]:
    counts = report.counts
    asked = f"{count(report.answers)} answers" + (
        f"; {count(report.planned.answers)} were foreseen" if report.planned else ""
    )
    tiles = [
        Tile(
            "Labels by people",
            count(counts.human),
            f"{percent(counts.human_share)} of {count(counts.input)} rows; {asked}",
            "human",
        ),
        Tile("Given labels kept", count(counts.auto), f"{percent(counts.auto_share)} of the rows", "auto"),
    ]
    if report.given_error is not None:
        error = report.given_error
        note = f"{short_percent(report.confidence)} interval: {percent(error.low)} to {percent(error.high)}"
        tiles.append(Tile("Given labels that are wrong", percent(error.estimate), note))
    tiles.append(Tile("Labels changed", count(report.corrections), "where people and the given label differ"))
    if report.final_error is not None:
        note = "of the final labels, compared with the truth column"
        tiles.append(Tile("Truly wrong", percent(report.final_error, 2), note))
    return tiles


def _bar(objects: dict[str, int]) -> Markup:
    total = sum(objects.values())
    shares = ", ".join(f"{count(objects[mark])} {words}" for mark, words in _WHO)
    drawing = Drawing(f"Of {count(total)} rows: {shares}", width=720, height=14, stretched=True)
    left = 0.0
    for mark, words in _WHO:
        width = 720 * objects[mark] / max(1, total)
        drawing.rect(left, 0, width, 14, mark, f"{count(objects[mark])} {words}")
        left += width
    return drawing.markup()


def _judge(report: AuditReport) -> Section | None:
    if report.judge is None:
        return None
    return Section(
        "judge", "The labels as a judge's verdicts", judge_sentences(report.judge, report.confidence)
    )


def _classes(report: AuditReport) -> Section | None:
    text = (
        "How often each class is given, how often it is true, and how many of its given labels are wrong. "
        f"In brackets: {short_percent(report.confidence)} intervals from the rows drawn at random, each "
        "weighted by the inverse of its chance to be drawn. Each one holds whenever the audit stops; "
        "together they are less sure than one by itself."
    )
    rows: list[list[Cell | str]] = [
        [
            Cell(printable(found.name, _NAME), from_outside=True),
            count(found.given),
            percent(found.given_share),
            with_interval(found.true_share),
            with_interval(found.given_error) if found.given_error else "none given",
        ]
        for found in report.by_class
    ]
    columns = ["Class", "Given", "Share given", "True share", "Wrong, of those given"]
    table = Table("Given and true classes", columns, rows, frozenset({1, 2, 3, 4}))
    figures = [_class_figure(report)] if len(report.by_class) <= _MOST_DRAWN else []
    return Section("classes", "Class by class", [text], figures=figures, tables=[table])


def _class_figure(report: AuditReport) -> Figure:
    found = report.by_class
    shares = [(one.name, one.true_share, one.given_share) for one in found]
    rows: list[list[Cell | str]] = [
        [Cell(printable(name, _NAME), from_outside=True), with_interval(share), percent(given)]
        for name, share, given in shares
    ]
    return Figure(
        "True share of each class",
        _intervals("True share of each class", shares),
        "The dot is the estimate, the band its interval; the line is the share of the given labels.",
        Table("True share of each class", ["Class", "True share", "Share given"], rows, frozenset({1, 2})),
        (Key("human", "true share"), Key("threshold", "share given")),
        wide=True,
    )


def _intervals(title: str, shares: list[tuple[str, Share, float]]) -> Markup:
    height = _ROW * len(shares) + 34
    drawing = Drawing(title, width=_WIDTH, height=height)
    most = max(max(share.high, given) for _, share, given in shares)
    scale = Scale(0, max(0.01, most), _NAMES_WIDTH, _WIDTH - _MARGIN)
    foot = _ROW * len(shares) + 6
    for tick in nice_ticks(0, scale.high, 4):
        drawing.line([(scale(tick), 4), (scale(tick), foot)], "grid")
        drawing.text((scale(tick), foot + 16), short_percent(tick), "tick middle")
    for number, (name, share, given) in enumerate(shares):
        middle = _ROW * number + _ROW / 2 + 2
        drawing.text((_NAMES_WIDTH - 10, middle + 4), printable(name, 20), "tick end")
        drawing.line([(scale(share.low), middle), (scale(share.high), middle)], "whisker")
        drawing.line([(scale(given), middle - 9), (scale(given), middle + 9)], "threshold")
        drawing.dot((scale(share.estimate), middle), "point", f"{name}: {with_interval(share)}")
    return drawing.markup()


def _kinds(report: AuditReport) -> Section | None:
    known = [kind for kind in report.kinds if kind.checked]
    if not known:
        return None
    worst = known[0]
    text = (
        "Rows by given label and confidence. “Wrong” is the share of the given labels that are wrong: "
        "people's answers, where drawn rows also stand for those that nobody looked at. The kinds with the "
        "most wrong labels come first."
    )
    sentences = [text]
    if worst.share_wrong:
        sentences.append(
            f"The most wrong labels are among the {counted(worst.objects, 'row')} given as "
            f"“{printable(worst.label, _NAME)}”{_with_confidence(worst)}: about "
            f"{percent(worst.share_wrong, 0)} of them are wrong."
        )
    rows: list[list[Cell | str]] = [
        [
            Cell(printable(kind.label, _NAME), from_outside=True),
            kind.confidence or "not stated",
            count(kind.objects),
            count(kind.checked),
            count(kind.wrong),
            Cell(
                "not known" if kind.share_wrong is None else percent(kind.share_wrong, 0),
                shade=round(10 * (kind.share_wrong or 0)),
            ),
        ]
        for kind in report.kinds
    ]
    columns = ["Given label", "Confidence", "Rows", "Looked at", "Found wrong", "Wrong"]
    title, numeric = "Where the given labels are wrong", frozenset({2, 3, 4, 5})
    rest = [Table("The other kinds", columns, rows[_MOST_DRAWN:], numeric)] if len(rows) > _MOST_DRAWN else []
    first = Table(title, columns, rows[:_MOST_DRAWN], numeric)
    return Section("kinds", title, sentences, tables=[first], folded_tables=rest)


def _with_confidence(kind: Kind) -> str:
    return f" with a confidence of {kind.confidence}" if kind.confidence.endswith("%") else ""


def _batches(report: AuditReport) -> Section | None:
    if not report.rounds:
        return None
    rows = [
        [
            str(record.round),
            count(record.sent_to_people),
            "" if record.expected_error is None else percent(record.expected_error),
            ""
            if record.test is None
            else f"{count(record.test.wrong)} of {count(record.test.drawn)}"
            + (f", {count(record.test.unsettled)} in dispute" if record.test.unsettled else ""),
            "" if record.test is None else record.test.verdict.lower(),
            count(record.counts.human_labels),
        ]
        for record in report.rounds
    ]
    columns = ["Batch", "Asked", "Expected wrong", "Wrong of those drawn", "Test", "Labeled by people"]
    table = Table("Batch by batch", columns, rows, frozenset({1, 2, 3, 5}))
    text = (
        "“Expected wrong” is what was expected, before the batch, of the labels that would be kept. A test "
        "draws its rows at random, so it also finds what nobody expected."
    )
    return Section("batches", "How it went", [text], folded_tables=[table])


def _rests_on(report: AuditReport) -> Section:
    sentences = [seed_sentence(report), opinions_sentence(report)]
    if report.people == "simulated":
        sentences.append("People were simulated: they answered with the truth column.")
    if report.stopped_because:
        sentences.append(f"The audit ended because {printable(report.stopped_because, 400)}.")
    sentences += [printable(note, 400) for note in report.notes]
    return Section("basis", "What it rests on", sentences)


def class_sentence(found: ClassFinding) -> str:
    """A class in one line, for the terminal."""
    error = f"; {with_interval(found.given_error)} of those given are wrong" if found.given_error else ""
    return f"{found.name}: truly {with_interval(found.true_share)}, given {percent(found.given_share)}{error}"
