"""What more labels would probably buy, from how the rounds so far went."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from labelloop.core.records import Forecast, RoundRecord

# The trend is read off so many of the last rounds: early ones fall faster than what is to come.
ROUNDS_OF_TREND = 4


@dataclass(frozen=True)
class _Trained:
    """What a round's model expected of itself."""

    round: int
    human_labels: int  # when it was trained
    new_labels: int  # that people gave in its round
    error: float
    left_to_people: int
    draws: float | None  # for a test; None where none could be expected to pass


def forecast(rounds: Sequence[RoundRecord], open_objects: int, target_error: float) -> Forecast | None:
    """None where nothing is left to label, or no model has said what it expects."""
    known = [
        _Trained(
            round=record.round,
            human_labels=record.human_labels_before,
            new_labels=record.labeled_by_people,
            error=record.expected_error,
            left_to_people=record.left_to_people or 0,
            draws=record.expected_draws,
        )
        for record in rounds
        if record.expected_error is not None
    ]
    if not open_objects or not known:
        return None
    if any(record.certificate for record in rounds):
        told = "The model has labeled what it is certified for; what is left was for people to label."
        return _labeled_by_people(open_objects, open_objects, told)
    testable = [(model, model.draws) for model in known if model.draws is not None]
    if known[-1].draws is None:
        return _until_a_test(known, open_objects, target_error)
    return _with_a_test(testable, open_objects)


def _labeled_by_people(objects: int, open_objects: int, told: str) -> Forecast:
    return Forecast(human_labels=objects, expected_auto_labels=open_objects - objects, explanation=told)


def _with_a_test(testable: Sequence[tuple[_Trained, float]], open_objects: int) -> Forecast:
    """The last model could be tested: what that takes, and what one more batch would change in it."""
    last, draws = testable[-1][0], math.ceil(testable[-1][1])
    told = (
        f"In round {last.round} the model expected {last.error:.1%} wrong of what it would "
        f"label: a test would draw about {draws:,} objects, and people would label the "
        f"{last.left_to_people:,} it leaves."
    )
    recent = testable[-ROUNDS_OF_TREND:]
    labels = np.array([model.human_labels for model, _ in recent], float)
    if np.ptp(labels):
        costs = [model.left_to_people + of_a_test for model, of_a_test in recent]
        slope = float(np.polyfit(labels, costs, 1)[0])
        saved = round(-(1 + slope) * last.new_labels)
        told += (
            f" By the trend of {len(recent)} rounds, training on {last.new_labels:,} labels more would "
            f"{'save' if saved > 0 else 'cost'} about {abs(saved):,} labels in all."
        )
    return _labeled_by_people(min(open_objects, last.left_to_people + draws), open_objects, told)


def _until_a_test(known: Sequence[_Trained], open_objects: int, target_error: float) -> Forecast | None:
    """The last model could not pass a test: when by the trend of its errors the next one might.

    The logarithm of the error the model expects falls about evenly with the labels, so a line through the
    last rounds says where it meets the target.
    """
    recent = [model for model in known if model.error > 0][-ROUNDS_OF_TREND:]
    if len(recent) < 2:
        return None
    labels = np.array([model.human_labels for model in recent], float)
    errors = np.log([model.error for model in recent])
    slope = float(np.polyfit(labels, errors, 1)[0]) if np.ptp(labels) else 0.0
    expected = recent[-1].error
    told = (
        f"In round {recent[-1].round} the model expected {expected:.1%} wrong of what it could label, and "
        f"could not hope to pass a test of {target_error:.1%}."
    )
    ahead = math.log(max(expected / target_error, 1.0))
    missing = ahead / -slope if slope < 0 else math.inf
    if missing >= open_objects:
        told += " More labels brought it no nearer: people would label all that is left."
        return _labeled_by_people(open_objects, open_objects, told)
    needed = math.ceil(round(missing, 6))
    told += (
        f" By the trend of the last {len(recent)} rounds its error gets there with about {needed:,} "
        "labels more; the test itself draws some of what is left."
    )
    return _labeled_by_people(needed, open_objects, told)
