"""How many answers an audit will take: the audit goes on in memory, many times, with answers made up.

What is made up follows what is believed of the labels: before any answer, how sure their source says it is;
after that, what people's answers have told. A forecast decides nothing: the certificate rests on real
answers.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from labelloop.core.certificate.tuning import GIVEN_LABELS
from labelloop.core.ledger import State
from labelloop.core.model.prior_labels import NONE_GIVEN, PriorLabelModel, PriorLabels
from labelloop.core.randomness import random_stream
from labelloop.label_audit.audit_run import AuditRun

# Where no confidence is stated: the share of labels that is taken to be wrong before anyone has answered.
ASSUMED_WRONG = 0.1
# However sure a source says it is, at least this share is taken to be wrong.
LEAST_WRONG = 0.01
# Simulated audits ask in larger batches and weigh up fewer ways: that costs hardly more answers, and takes a
# tenth of the time.
_LEAST_BATCH = 0.1
_COARSE = replace(
    GIVEN_LABELS,
    timing=replace(GIVEN_LABELS.timing, shares_left=(0.0, 0.03, 0.08, 0.16, 0.28, 0.42, 0.55, 0.7)),
    drawing=replace(
        GIVEN_LABELS.drawing,
        evenness=(0.5,),
        shares_withdrawn=(0.0, 0.03, 0.1, 0.3),
        shares_cut=(0.0, 0.04, 0.1, 0.17, 0.25, 0.35, 0.5, 0.65, 0.8, 0.95),
    ),
    betting=replace(GIVEN_LABELS.betting, objects_planned_with=300),
)
# About this many objects are simulated for each number that is told: a second or two.
_OBJECTS_SIMULATED, _LEAST_AUDITS, _MOST_AUDITS = 100_000, 4, 20
# Other promises are told roughly: of fewer audits.
_OF_ALTERNATIVES = 0.4
_LIKELY = 0.95

Basis = Literal["stated", "assumed", "answers"]
# The chances of each class for each object; with a generator, as other answers might have told them.
Beliefs = Callable[[np.random.Generator | None], npt.NDArray[np.float64]]


@dataclass(frozen=True)
class Outlook:
    """How many answers it takes in all, with those that are given already."""

    answers: int  # on average
    seldom_more: int  # in 95 of 100 cases no more than this
    kept: float  # share of the rows whose given label is kept, on average


@dataclass(frozen=True)
class Alternative:
    """Another promise, or another truth, and what it would take."""

    target_error: float
    certificate_for: str
    wrong: float  # times as many labels are wrong as believed
    outlook: Outlook


@dataclass(frozen=True)
class Plan:
    """What is to be expected of an audit."""

    rows: int
    answered: int  # already
    basis: Basis
    believed_wrong: float  # share of the given labels
    outlook: Outlook
    alternatives: tuple[Alternative, ...] = ()

    @property
    def is_nearly_everything(self) -> bool:
        """Whether people would label nearly all of it."""
        return self.outlook.kept < 0.1


def forecast(run: AuditRun, *, alternatives: bool = True) -> Plan:
    """What the audit will take from here. It stands between two batches, and is not changed."""
    basis, beliefs = _beliefs(run)
    settings = run.loop.settings
    here = _outlook(run, beliefs, settings.target_error, settings.certificate_for)
    return Plan(
        rows=len(run.priors),
        answered=run.answers,
        basis=basis,
        believed_wrong=_share_wrong(run.priors, beliefs(None)),
        outlook=here,
        alternatives=tuple(_alternatives(run, beliefs, basis, here)) if alternatives else (),
    )


def _alternatives(run: AuditRun, beliefs: Beliefs, basis: Basis, here: Outlook) -> Iterator[Alternative]:
    settings = run.loop.settings
    target, whose = settings.target_error, settings.certificate_for
    others: list[tuple[float, str, float]] = [(_rounded(0.6 * target), whose, 1.0)]
    if here.kept < 0.5:
        others = [(min(0.5, _rounded(factor * target)), whose, 1.0) for factor in (1.6, 3)]
        if whose != "dataset":
            others.append((target, "dataset", 1.0))
    if basis != "answers":
        others.append((target, whose, 2.0))
    for other, of, wrong in others:
        if run.test_draws() and (of != whose or other != target):
            continue  # The tests so far were made for another promise.
        if other * len(run.priors) >= 1:
            outlook = _outlook(run, beliefs, other, of, wrong=wrong, part=_OF_ALTERNATIVES)
            yield Alternative(other, of, wrong, outlook)


def _outlook(
    run: AuditRun,
    beliefs: Beliefs,
    target_error: float,
    certificate_for: str,
    *,
    wrong: float = 1.0,
    part: float = 1.0,
) -> Outlook:
    audits = min(
        round(part * _MOST_AUDITS), max(_LEAST_AUDITS, round(part * _OBJECTS_SIMULATED / len(run.priors)))
    )
    answers, kept = [], []
    for number in range(audits):
        rng = random_stream(run.loop.settings.seed, "forecast", number)
        true = _made_up(run, beliefs(rng), wrong, rng)
        ended = _to_the_end(_another(run, target_error, certificate_for, int(rng.integers(2**32))), true)
        answers.append(ended.answers)
        kept.append(ended.loop.counts.auto / len(run.priors))
    return Outlook(
        round(float(np.mean(answers))),
        round(float(np.quantile(answers, _LIKELY, method="higher"))),
        float(np.mean(kept)),
    )


def _another(run: AuditRun, target_error: float, certificate_for: str, seed: int) -> AuditRun:
    """The same audit up to here, with other draws from here on."""
    loop = deepcopy(run.loop)
    loop.tuning = _COARSE
    loop.settings = replace(
        loop.settings,
        seed=seed,
        target_error=target_error,
        certificate_for=certificate_for,  # type: ignore[arg-type]
        batch_size=max(_LEAST_BATCH, loop.settings.batch_size or 0),
    )
    return AuditRun(priors=run.priors, classes=run.classes, loop=loop, strategy=run.strategy)


def _to_the_end(run: AuditRun, true: npt.NDArray[np.integer]) -> AuditRun:
    while (batch := run.next_batch()) is not None:
        run.hear({number: int(true[number]) for number in batch.asked.tolist()})
    return run


def _made_up(
    run: AuditRun, chances: npt.NDArray[np.float64], wrong: float, rng: np.random.Generator
) -> npt.NDArray[np.integer]:
    """A true label for each object; where people have answered, it is theirs."""
    given = run.priors.labels[:, 0]
    if wrong != 1:
        has_one = np.flatnonzero(given != NONE_GIVEN)
        right = chances[has_one, given[has_one]]
        more = np.minimum(1, wrong * (1 - right))
        chances = chances.copy()
        chances[has_one] *= (more / np.maximum(1 - right, 1e-12))[:, np.newaxis]
        chances[has_one, given[has_one]] = 1 - more
    drawn = (chances.cumsum(axis=1) < rng.random((len(chances), 1))).sum(axis=1)
    ledger = run.loop.ledger
    known = ledger.mask(State.HUMAN, State.VALIDATION)
    return np.where(known, ledger.labels, np.minimum(drawn, run.classes - 1))


def _beliefs(run: AuditRun) -> tuple[Basis, Beliefs]:
    ledger, priors = run.loop.ledger, run.priors
    known, every = ledger.ids(State.HUMAN, State.VALIDATION), np.arange(len(run.priors))
    if not len(known):
        stated = bool((~np.isnan(priors.confidence)).any())
        chances = _stated(priors, run.classes)
        return ("stated" if stated else "assumed"), lambda rng: chances  # noqa: ARG005

    def by_answers(rng: np.random.Generator | None) -> npt.NDArray[np.float64]:
        # Answers drawn anew, to tell how much others might have told (Efron's bootstrap).
        heard = known if rng is None else np.sort(rng.choice(known, len(known)))
        model = PriorLabelModel.fit(priors, heard, ledger.labels[heard], run.classes)
        return model.probabilities(every)

    return "answers", by_answers


def _stated(priors: PriorLabels, classes: int) -> npt.NDArray[np.float64]:
    """The chances of each class if the first source is as good as it says."""
    given, confidence = priors.labels[:, 0], priors.confidence[:, 0]
    right = np.clip(
        np.where(np.isnan(confidence), 1 - ASSUMED_WRONG, confidence), 1 / classes, 1 - LEAST_WRONG
    )
    chances = np.repeat(((1 - right) / max(1, classes - 1))[:, np.newaxis], classes, axis=1)
    has_one = np.flatnonzero(given != NONE_GIVEN)
    chances[has_one, given[has_one]] = right[has_one]
    chances[given == NONE_GIVEN] = 1 / classes
    return np.asarray(chances, np.float64)


def _share_wrong(priors: PriorLabels, chances: npt.NDArray[np.float64]) -> float:
    given = priors.labels[:, 0]
    has_one = np.flatnonzero(given != NONE_GIVEN)
    return float((1 - chances[has_one, given[has_one]]).mean()) if len(has_one) else 1.0


def _rounded(share: float) -> float:
    """To one digit that counts."""
    return float(f"{share:.1g}")
