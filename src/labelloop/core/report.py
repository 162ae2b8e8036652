"""The report: what the run did, and what became of every data object."""

from collections import Counter
from typing import Any

from labelloop.core.ledger import Counts
from labelloop.core.run_state import RunState

FAILURES_LISTED = 100


class Failures:
    """Objects without a label, each with its reason: all counted, the first of them listed."""

    def __init__(self) -> None:
        self._reasons: Counter[str] = Counter()
        self._listed: list[dict[str, Any]] = []

    def note(self, line_number: int, reason: str) -> None:
        """Take note of an object, by its line in the output manifest, counted from 1."""
        self._reasons[reason] += 1
        if len(self._listed) < FAILURES_LISTED:
            self._listed.append({"line": line_number, "reason": reason})

    def as_dict(self) -> dict[str, Any]:
        return {"by_reason": dict(self._reasons.most_common(FAILURES_LISTED)), "first": self._listed}


def outcome_counts(counts: Counts) -> dict[str, int]:
    """How many objects have a label from people, from the model, or none; sums to the input."""
    return {
        "input": counts.input,
        "human": counts.human_labels,
        "auto": counts.auto,
        "failed": counts.failed,
        "unlabeled": counts.pool,
    }


def report_document(
    state: RunState, round_records: list[dict[str, Any]], failures: Failures
) -> dict[str, Any]:
    """The machine-readable report; seconds and comparisons with a known truth are added by who has them."""
    settings = state.settings
    return {
        "execution": state.execution_name,
        "policy": settings.policy,
        "query_strategy": settings.query_strategy,
        "seed": settings.seed,
        "target_error": settings.target_error,
        "confidence": settings.confidence,
        "classes": state.class_names,
        "counts": outcome_counts(state.counts),
        "human_labels_in_input": state.labels_in_input,
        "human_share": state.counts.human_labels / state.counts.input,
        "certificate": state.certificate,
        "no_certificate_because": _why_no_certificate(state),
        "stopped_because": state.stopped_because,
        "rounds": round_records,
        "failures": failures.as_dict(),
    }


def _why_no_certificate(state: RunState) -> str | None:
    if state.certificate is not None:
        return None
    if state.settings.policy == "blog":
        return "the post's rules promise nothing about the error"
    limits = state.limits
    if limits.validation < limits.fewest_validation:
        return (
            f"a validation set of {limits.validation} cannot certify an error of "
            f"{state.settings.target_error:.3g} at {state.settings.confidence:.0%} confidence: "
            f"it takes at least {limits.fewest_validation} (ValidationSize)"
        )
    if state.counts.auto == 0:
        return "no threshold could be certified, so the model labeled nothing"
    return "the auto-labels came with the input"
