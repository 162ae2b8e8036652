"""Which of the texts that people labeled are shown to the model as examples."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from labelloop.core.seeded_draws import SeededDraws
from labelloop.foundation_model.prompt import Example

_STREAM = 2
# Each example is sent with every text: a long one is taken only if there is no other.
_LONG = 1_000


class Examples:
    """A few of each class, the same for all texts: but no text is its own example."""

    def __init__(
        self,
        labeled: Iterable[tuple[str, str]],
        classes: Sequence[str],
        of_each: int,
        seed: int,
        *,
        always: Sequence[Example] = (),
    ) -> None:
        """`labeled`: texts and their labels, empty for none. `of_each`: how many of each class.

        `always`: examples that are shown before these.
        """
        self._of_each, self._always = of_each, tuple(always)
        self._of_class: list[list[Example]] = []
        texts: dict[str, list[str]] = {name: [] for name in classes}
        for text, label in labeled if of_each else ():
            if label in texts:
                texts[label].append(text)
        draws = SeededDraws(seed, _STREAM)
        for name in classes:
            found = list(dict.fromkeys(texts[name]))
            drawn = sorted((len(text) > _LONG, draws.uniform(), text) for text in found)
            # One more than is shown: it stands in for one that is itself asked about.
            self._of_class.append([Example(text, name) for _, _, text in drawn[: of_each + 1]])

    def beside(self, text: str) -> tuple[Example, ...]:
        """The examples to show with this text."""
        drawn = (
            example
            for of_class in self._of_class
            for example in [one for one in of_class if one.text != text][: self._of_each]
        )
        return (*(one for one in self._always if one.text != text), *drawn)
