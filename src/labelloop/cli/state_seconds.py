"""How long each state took in each round, from execution histories."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

_ROUND_ENDS_WITH = "MergeLabels"
_NESTED = "ActiveLearning"


def seconds_by_round(
    loop_history: Iterable[Mapping[str, Any]], nested_histories: Iterable[Iterable[Mapping[str, Any]]]
) -> list[dict[str, float]]:
    """Seconds by state name, one dict per round, in the order they ran.

    The nested executions, in the order they were started, belong to the rounds that have an
    `ActiveLearning` state. States before the first round count towards it; those after the last round are a
    dict of their own.
    """
    nested = iter(nested_histories)
    rounds: list[dict[str, float]] = [{}]
    for name, seconds in _durations(loop_history):
        rounds[-1][name] = rounds[-1].get(name, 0.0) + seconds
        if name == _NESTED:
            rounds[-1].update(_durations(next(nested, ())))
        if name == _ROUND_ENDS_WITH:
            rounds.append({})
    return rounds


def _durations(history: Iterable[Mapping[str, Any]]) -> list[tuple[str, float]]:
    entered: dict[str, datetime] = {}
    durations = []
    for event in history:
        if name := event.get("stateEnteredEventDetails", {}).get("name"):
            entered[name] = event["timestamp"]
        elif name := event.get("stateExitedEventDetails", {}).get("name"):
            durations.append((name, round((event["timestamp"] - entered[name]).total_seconds(), 3)))
    return durations
