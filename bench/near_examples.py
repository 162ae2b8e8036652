"""Examples near a text: how often they have its class, and what a model makes of them.

`python -m bench.near_examples` asks no model. With `--server URL --model NAME`, it asks one on a
chat-completions server about headlines, with the examples in the prompt chosen in several ways. Beside it
stands the majority of the near examples' classes, which takes no model.
"""

import argparse
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass

import numpy as np

from bench.datasets import CACHE, Texts, uci_news
from bench.given_labels import misinformation, stance
from bench.results import machine, markdown_table, percent
from labelloop.foundation_model.answer_cache import AnswerCache
from labelloop.foundation_model.asking import Asking
from labelloop.foundation_model.chat_client import ChatClient
from labelloop.foundation_model.examples import Examples
from labelloop.foundation_model.prompt import DescribedClass, Prompt
from labelloop.foundation_model.reading import AnswerReader
from labelloop.foundation_model.request_form import RequestSettings
from labelloop.foundation_model.row_labeler import ConfidenceFrom, RowLabeler
from labelloop.foundation_model.server_address import ServerAddress
from labelloop.foundation_model.spending import Spending

# As the data set has them: b, e, m, t.
CLASSES = ("business", "entertainment", "health", "science and technology")
TEXTS, LABELED, SEED = 300, 300, 0
MOST_LABELED = 1_000
NEAR = 4
# How many examples of each class, and how many near the text.
WAYS = {
    "none": (0, 0),
    "one of each class": (1, 0),
    "two of each class": (2, 0),
    f"{NEAR} near ones": (0, NEAR),
    f"one of each class, then {NEAR} near ones": (1, NEAR),
}
Pair = tuple[str, str]


@dataclass(frozen=True)
class Measured:
    """`wrong`: of each text; tokens and seconds: for a text."""

    wrong: list[bool]
    tokens_in: float = 0.0
    seconds: float = 0.0

    def row(self, name: str) -> tuple[str, ...]:
        share = float(np.mean(self.wrong))
        error = np.sqrt(share * (1 - share) / len(self.wrong))
        return name, f"{percent(share)} ± {100 * error:.1f}", f"{self.tokens_in:.0f}", f"{self.seconds:.2f}"


@dataclass(frozen=True)
class Server:
    address: ServerAddress
    model: str
    cache: AnswerCache

    def measure(self, texts: list[Pair], examples: Examples) -> Measured:
        """Ask about the texts, one after the other. Raises ModelServerError."""
        spending = Spending()
        asking = Asking(
            self._labeler(examples),
            ChatClient(self.address, self.model, "", at_once=1),
            self.cache,
            spending,
            server=self.address.url,
            at_once=1,
        )
        truth, began = dict(texts), time.monotonic()
        with closing(asking.ask(truth)) as answers:
            wrong = [reading.label != truth[text] for text, reading in answers]
        seconds = (time.monotonic() - began) / max(1, spending.requests)
        return Measured(wrong, spending.usage.tokens_in / len(wrong), seconds)

    def _labeler(self, examples: Examples) -> RowLabeler:
        classes = [DescribedClass(name) for name in CLASSES]
        prompt = Prompt(classes, mark=self.cache.mark(), asks_confidence=False)
        settings = RequestSettings(
            model=self.model,
            classes=CLASSES,
            asks_confidence=False,
            logprobs=False,
            temperature=0.0,
            most_tokens=64,
        )
        return RowLabeler(prompt, examples, settings, ConfidenceFrom.STATED, 1, AnswerReader(CLASSES))


def drawn(data: Texts, classes: tuple[str, ...], texts: int, labeled: int) -> tuple[list[Pair], list[Pair]]:
    """Texts to ask about, and others that people labeled, at random."""
    named = dict(zip(data.texts, (classes[label] for label in data.labels.tolist()), strict=True))
    pairs = list(named.items())
    some = np.random.default_rng(SEED).permutation(len(pairs))[: texts + labeled].tolist()
    return [pairs[number] for number in some[:texts]], [pairs[number] for number in some[texts:]]


def neighbors(data: Texts, labeled: int) -> tuple[str, ...]:
    """How often near examples have the class of their text, and texts drawn at random."""
    classes = tuple(map(str, range(int(data.labels.max()) + 1)))
    texts, known = drawn(data, classes, len(data.texts) - MOST_LABELED, labeled)
    examples = Examples(known, classes, 0, SEED, near=NEAR)
    same = [[one.label == label for one in examples.beside(text)] for text, label in texts]
    shares = np.bincount(data.labels) / len(data.labels)
    return (
        data.name,
        f"{labeled:,}",
        percent(float(np.mean([bool(one and one[-1]) for one in same]))),
        percent(float(np.mean([np.mean(one or [False]) for one in same]))),
        percent(float(np.mean([any(one) for one in same]))),
        percent(float(shares @ shares)),
    )


def vote(texts: list[Pair], labeled: list[Pair], near: int) -> Measured:
    """The class of most near examples; of equals, that of the nearest."""
    examples = Examples(labeled, CLASSES, 0, SEED, near=near)
    wrong = []
    for text, label in texts:
        classes = [one.label for one in reversed(examples.beside(text))]
        wrong.append(not classes or Counter(classes).most_common(1)[0][0] != label)
    return Measured(wrong)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server")
    parser.add_argument("--model")
    parser.add_argument("--texts", type=int, default=TEXTS)
    parser.add_argument("--labeled", type=int, default=LABELED)
    given = parser.parse_args()
    print(machine()["processor"])
    if given.server is None or given.model is None:
        sets = (uci_news(), stance().data, misinformation().data)
        found = [neighbors(data, labeled) for data in sets for labeled in (LABELED, MOST_LABELED)]
        header = ("data", "labeled", "the nearest", f"the {NEAR} nearest", "at least one", "at random")
        print(markdown_table(header, found))
        return
    texts, labeled = drawn(uci_news(), CLASSES, given.texts, given.labeled)
    rows = [vote(texts, labeled, NEAR).row(f"no model: most of {NEAR} near ones")]
    with AnswerCache.open(CACHE / "near_examples.answers.sqlite") as cache:
        server = Server(ServerAddress.parse(given.server), given.model, cache)
        for name, (of_each, near) in WAYS.items():
            examples = Examples(labeled, CLASSES, of_each, SEED, near=near)
            rows.append(server.measure(texts, examples).row(name))
            print(" | ".join(rows[-1]), flush=True)
    print(markdown_table(("examples in the prompt", "wrong", "tokens in", "seconds"), rows))


if __name__ == "__main__":
    main()
