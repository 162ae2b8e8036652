"""Which of the texts that people labeled are shown to the model as examples."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from labelloop.core.near_texts import NearTexts
from labelloop.core.seeded_draws import SeededDraws
from labelloop.foundation_model.prompt import Example

_STREAM, _NEAR_STREAM = 2, 3
# Each example is sent with every text: a long one is taken only if there is no other.
_LONG = 1_000
# Near ones are looked for among so many: twice as many take twice the time for each text.
MOST_LOOKED_AT = 5_000


class Examples:
    """A few of each class, the same for all texts, and some that are like the text asked about.

    No text is its own example.
    """

    def __init__(
        self,
        labeled: Iterable[tuple[str, str]],
        classes: Sequence[str],
        of_each: int,
        seed: int,
        *,
        always: Sequence[Example] = (),
        near: int = 0,
    ) -> None:
        """`labeled`: texts and their labels, empty for none. `of_each`: how many of each class.

        `always`: examples that are shown before these. `near`: how many that are like the text.
        """
        self._of_each, self._always = of_each, tuple(always)
        texts: dict[str, list[str]] = {name: [] for name in classes}
        for text, label in labeled if of_each or near else ():
            if label in texts:
                texts[label].append(text)
        self._of_class = _drawn(texts, of_each, seed)
        self._near = _Near(texts, near, seed) if near else None

    def beside(self, text: str) -> tuple[Example, ...]:
        """The examples to show with this text: those that are like it behind the others, the nearest last.

        So all prompts begin alike, and the model reads last what tells it most.
        """
        drawn = (
            example
            for of_class in self._of_class
            for example in [one for one in of_class if one.text != text][: self._of_each]
        )
        fixed = (*(one for one in self._always if one.text != text), *drawn)
        return fixed if self._near is None else (*fixed, *self._near.to(text, fixed))

    @property
    def digest(self) -> str:
        """Of the texts that near examples are taken from; empty where there are none."""
        return "" if self._near is None else self._near.digest


class _Near:
    """Examples that are like a text."""

    def __init__(self, texts: dict[str, list[str]], count: int, seed: int) -> None:
        """`texts`: of each class."""
        self._count = count
        self._candidates = _candidates(texts, count, seed)
        self._index = NearTexts([one.text for one in self._candidates])
        # What was found for a text, by positions: every text is asked about more than once.
        self._found: dict[str, tuple[int, ...]] = {}

    def to(self, text: str, shown: Sequence[Example]) -> list[Example]:
        """The nearest last. `shown`: what is in the prompt already, always the same for a text."""
        found = self._found.get(text)
        if found is None:
            found = self._found[text] = self._positions(text, {text, *(one.text for one in shown)})
        return [self._candidates[position] for position in found]

    @property
    def digest(self) -> str:
        told = repr((self._count, self._candidates))
        return hashlib.sha256(told.encode(errors="surrogatepass")).hexdigest()

    def _positions(self, text: str, taken: set[str]) -> tuple[int, ...]:
        nearest = self._index.nearest(text, self._count + len(taken))
        left = [position for position in nearest if self._candidates[position].text not in taken]
        return tuple(left[: self._count][::-1])


def _drawn(texts: dict[str, list[str]], of_each: int, seed: int) -> list[list[Example]]:
    """Of each class."""
    draws = SeededDraws(seed, _STREAM)
    of_class = []
    for name, found in texts.items() if of_each else ():
        drawn = sorted((len(text) > _LONG, draws.uniform(), text) for text in dict.fromkeys(found))
        # One more than is shown: it stands in for one that is itself asked about.
        of_class.append([Example(text, name) for _, _, text in drawn[: of_each + 1]])
    return of_class


def _candidates(texts: dict[str, list[str]], count: int, seed: int) -> list[Example]:
    """Short texts where there are enough of them; none that people gave different labels."""
    labels: dict[str, set[str]] = {}
    for name, of_class in texts.items():
        for text in of_class:
            labels.setdefault(text, set()).add(name)
    agreed = [Example(text, *names) for text, names in labels.items() if len(names) == 1]
    short = [one for one in agreed if len(one.text) <= _LONG]
    candidates = short if len(short) > count else agreed
    if len(candidates) <= MOST_LOOKED_AT:
        return candidates
    chosen = SeededDraws(seed, _NEAR_STREAM).subset(len(candidates), MOST_LOOKED_AT)
    return [candidates[position] for position in chosen]
