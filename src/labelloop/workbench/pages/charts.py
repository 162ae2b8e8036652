"""The page `/answers/charts`: classes, confusion between people, and the time that an object takes."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from markupsafe import Markup
from starlette.responses import HTMLResponse, Response

from labelloop.reporting.drawing import Drawing, Plot
from labelloop.reporting.parts import Figure, Table
from labelloop.reporting.text import count, counted, percent, printable, seconds
from labelloop.workbench.answer_numbers import AnswerNumbers, numbers_of_answers
from labelloop.workbench.pages.answers_view import name_of_batch
from labelloop.workbench.pages.rendering import page, session_or_refusal
from labelloop.workbench.service import Workbench
from labelloop.workbench.sessions import REVIEWER
from labelloop.workbench.tasks import Batch

_MOST_PAIRS = 20
_LONGEST_CLASS = 100
_BAR = (100.0, 10.0)
# Upper ends of the bars, in seconds.
_DURATIONS = (1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 20.0, 30.0, 60.0)
router = APIRouter(default_response_class=HTMLResponse)


@dataclass(frozen=True)
class ClassRow:
    """A class: its answers as a bar and in numbers. `took` is empty where no duration is known."""

    name: str
    address: str
    bar: Markup
    answers: str
    share: str
    took: str


@dataclass(frozen=True)
class PairRow:
    """Two classes that people confuse."""

    one: str
    other: str
    address: str
    bar: Markup
    times: str
    share: str


@dataclass(frozen=True)
class ChartsView:
    """The page; without answers, `told` says so and the rest is empty."""

    told: str
    classes: Sequence[ClassRow]
    pairs: Sequence[PairRow]
    of_pairs: str
    durations: Figure | None


@router.get("/answers/charts")
def charts(request: Request, batch: Annotated[str, Query(max_length=256)] = "") -> Response:
    """In the run of the given batch, or of the one that people label now."""
    session = session_or_refusal(request, REVIEWER)
    if isinstance(session, Response):
        return session
    workbench: Workbench = request.app.state.workbench
    store = workbench.store
    shown = workbench.shown_batch(batch)
    numbers = numbers_of_answers(store, shown) if shown else None
    return page("charts.html.j2", session, view=charts_view(shown, numbers))


def charts_view(batch: Batch | None, numbers: AnswerNumbers | None) -> ChartsView:
    """All texts from outside are safe to show."""
    if batch is None or numbers is None or not sum(numbers.answers.values()):
        return ChartsView("Nobody has answered yet.", [], [], "", None)
    return ChartsView(
        told=_told(batch, numbers),
        classes=_classes(numbers),
        pairs=_pairs(numbers),
        of_pairs=_of_pairs(numbers),
        durations=_durations(numbers.seconds),
    )


def _told(batch: Batch, numbers: AnswerNumbers) -> str:
    answers = counted(sum(numbers.answers.values()), "answer")
    where = name_of_batch(batch)
    if numbers.batches > 1:
        part = "" if numbers.is_whole else "the last "
        where += f", and {part}{counted(numbers.batches - 1, 'batch', 'batches')} before it"
    return (
        f"{answers} ({where}). Which objects people see is chosen, so these are not the shares of all data."
    )


def _classes(numbers: AnswerNumbers) -> list[ClassRow]:
    whole, most = sum(numbers.answers.values()), max(numbers.answers.values())
    in_order = sorted(numbers.answers.items(), key=lambda item: -item[1])
    return [
        ClassRow(
            name=printable(name, _LONGEST_CLASS),
            address=f"/answers?{urlencode({'class': name})}",
            bar=_bar(given / most, "human"),
            answers=count(given),
            share=percent(given / whole, 0),
            took=seconds(numbers.seconds_of_class[name]) if name in numbers.seconds_of_class else "",
        )
        for name, given in in_order
    ]


def _pairs(numbers: AnswerNumbers) -> list[PairRow]:
    in_order = sorted(numbers.confused.items(), key=lambda item: (-item[1], item[0]))[:_MOST_PAIRS]
    most = max(numbers.confused.values(), default=0)
    return [
        PairRow(
            one=printable(one, _LONGEST_CLASS),
            other=printable(other, _LONGEST_CLASS),
            address=f"/answers?{urlencode({'class': one, 'kind': 'disagreement'})}",
            bar=_bar(times / most, "failed"),
            times=count(times),
            share=percent(times / (times + numbers.same.get(one, 0) + numbers.same.get(other, 0)), 0),
        )
        for (one, other), times in in_order
    ]


def _of_pairs(numbers: AnswerNumbers) -> str:
    if not numbers.compared:
        return "No object has answers of two people, so there is nothing to compare."
    if not numbers.confused:
        return f"In {counted(numbers.compared, 'comparison')} of two answers, people never differed."
    rest = len(numbers.confused) - _MOST_PAIRS
    more = f" {counted(rest, 'pair')} more, each less often." if rest > 0 else ""
    return (
        f"Two people answered about the same object {counted(numbers.compared, 'time')}, and differed "
        f"{_times(sum(numbers.confused.values()))}. The share is of the times when either class was "
        f"agreed on or the two were confused.{more}"
    )


def _times(number: int) -> str:
    return "once" if number == 1 else counted(number, "time")


def _bar(share: float, mark: str) -> Markup:
    drawing = Drawing(percent(share, 0), *_BAR, stretched=True)
    drawing.rect(0, 0, _BAR[0] * share, _BAR[1], mark)
    return drawing.markup()


def _durations(known: Sequence[float]) -> Figure | None:
    if not known:
        return None
    bins = [0] * (len(_DURATIONS) + 1)
    for duration in known:
        bins[bisect_right(_DURATIONS, duration)] += 1
    names = [
        *(f"{low:g}–{high:g} s" for low, high in zip((0.0, *_DURATIONS), _DURATIONS, strict=False)),
        f"over {_DURATIONS[-1]:g} s",
    ]
    median = sorted(known)[len(known) // 2]
    plot = Plot(
        f"How long {counted(len(known), 'answer')} took: half of them less than {seconds(median)}",
        (0, len(bins)),
        (0, max(bins)),
    )
    plot.y_axis(count, whole=True)
    for number, answers in enumerate(bins):
        left, right = plot.x(number), plot.x(number + 1)
        top = plot.y(answers)
        plot.rect(
            left + 1, top, right - left - 2, plot.y(0) - top, "human", f"{names[number]}: {count(answers)}"
        )
    edges = [(plot.x(number + 1), f"{edge:g}") for number, edge in enumerate(_DURATIONS)]
    plot.x_axis("seconds; each bar begins where the one before ends", edges)
    rows = [[name, count(answers)] for name, answers in zip(names, bins, strict=True)]
    return Figure(
        "Time an object",
        plot.markup(),
        f"Half of the answers took less than {seconds(median)}. It is the time that a page was in front.",
        Table("Answers by their duration", ["Duration", "Answers"], rows, frozenset({1})),
    )
