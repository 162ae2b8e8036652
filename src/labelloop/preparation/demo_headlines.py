"""Synthetic news headlines for the demo, the tests and the benchmarks.

No headline is real. They are made to be as hard as real data: unbalanced classes, a long tail of words and
names, headlines that belong to two classes or say nothing about their own, near duplicates, wrong labels, and
traces of careless handling: two ways to write quotes and dashes, stray quotes, truncated ends.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from labelloop.core.seeded_draws import SeededDraws
from labelloop.preparation import demo_words as words
from labelloop.preparation.source import LabeledText

DEFAULT_COUNT = 3000
CLASS_SHARES = {"business": 0.38, "entertainment": 0.30, "technology": 0.17, "health": 0.09, "science": 0.06}

_VOCABULARIES = {
    "business": words.BUSINESS,
    "entertainment": words.ENTERTAINMENT,
    "technology": words.TECHNOLOGY,
    "health": words.HEALTH,
    "science": words.SCIENCE,
}

_AMBIGUOUS = 0.10
_LABELED_BY_DEED = 0.7
_VAGUE = 0.02
_MISLABELED = 0.005
_NEAR_DUPLICATE = 0.04
_CUT_OFF = 0.07
_TYPOGRAPHIC = 0.03
_QUOTED = 0.03
_TAGGED = 0.12
_TITLE_CASE = 0.45
_TRAILED = 0.5
_WITHOUT_CAUSE = 0.3

_KNOWN_NAMES = 60
_KNOWN_NAME_SHARE = 0.6
_REMEMBERED = 200
_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class _Draft:
    """A headline before editing. `open_ended`: a trailer can follow it."""

    text: str
    label: str
    open_ended: bool


def demo_headlines(count: int = DEFAULT_COUNT, seed: int = 0) -> Iterator[LabeledText]:
    """Make `count` headlines with their labels. The same seed gives the same ones on every machine."""
    return _Newsroom(seed).headlines(count)


def write_demo_csv(
    path: Path, count: int = DEFAULT_COUNT, seed: int = 0, *, with_labels: bool = True
) -> None:
    """Write the headlines as a CSV file with the columns `id`, `title` and, with labels, `category`.

    Raises FileExistsError rather than replace a file.
    """
    columns = ("id", "title", "category")[: 3 if with_labels else 2]
    with path.open("x", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for number, row in enumerate(demo_headlines(count, seed), 1):
            writer.writerow((number, row.text, row.label)[: len(columns)])


class _Newsroom:
    """Writes headlines one after another; all its choices come from one stream of draws."""

    def __init__(self, seed: int) -> None:
        self._draws = SeededDraws(seed, 0)
        self._classes = tuple(CLASS_SHARES)
        self._cumulated = tuple(accumulate(CLASS_SHARES.values()))
        # Names that keep coming up, as in real news: each class has its own.
        self._people = {name: [self._new_person() for _ in range(_KNOWN_NAMES)] for name in self._classes}
        self._firms = {name: [self._new_firm(name) for _ in range(_KNOWN_NAMES)] for name in self._classes}
        self._recent: deque[_Draft] = deque(maxlen=_REMEMBERED)
        self._forms = (
            (0.42, self._actor_does),
            (0.64, self._things_move),
            (0.86, self._name_does),
            (1.0, self._about_topic),
        )

    def headlines(self, count: int) -> Iterator[LabeledText]:
        for _ in range(count):
            draft = self._draft()
            self._recent.append(draft)
            text = self._damaged(self._edited(draft))
            wrong = [other for other in self._classes if other != draft.label]
            yield LabeledText(
                text, self._draws.one_of(wrong) if self._draws.chance(_MISLABELED) else draft.label
            )

    def _draft(self) -> _Draft:
        if self._recent and self._draws.chance(_NEAR_DUPLICATE):
            return self._draws.one_of(self._recent)
        label = self._class()
        kind = self._draws.uniform()
        if kind < _VAGUE:
            return self._filled(self._draws.one_of(words.VAGUE), label, open_ended=False)
        if kind < _VAGUE + _AMBIGUOUS:
            return self._crossing()
        share = self._draws.uniform()
        form = next(form for limit, form in self._forms if share < limit)
        return form(label)

    def _class(self) -> str:
        share = self._draws.uniform() * self._cumulated[-1]
        return next(name for name, limit in zip(self._classes, self._cumulated, strict=True) if share < limit)

    # The four forms of a headline, and the one that belongs to two classes.

    def _actor_does(self, label: str) -> _Draft:
        vocabulary = _VOCABULARIES[label]
        return self._actor_with_deed(vocabulary.actors, vocabulary.deeds, label)

    def _name_does(self, label: str) -> _Draft:
        name = "{person}" if label == "entertainment" or self._draws.chance(0.25) else "{firm}"
        return self._filled(f"{name} {self._deed(_VOCABULARIES[label].deeds, plural=False)}", label)

    def _things_move(self, label: str) -> _Draft:
        vocabulary = _VOCABULARIES[label]
        headline = f"{self._common(vocabulary.things)} {self._common(vocabulary.moves)}"
        if self._draws.chance(_WITHOUT_CAUSE):
            return self._filled(headline, label)
        return self._filled(f"{headline} {self._common(vocabulary.causes)}", label, open_ended=False)

    def _about_topic(self, label: str) -> _Draft:
        topic = self._common(_VOCABULARIES[label].topics)
        headline = self._draws.one_of(words.TOPICAL).replace("{topic}", topic)
        return self._filled(headline, label, open_ended=False)

    def _crossing(self) -> _Draft:
        crossing = self._draws.one_of(words.CROSSINGS)
        label = crossing.by_deed if self._draws.chance(_LABELED_BY_DEED) else crossing.by_actor
        return self._actor_with_deed(crossing.actors, crossing.deeds, label)

    def _actor_with_deed(self, actors: Sequence[str], deeds: Sequence[words.Deeds], label: str) -> _Draft:
        actor = self._common(actors)
        return self._filled(f"{actor} {self._deed(deeds, plural=_is_plural(actor))}", label)

    def _deed(self, deeds: Sequence[words.Deeds], *, plural: bool) -> str:
        kind = self._draws.one_of(deeds)
        verb = self._common(kind.verbs)
        return f"{_plural_verb(verb) if plural else verb} {self._common(kind.objects)}"

    # Words and names.

    def _common(self, items: Sequence[str]) -> str:
        # Squared, so that the front of a list is drawn far more often than its end. A product, not a power:
        # the last bit of a power differs between machines.
        share = self._draws.uniform()
        return items[int(len(items) * share * share)]

    def _filled(self, template: str, label: str, *, open_ended: bool = True) -> _Draft:
        return _Draft(self._fill(template, label), label, open_ended)

    def _fill(self, template: str, label: str) -> str:
        filled = template
        # A word that fills a slot may contain a slot itself.
        while slot := _SLOT.search(filled):
            filled = filled[: slot.start()] + self._slot(slot[1], label) + filled[slot.end() :]
        return filled

    def _slot(self, name: str, label: str) -> str:
        match name:
            case "person":
                return self._known_or(self._people[label], self._new_person)
            case "firm":
                return self._known_or(self._firms[label], lambda: self._new_firm(label))
            case "title":
                adjective, noun = self._common(words.TITLE_ADJECTIVES), self._common(words.TITLE_NOUNS)
                return f"'The {adjective} {noun}'"
            case "drug":
                return self._syllables(words.DRUG_ENDS).lower()
            case "number":
                return str(2 + self._draws.below(19))
            case _:
                return self._common({"place": words.PLACES, "moon": words.MOONS, "day": words.DAYS}[name])

    def _known_or(self, known: Sequence[str], new: Callable[[], str]) -> str:
        return self._common(known) if self._draws.chance(_KNOWN_NAME_SHARE) else new()

    def _new_person(self) -> str:
        return f"{self._draws.one_of(words.FIRST_NAMES)} {self._syllables(words.NAME_ENDS)}"

    def _new_firm(self, label: str) -> str:
        ending = self._draws.one_of(_VOCABULARIES[label].firm_endings)
        return f"{self._syllables(words.NAME_ENDS)} {ending}"

    def _syllables(self, ends: Sequence[str]) -> str:
        middle = self._draws.one_of(words.NAME_MIDDLES) if self._draws.chance(0.6) else ""
        return self._draws.one_of(words.NAME_STARTS) + middle + self._draws.one_of(ends)

    # What an editor adds, and what careless handling damages.

    def _edited(self, draft: _Draft) -> str:
        text = draft.text
        if draft.open_ended and self._draws.chance(_TRAILED):
            text = f"{text} {self._fill(self._common(words.TRAILERS), draft.label)}"
        if self._draws.chance(_TITLE_CASE):
            text = " ".join(_capital(word) for word in text.split(" "))
        if self._draws.chance(_TAGGED):
            tag = self._common(_VOCABULARIES[draft.label].tags)
            return f"{tag}{'' if tag.endswith('-') else ' '}{_capital(text)}"
        return _capital(text)

    def _damaged(self, text: str) -> str:
        if self._draws.chance(_QUOTED):
            text = self._quoted(text)
        if self._draws.chance(_TYPOGRAPHIC):
            text = self._typographic(text)
        if self._draws.chance(_CUT_OFF):
            kept = text.split(" ")
            text = " ".join(kept[: max(4, len(kept) - 1 - self._draws.below(3))]) + " ..."
        return text

    def _quoted(self, text: str) -> str:
        parts = text.split(" ")
        place = self._draws.below(len(parts))
        parts[place] = f'"{parts[place]}"'
        return " ".join(parts)

    def _typographic(self, text: str) -> str:
        if "'" not in text:
            text = f"{text} – {self._draws.one_of(words.DAYS)}"
        return text.replace("'", "’")


def _is_plural(noun: str) -> bool:
    return noun.endswith("s") and not noun.endswith("ss")


def _plural_verb(verb: str) -> str:
    head, space, rest = verb.partition(" ")
    if head.endswith("ies"):
        head = head[:-3] + "y"
    elif head.endswith(("ches", "shes", "xes", "sses")):
        head = head[:-2]
    else:
        head = head.removesuffix("s")
    return head + space + rest


def _capital(word: str) -> str:
    return word[:1].upper() + word[1:]
