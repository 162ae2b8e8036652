"""BlazingText, SageMaker's built-in algorithm for text, as the 2020 post's first part trains it."""

from collections.abc import Mapping

TEXT_ATTRIBUTE = "source"
# It keeps no checkpoints, and SageMaker waits an hour at most for a built-in algorithm that does not.
LONGEST_SPOT_SECONDS = 3600

# The post's own values.
POST_HYPERPARAMETERS: Mapping[str, str] = {
    "mode": "supervised",
    "epochs": "20",
    "learning_rate": "0.05",
    "min_count": "5",
    "vector_dim": "20",
    "word_ngrams": "2",
    "early_stopping": "True",
    "min_epochs": "1",
    "patience": "5",
}
# All of text classification's: the other modes' are refused by BlazingText once a job has begun.
_KNOWN = {*POST_HYPERPARAMETERS, "buckets"}


def hyperparameter_faults(given: Mapping[str, str]) -> list[str]:
    """What BlazingText's text classification would refuse, one sentence each."""
    faults = [f"'{name}' is no hyperparameter of its text classification" for name in given.keys() - _KNOWN]
    if given.get("mode", "supervised") != "supervised":
        faults.append(f"'mode' must be 'supervised', not {given['mode']!r:.80}")
    return sorted(faults)
