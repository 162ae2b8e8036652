"""Made texts of three classes, and a model of them that learns in milliseconds: for whole runs in tests.

The stand-in container and `WordCounts` are the same model, so that a run of the state machine and one in
memory can be compared.
"""

import random
from typing import Any

import numpy as np

from labelloop.core.manifest.label_categories import LabelCategories
from labelloop.simulation import Labels, ModelAnswers, Predict

CLASSES = ("fruit", "metal", "river")
WORDS = {
    "fruit": ["apple", "pear", "plum", "fig", "grape"],
    "metal": ["iron", "zinc", "tin", "lead", "gold"],
    "river": ["elbe", "rhone", "tiber", "volga", "seine"],
}
VOCABULARY = [word for name in CLASSES for word in WORDS[name]]
CATEGORIES = LabelCategories(CLASSES)
# A target error whose test draws more than 60 objects: of so few no model can label any.
TOO_STRICT = 0.04


def texts(size: int, *, clean: bool = True, seed: int = 0) -> list[tuple[str, str]]:
    """Text and true class of each object; not clean: words of other classes among a class's own."""
    rng = random.Random(seed)
    rows = []
    for _ in range(size):
        label = rng.choice(CLASSES)
        others = [word for name in CLASSES for word in WORDS[name]]
        own = [rng.choice(WORDS[label]) for _ in range(4)]
        stray = [] if clean else [rng.choice(others) for _ in range(rng.randrange(4))]
        rows.append((" ".join([*own, *stray]), label))
    return rows


class WordCounts:
    """What the stand-in container learns: the scores are counts of a class's words, plus one."""

    @staticmethod
    def inputs(texts: list[str]) -> Any:
        """How often each text has each word."""
        return np.array([[text.split().count(word) for word in VOCABULARY] for text in texts], float)

    def fit(self, inputs: Any, labels: Labels, classes: int, seed: int) -> Predict:
        counts = np.eye(classes)[labels].T @ inputs

        def predict(unseen: Any) -> ModelAnswers:
            scores = 1 + unseen @ counts.T
            return ModelAnswers(scores / scores.sum(axis=1, keepdims=True))

        return predict
