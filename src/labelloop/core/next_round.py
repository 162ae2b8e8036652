"""What one more round would probably buy, from how the rounds so far went."""

from dataclasses import dataclass
from typing import Any

import numpy as np

# The trend is read off so many of the last rounds: early ones fall faster than what is to come.
ROUNDS_OF_TREND = 4


@dataclass(frozen=True)
class Forecast:
    """How many more labels a test of the certificate probably takes."""

    human_labels: int
    expected_auto_labels: int
    explanation: str

    def as_dict(self) -> dict[str, Any]:
        return {
            "human_labels": self.human_labels,
            "expected_auto_labels": self.expected_auto_labels,
            "explanation": self.explanation,
        }


def forecast(round_records: list[dict[str, Any]], open_objects: int) -> Forecast | None:
    """None where nothing is left to label, or no two rounds give a trend.

    The logarithm of the error the model expects falls about evenly with the labels, so a line through the
    last rounds says where it meets what a test allows.
    """
    known = [record for record in round_records if record.get("expected_error")][-ROUNDS_OF_TREND:]
    if not open_objects or len(known) < 2:
        return None
    labels = np.array([_human_labels(record) for record in known], float)
    errors = np.log([record["expected_error"] for record in known])
    slope = float(np.polyfit(labels, errors, 1)[0]) if np.ptp(labels) else 0.0
    expected, allowed = known[-1]["expected_error"], known[-1]["allowed_error"]
    told = (
        f"Of all but one batch the model expected to get {expected:.1%} wrong in round {known[-1]['round']}; "
        f"a test of the certificate allows {allowed:.1%}."
    )
    if allowed <= 0:
        return Forecast(open_objects, 0, f"{told} The validation set is too small to certify anything.")
    if expected <= allowed:
        return Forecast(0, open_objects, f"{told} The next test would probably pass.")
    missing = np.log(expected / allowed) / -slope if slope < 0 else np.inf
    if missing >= open_objects:
        return Forecast(
            open_objects, 0, f"{told} More labels brought it no nearer: people would label all that is left."
        )
    needed = int(np.ceil(round(missing, 6)))
    explanation = (
        f"{told} By the trend of the last {len(known)} rounds that takes about {needed:,} labels more."
    )
    return Forecast(needed, open_objects - needed, explanation)


def _human_labels(record: dict[str, Any]) -> int:
    counts = record["counts"]
    return int(counts["human"] + counts["validation"])
