"""The scale benchmark, small: every step is measured, on files that S3's own code has written."""

import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from bench import scale
from bench.results import machine, write_json
from labelloop.storage import s3

OBJECTS = 2_000
# Of a payload in Step Functions.
MOST_STATE_BYTES = 256 * 1024


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    # To be as it was afterwards.
    monkeypatch.setattr(s3, "s3_client", s3.s3_client)
    monkeypatch.setitem(os.environ, "POWERTOOLS_LOG_LEVEL", "CRITICAL")

    def in_here(folder: Path, work: Any, *arguments: Any) -> Any:
        return scale.measured(folder, work, arguments)

    monkeypatch.setattr(scale, "in_a_process", in_here)


def test_every_step_is_measured_and_every_object_goes_through(tmp_path: Path) -> None:
    rows = {row.step: row for row in scale.run(tmp_path, OBJECTS)}
    steps = {name.partition(",")[0] for name in rows}
    assert steps == {
        "prepare_manifest", "select_for_humans", "label_at_once", "merge_labels",
        "split_labels", "auto_label", "export_manifest",
    }  # fmt: skip
    assert all(row.state_bytes < MOST_STATE_BYTES / 10 for row in rows.values())
    out = tmp_path / "bucket/out/bench/output/output.manifest"
    assert out.read_bytes().count(b"\n") == OBJECTS
    manifest = (tmp_path / "bucket/in/input.manifest").stat().st_size
    exported, prepared = rows["export_manifest"], rows["prepare_manifest"]
    assert prepared.bytes_read >= manifest
    assert exported.bytes_written >= out.stat().st_size
    assert exported.reads >= 5
    # The test of the model's labels has passed: they were merged.
    assert b'"human-annotated":"no"' in out.read_bytes()
    assert f"| export_manifest | {exported.processor_seconds:.0f} |" in scale.limits_table(
        list(rows.values())
    )


def test_of_a_repeated_step_the_most_counts() -> None:
    one = scale.Measured("merge_labels", 10, 2.0, 1.0, 300.0, 5, 6, 700, 800, 900)
    two = scale.Measured("merge_labels", 10, 1.0, 3.0, 200.0, 9, 4, 600, 990, 100)
    assert one.or_more(two) == scale.Measured("merge_labels", 10, 2.0, 3.0, 300.0, 9, 6, 700, 990, 900)
    assert one.or_more(two) == two.or_more(one)


def test_measured_again_the_lesser_time_counts_and_the_most_of_the_rest() -> None:
    one = scale.Measured("merge_labels", 10, 2.0, 1.0, 300.0, 5, 6, 700, 800, 900)
    two = scale.Measured("merge_labels", 10, 1.0, 3.0, 200.0, 9, 4, 600, 990, 100)
    assert one.or_faster(two) == scale.Measured("merge_labels", 10, 1.0, 1.0, 300.0, 9, 6, 700, 990, 900)
    assert one.or_faster(two) == two.or_faster(one)


def test_it_is_compared_with_the_same_measurement_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(scale, "RESULTS", tmp_path)
    row = scale.Measured("merge_labels", 10, 2.0, 1.0, 300.0, 5, 6, 700, 800, 900)
    with pytest.raises(ValueError, match="nothing was measured"):
        scale.last_call([10])
    write_json("scale", {"machine": machine(), "rows": [asdict(row)]}, tmp_path)
    assert scale.last_call([10]) == {("merge_labels", 10): row}
    with pytest.raises(ValueError, match="of other sizes"):
        scale.last_call([10, 20])
    write_json("scale", {"machine": {**machine(), "core": "0"}, "rows": [asdict(row)]}, tmp_path)
    with pytest.raises(ValueError, match="of another version"):
        scale.last_call([10])
