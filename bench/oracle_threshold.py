"""The best threshold in the confidences, set by the truth: what could be saved if nothing needed testing."""

import numpy as np

from bench.given_labels import TARGET_ERROR, GivenLabels, Outcome, kept_as_given, surest_first


def oracle_of_whole_set(given: GivenLabels, seed: int) -> Outcome:  # noqa: ARG001
    """The most labels that leave at most the target of the whole data set wrong."""
    order = surest_first(given)
    return _kept(given, given.wrong[order].cumsum() <= TARGET_ERROR * len(given))


def oracle_of_auto_labels(given: GivenLabels, seed: int) -> Outcome:  # noqa: ARG001
    """The most labels of which at most the target is wrong."""
    order = surest_first(given)
    return _kept(given, given.wrong[order].cumsum() <= TARGET_ERROR * np.arange(1, len(given) + 1))


def _kept(given: GivenLabels, fine: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Outcome:
    """The longest run of the surest that is fine."""
    kept = np.zeros(len(given), bool)
    kept[surest_first(given)[: max(np.flatnonzero(fine) + 1, default=0)]] = True
    return kept_as_given(given, kept)
