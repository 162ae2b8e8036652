"""What more labels would probably buy, from how the rounds so far went."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

# The trend is read off so many of the last rounds: early ones fall faster than what is to come.
ROUNDS_OF_TREND = 4
Record = dict[str, Any]


@dataclass(frozen=True)
class Forecast:
    """How many more labels by people it probably takes until the model labels the rest."""

    human_labels: int
    expected_auto_labels: int
    explanation: str

    def as_dict(self) -> dict[str, Any]:
        return {
            "human_labels": self.human_labels,
            "expected_auto_labels": self.expected_auto_labels,
            "explanation": self.explanation,
        }


def forecast(round_records: list[Record], open_objects: int, target_error: float) -> Forecast | None:
    """None where nothing is left to label, or no model has said what it expects."""
    known = [record for record in round_records if record.get("expected_error") is not None]
    if not open_objects or not known:
        return None
    if any(record.get("certificate") for record in round_records):
        told = "The model has labeled what it is certified for; what is left was for people to label."
        return Forecast(open_objects, 0, told)
    if known[-1].get("expected_draws") is None:
        return _until_a_test(known, open_objects, target_error)
    return _with_a_test(known, open_objects)


def _with_a_test(known: list[Record], open_objects: int) -> Forecast:
    """The last model could be tested: what that takes, and what one more batch would change in it."""
    last = known[-1]
    left, draws = last["left_to_people"], math.ceil(last["expected_draws"])
    needed = min(open_objects, left + draws)
    told = (
        f"In round {last['round']} the model expected {last['expected_error']:.1%} wrong of what it would "
        f"label: a test would draw about {draws:,} objects, and people would label the {left:,} it leaves."
    )
    testable = [record for record in known if record.get("expected_draws") is not None][-ROUNDS_OF_TREND:]
    labels = np.array([_human_labels(record) for record in testable], float)
    if np.ptp(labels):
        costs = [record["left_to_people"] + record["expected_draws"] for record in testable]
        slope, batch = float(np.polyfit(labels, costs, 1)[0]), last.get("labeled_by_people", 0)
        saved = round(-(1 + slope) * batch)
        told += (
            f" By the trend of {len(testable)} rounds, training on {batch:,} labels more would "
            f"{'save' if saved > 0 else 'cost'} about {abs(saved):,} labels in all."
        )
    return Forecast(needed, open_objects - needed, told)


def _until_a_test(known: list[Record], open_objects: int, target_error: float) -> Forecast | None:
    """The last model could not pass a test: when by the trend of its errors the next one might.

    The logarithm of the error the model expects falls about evenly with the labels, so a line through the
    last rounds says where it meets the target.
    """
    rounds = [record for record in known if record["expected_error"] > 0][-ROUNDS_OF_TREND:]
    if len(rounds) < 2:
        return None
    labels = np.array([_human_labels(record) for record in rounds], float)
    errors = np.log([record["expected_error"] for record in rounds])
    slope = float(np.polyfit(labels, errors, 1)[0]) if np.ptp(labels) else 0.0
    expected = rounds[-1]["expected_error"]
    told = (
        f"In round {rounds[-1]['round']} the model expected {expected:.1%} wrong of what it could label, and "
        f"could not hope to pass a test of {target_error:.1%}."
    )
    ahead = math.log(max(expected / target_error, 1.0))
    missing = ahead / -slope if slope < 0 else math.inf
    if missing >= open_objects:
        return Forecast(
            open_objects, 0, f"{told} More labels brought it no nearer: people would label all that is left."
        )
    needed = math.ceil(round(missing, 6))
    return Forecast(
        needed,
        open_objects - needed,
        f"{told} By the trend of the last {len(rounds)} rounds its error gets there with about {needed:,} "
        "labels more; the test itself draws some of what is left.",
    )


def _human_labels(record: Record) -> int:
    """When the round's model was trained."""
    counts = record["counts"]
    return int(counts["human"] + counts["validation"] - record.get("labeled_by_people", 0))
