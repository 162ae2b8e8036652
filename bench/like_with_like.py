"""What a grid of objects that are alike saves and costs: `python -m bench.like_with_like`.

The objects are real headlines, and their neighbors are those of the quick model's embedding: so how often a
group has one class is measured. The person is simulated, with the assumptions below: seconds and errors hold
for people who are like that. Nobody has measured it with people.
"""

import argparse
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.datasets import Texts, uci_news
from bench.results import markdown_table
from labelloop.core.query_strategies.alike import alike
from labelloop.quick_model import EMBEDDING_SIZE, Ridge, text_features

LEARNED, BATCH, GROUP = 300, 200, 9
Ids = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Person:
    """Seconds, and chances of an error."""

    letters_a_second: float = 20.0
    decides: float = 1.0
    presses: float = 0.4  # a class and Enter
    compares: float = 0.3  # a card with the class of its group
    takes_out: float = 0.8
    misreads: float = 0.03  # an object, shown alone or in a group: then the answer is wrong
    overlooks: float = 0.1  # an object of a group that has another class than most


@dataclass(frozen=True)
class Labeled:
    """A batch that a person has labeled."""

    seconds: float  # for each object
    wrong: float  # share
    taken_out: float  # share of the objects that do not fit their group's class


def one_by_one(person: Person, texts: list[str], rng: np.random.Generator) -> Labeled:
    seconds = sum(_alone(person, text) for text in texts)
    wrong = rng.random(len(texts)) < person.misreads
    return Labeled(seconds / len(texts), float(wrong.mean()), 0.0)


def in_groups(
    person: Person, texts: list[str], labels: npt.NDArray[np.int64], near: Ids, rng: np.random.Generator
) -> Labeled:
    seconds, wrong, others = 0.0, 0, 0
    for group in groups_of(near):
        most = np.bincount(labels[group]).argmax()
        seconds += person.decides + person.presses
        for number in group.tolist():
            seconds += len(texts[number]) / person.letters_a_second + person.compares
            others += labels[number] != most
            if labels[number] == most:
                wrong += rng.random() < person.misreads
            elif rng.random() < person.overlooks:
                wrong += 1
            else:
                seconds += person.takes_out + _alone(person, texts[number])
                wrong += rng.random() < person.misreads
    return Labeled(seconds / len(texts), wrong / len(texts), others / len(texts))


def groups_of(near: Ids) -> list[Ids]:
    """As the workbench hands them out: each the nearest free one of the last, then any other."""
    free, chain = dict.fromkeys(range(len(near))), list[int]()
    while free:
        known = (other for other in near[chain[-1]].tolist() if other in free) if chain else iter(())
        chosen = next(known, next(iter(free)))
        del free[chosen]
        chain.append(chosen)
    return [np.array(chain[start : start + GROUP]) for start in range(0, len(chain), GROUP)]


def measured(data: Texts, seeds: int) -> str:
    inputs = text_features(data.texts)
    rows = []
    for chosen in ("least sure", "at random"):
        for overlooks in (0.0, 0.1, 0.3):
            person = Person(overlooks=overlooks)
            alone, grouped = zip(
                *(_try(data, inputs, person, chosen, seed) for seed in range(seeds)), strict=True
            )
            rows.append(
                [
                    chosen,
                    f"{np.mean([one.taken_out for one in grouped]):.0%}",
                    f"{overlooks:.0%}",
                    *(_cell(labeled) for labeled in (alone, grouped)),
                ]
            )
    header = ["objects", "do not fit their group", "of these overlooked", "one by one", "in groups of nine"]
    return markdown_table(header, rows)


def _cell(labeled: tuple[Labeled, ...]) -> str:
    seconds = np.mean([one.seconds for one in labeled])
    return f"{seconds:.1f} s, {np.mean([one.wrong for one in labeled]):.1%} wrong"


def _try(
    data: Texts, inputs: npt.NDArray[np.float32], person: Person, chosen: str, seed: int
) -> tuple[Labeled, Labeled]:
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(data.texts))
    learned, pool = order[:LEARNED], order[LEARNED:]
    batch = pool[:BATCH]
    classes = int(data.labels.max()) + 1
    answers = Ridge(EMBEDDING_SIZE).fit(inputs[learned], data.labels[learned], classes, seed)(inputs)
    if chosen == "least sure":
        best = np.sort(answers.probabilities[pool], axis=1)
        batch = pool[np.argsort(best[:, -1] - best[:, -2])[:BATCH]]
    batch = np.sort(batch)
    everything = np.arange(len(data.texts))
    near = alike(answers.predictions(len(data.texts), everything), batch, rng)
    assert near is not None
    texts = [data.texts[number] for number in batch.tolist()]
    labels = np.asarray(data.labels[batch], np.int64)
    return one_by_one(person, texts, rng), in_groups(person, texts, labels, near, rng)


def _alone(person: Person, text: str) -> float:
    return len(text) / person.letters_a_second + person.decides + person.presses


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    print(measured(uci_news(), parser.parse_args().seeds))
