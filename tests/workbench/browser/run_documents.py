"""A run's document as `GET /api/run` gives it in the middle of a run, with texts that try to escape."""

from typing import Any

RUN_DOCUMENT: dict[str, Any] = {
    "run": {
        "name": "news-<b>2026</b>",
        "round": 4,
        "ended": None,
        "counts": {"input": 10_000, "human": 2240, "validation": 790, "auto": 0, "failed": 3, "pool": 7757},
        "rounds": [
            {"round": 1, "human_labels": 405, "accuracy": None, "expected_error": None},
            {"round": 2, "human_labels": 1185, "accuracy": None, "expected_error": 0.121},
            {"round": 3, "human_labels": 1450, "accuracy": None, "expected_error": 0.073},
        ],
        "certificate": None,
        "model": None,
        "target_error": 0.05,
        "confidence": 0.9,
    },
    "batch": {
        "id": "run-round-001",
        "round": 4,
        "title": "Which category fits this text best?",
        "state": "open",
        "closed_because": None,
        "people_per_object": 1,
    },
    "progress": {"total": 200, "done": 74, "skipped": 2},
    "annotators": [
        {
            "name": "Ada",
            "answers": 40,
            "skips": 1,
            "per_minute": 12.0,
            "accuracy_estimate": 0.97,
            "gold_accuracy": 1.0,
        },
        {
            "name": "<script>Grace</script>",
            "answers": 32,
            "skips": 1,
            "per_minute": 9.4,
            "accuracy_estimate": 0.91,
            "gold_accuracy": None,
        },
    ],
    "agreement": 0.83,
    "expected_end": "2026-11-24T23:10:00+00:00",
    "skipped": [
        {"line": 17, "reason": "It cannot be read or seen", "by": "Ada"},
        {"line": 4020, "reason": "<img src=x onerror=alert(1)>\u202e", "by": "<script>Grace</script>"},
    ],
    "disagreements": 3,
    "gold": {"objects": 10, "answers": 12, "accuracy": 0.9167},
    "relabeled": {"objects": 8, "answered": 5, "confirmed": 2, "changed": 2, "undecided": 1},
}
