"""A foundation model at work, on the terminal: how many rows it has labeled, and what that has cost."""

from collections import Counter
from collections.abc import Sequence
from contextlib import closing

from rich.console import Console

from labelloop.cli.asked_summary import dollars, price_in_words
from labelloop.cli.progress_bar import progress_bar
from labelloop.cli.sentences import say
from labelloop.foundation_model.asking import Asking
from labelloop.foundation_model.forecast import tokens_for
from labelloop.foundation_model.reading import Outcome, Reading
from labelloop.foundation_model.replies import Usage
from labelloop.foundation_model.spending import Spending

# So many answers tell what the rest will cost.
FIRST_ANSWERS = 10
_LINES_ELSEWHERE = 10
_TOOK_TOKENS = (Outcome.LABELED, Outcome.UNREADABLE)


class AskingProgress:
    """Follows the answers. Not on a terminal, a line is printed for each tenth of them."""

    def __init__(
        self, console: Console, spending: Spending, readings: dict[str, Reading], total: int
    ) -> None:
        self._console, self._spending, self._readings, self._total = console, spending, readings, total
        self._bar = progress_bar(console)
        self._outcomes = Counter(reading.outcome for reading in readings.values())

    def follow(self, asking: Asking, left: Sequence[str]) -> None:
        """Ask about what is left. Raises what `Asking.ask` does; the answers so far are in `readings`."""
        before = self._spending.usage
        with self._bar as bar, closing(asking.ask(left)) as answers:
            task = bar.add_task("Asking", total=self._total, completed=len(self._readings))
            for number, (text, reading) in enumerate(answers, 1):
                self._readings[text] = reading
                self._outcomes[reading.outcome] += 1
                bar.update(task, advance=1, description=self._so_far())
                if number == FIRST_ANSWERS and len(left) > FIRST_ANSWERS:
                    self._foresee(asking, left, before)
                self._line_elsewhere()

    def plan(self, asking: Asking, left: Sequence[str]) -> None:
        """Ask about the first texts alone, and say what all will take. Raises what `follow` does."""
        before = self._spending.usage
        self.follow(asking, left[:FIRST_ANSWERS])
        self._foresee(asking, left, before)

    def _so_far(self) -> str:
        words = [f"{count:,} {outcome}" for outcome, count in self._outcomes.items()]
        return ", ".join([*words, *dollars(self._spending.cost)])

    def _line_elsewhere(self) -> None:
        done = len(self._readings)
        step = max(1, self._total // _LINES_ELSEWHERE)
        if not self._console.is_terminal and done % step == 0:
            say(self._console, f"{done:,} of {self._total:,} texts: {self._so_far()}")

    def _foresee(self, asking: Asking, left: Sequence[str], before: Usage) -> None:
        used = self._spending.usage
        readings = {text: self._readings[text] for text in left if text in self._readings}
        first = [text for text, reading in readings.items() if reading.outcome in _TOOK_TOKENS]
        if not first:
            return
        rest = [text for text in left if text not in readings]
        expected = used + tokens_for(rest, first, used - before, asking.size_of)
        say(self._console, _forecast(self._spending, expected, len(first), self._total))


def _forecast(spending: Spending, usage: Usage, answers: int, texts: int) -> str:
    """What all texts will take."""
    cost = spending.cost_of(usage)
    foreseen = (
        f"Estimate from the first {answers} answers, by the length of the texts: "
        f"{price_in_words(usage, cost)} for all {texts:,} texts."
    )
    if cost is not None and spending.max_cost is not None and cost > spending.max_cost:
        return f"{foreseen} That is more than --max-cost: it will stop before."
    return foreseen
