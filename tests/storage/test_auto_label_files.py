"""The model's labels come back as they were written, however many there are."""

from types import SimpleNamespace
from typing import cast

import numpy as np
import orjson
import pytest

from labelloop.core.manifest.lines import LabelAttribute
from labelloop.core.model.predictions import Predictions
from labelloop.storage import auto_label_files, s3
from labelloop.workflow.run_state import RunState

CLASS_NAMES = ["a", "b", "c"]
STATE = cast(
    RunState,
    SimpleNamespace(
        label_attribute=LabelAttribute("category"),
        class_names=CLASS_NAMES,
        round_name="job-r003",
        round_files=SimpleNamespace(auto_labels="s3://bucket/auto-labels.jsonl"),
        labels_are_given=False,
        prior_attributes=(),
    ),
)


@pytest.mark.parametrize("objects", [0, 1, 3, 4, 10])
def test_labels_are_read_as_they_were_written(monkeypatch: pytest.MonkeyPatch, objects: int) -> None:
    monkeypatch.setattr(auto_label_files, "_OBJECTS_AT_ONCE", 3)
    files: dict[str, list[bytes]] = {}
    monkeypatch.setattr(s3, "write_lines", lambda uri, lines: files.__setitem__(uri, list(lines)))
    monkeypatch.setattr(s3, "read_lines", lambda uri: iter(files[uri]))
    predictions = Predictions(20)
    predictions.label[:] = np.arange(20) % len(CLASS_NAMES)
    predictions.confidence[:] = np.linspace(0.5, 1, 20)
    ids = np.arange(19, 19 - 2 * objects, -2)[::-1]

    uri = auto_label_files.write_auto_labels(STATE, predictions, ids, "2026-11-30T00:00:00")
    found, labels = auto_label_files.read_auto_labels(uri, STATE.label_attribute)
    assert found.tolist() == ids.tolist()
    assert labels.tolist() == predictions.label[ids].tolist()

    # What a line gets is what was said of its own object.
    kept = ids[::2]
    additions = dict(auto_label_files.auto_label_fields(uri, kept, 20))
    assert list(additions) == kept.tolist()
    for number, fields in additions.items():
        metadata = orjson.loads(fields)["category-metadata"]
        assert metadata["class-name"] == CLASS_NAMES[number % len(CLASS_NAMES)]
        assert metadata["confidence"] == round(float(predictions.confidence[number]), 4)
