"""Asking again once people have labeled: does it save labels? A simulation: `python -m bench.asked_again`.

The first answers are GPT-4o's. The second ones are made up: the first, with a share of the errors mended, on
texts drawn at random. So the table says how much better second answers would have to be, not how good they
are. It also compares asking about the pool alone with asking about the labeled texts as well.
"""

import argparse
from dataclasses import dataclass

import numpy as np

from bench.audit import measure
from bench.given_labels import CONFIDENCE, SETS, TARGET_ERROR, GivenLabels, Outcome
from bench.results import markdown_table, percent
from bench.runs import cores, run_all
from labelloop.core.certificate.tuning import GIVEN_LABELS
from labelloop.core.ledger import Ledger, State
from labelloop.core.model.given_labels import GivenLabels as GivenLabelsModel
from labelloop.core.model.predictions import Predictions
from labelloop.core.model.prior_labels import NONE_GIVEN, PriorLabels
from labelloop.simulation import simulate

DATA = ("stance", "misinfo")
SEEDS, AFTER = 10, 200
MENDED = (0.0, 0.25, 0.5)


@dataclass
class AskedAgain:
    """The labeler `given`, with a second source from when people have given `after` labels."""

    first: PriorLabels
    second: PriorLabels
    after: int
    labeled_too: bool
    both: PriorLabels | None = None

    def predict(self, ledger: Ledger, classes: int) -> Predictions:
        # A model is only heard between tests: so the second answers never come while one is under way.
        if self.both is None and ledger.counts().human_labels >= self.after:
            self.both = self._joined(ledger)
        return GivenLabelsModel(self.both or self.first).predict(ledger, classes)

    def _joined(self, ledger: Ledger) -> PriorLabels:
        states = (State.POOL, State.HUMAN, State.VALIDATION) if self.labeled_too else (State.POOL,)
        asked = ledger.mask(*states)[:, np.newaxis]
        return PriorLabels(
            np.hstack([self.first.labels, np.where(asked, self.second.labels, NONE_GIVEN)]),
            np.hstack([self.first.confidence, np.where(asked, self.second.confidence, np.nan)]),
        )


@dataclass(frozen=True)
class Task:
    data: str
    mended: float | None  # None: asked once
    labeled_too: bool
    seed: int


def run_one(task: Task) -> tuple[float, bool]:
    """The share of labels saved, and whether the promise was broken."""
    given = SETS[task.data](task.seed)
    first = _priors(given, given.labels)
    second = _priors(given, mended(given, task.mended or 0.0, task.seed))
    after = len(given) + 1 if task.mended is None else AFTER
    settings = {
        "CertificateFor": "dataset",
        "TargetError": TARGET_ERROR,
        "Confidence": CONFIDENCE,
        "Seed": task.seed,
    }
    ended = simulate(
        np.zeros((len(given), 1)),
        given.truth,
        AskedAgain(first, second, after, task.labeled_too),
        settings,
        tuning=GIVEN_LABELS,
    )
    kept = ended.ledger.mask(State.AUTO)
    outcome = Outcome(
        kept, np.where(kept, ended.ledger.labels, given.truth), max(ended.answers, int((~kept).sum()))
    )
    told = measure(given, outcome, seconds=0.0, promises_kept=False)
    return told.saved, told.broken


def mended(given: GivenLabels, share: float, seed: int) -> np.ndarray[tuple[int], np.dtype[np.integer]]:
    """The given labels with a share of the errors gone, drawn at random."""
    wrong = np.flatnonzero(given.wrong)
    chosen = np.random.default_rng([seed, 19]).permutation(wrong)[: round(share * len(wrong))]
    labels = given.labels.copy()
    labels[chosen] = given.truth[chosen]
    return labels


def _priors(given: GivenLabels, labels: np.ndarray[tuple[int], np.dtype[np.integer]]) -> PriorLabels:
    return PriorLabels(
        labels[:, np.newaxis].astype(np.int16), given.confidences[:, np.newaxis].astype(np.float32)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--jobs", type=int, default=cores(), help="processes at once")
    options = parser.parse_args()
    ways = [(None, False), *((share, too) for share in MENDED for too in (False, True))]
    tasks = [
        Task(data, share, too, seed) for seed in range(options.seeds) for data in DATA for share, too in ways
    ]
    ended = dict(run_all("asked again", run_one, tasks, options.jobs))
    rows = [
        (
            _name(share, too),
            *(_cell([ended[Task(data, share, too, seed)] for seed in range(options.seeds)]) for data in DATA),
        )
        for share, too in ways
    ]
    print(markdown_table(("labels saved, promises broken", *DATA), rows))


def _name(share: float | None, labeled_too: bool) -> str:
    if share is None:
        return "asked once"
    return f"{percent(share, 0)} of the errors mended, {'labeled texts too' if labeled_too else 'pool alone'}"


def _cell(runs: list[tuple[float, bool]]) -> str:
    saved = np.array([share for share, _ in runs])
    error = saved.std(ddof=1) / np.sqrt(len(saved)) if len(saved) > 1 else 0.0
    return f"{percent(saved.mean())} ± {100 * error:.1f}, {sum(broken for _, broken in runs)} of {len(runs)}"


if __name__ == "__main__":
    main()
