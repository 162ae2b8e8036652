"""ExportManifest over moto's S3: the page lies beside the report, and says the same."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from labelloop.core.arrays import to_bytes
from labelloop.core.ledger import State
from labelloop.steps import export_manifest
from labelloop.storage import s3
from labelloop.workflow.run_files import RunFiles
from labelloop.workflow.run_state import RunState

from .conftest import MadeUpRun

pytestmark = pytest.mark.slow
TIME = "2026-01-01T00:00:00Z"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    s3.s3_client.cache_clear()
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="bucket")
        yield "s3://bucket"
    s3.s3_client.cache_clear()


def working_line(run: MadeUpRun, number: int) -> bytes:
    record: dict[str, Any] = {"labelloop-id": number, "source": f"<b>text of object {number}</b>"}
    if run.ledger.state_of(number) == State.FAILED:
        record["category-metadata"] = {"failure-reason": "people gave no label, asked 2 times"}
    return json.dumps(record, separators=(",", ":")).encode()


def left_in_s3(run: MadeUpRun, bucket: str) -> RunState:
    """Put into S3 what the steps before the last leave there."""
    prefix = f"{bucket}/out/run/"
    manifest, ledger = f"{prefix}manifest.jsonl", f"{prefix}ledger.npy"
    s3.write_lines(manifest, (working_line(run, number) for number in range(run.size)))
    s3.write_bytes(ledger, run.ledger.to_bytes())
    files = RunFiles(prefix)
    added: dict[int, dict[str, str]] = {record.round: {} for record in run.records}
    for each in run.rounds:
        of_round = files.round(each.record.round)
        predictions = f"{of_round.predictions_folder}pool.jsonl.out"
        s3.write_bytes(of_round.training_ledger, each.seen.to_bytes())
        s3.write_lines(predictions, each.prediction_lines)
        added[each.record.round] |= {
            "ledger_s3_uri": of_round.training_ledger,
            "predictions_s3_uri": predictions,
        }
    if run.chances is not None:
        added[run.records[-1].round]["chances_s3_uri"] = f"{prefix}chances.npy"
        s3.write_bytes(f"{prefix}chances.npy", to_bytes(run.chances))
    for record in run.records:
        complete = record.model_copy(update=added[record.round])
        s3.write_json(files.round(record.round).record, complete.as_file())
    places = {"prefix": prefix, "manifest_s3_uri": manifest, "ledger_s3_uri": ledger, "earlier_prefixes": []}
    return run.state().model_copy(update=places)


def test_the_page_lies_beside_the_report_and_shows_texts_from_the_manifest(bucket: str) -> None:
    run = MadeUpRun()
    output = export_manifest.export_manifest(left_in_s3(run, bucket), TIME)
    assert output["ReportHtmlS3Uri"] == f"{bucket}/out/run/output/report.html"
    html = s3.read_bytes(output["ReportHtmlS3Uri"]).decode()
    report = s3.read_json(output["ReportS3Uri"])
    assert f"At most 5% of the {report['counts']['auto']} labels the model gave are wrong" in html
    examples = [each for group in report["evidence"]["examples"].values() for each in group]
    assert len(examples) > 40
    for each in examples:
        assert each["source"] == f"<b>text of object {each['line'] - 1}</b>"
        assert f"&lt;b&gt;text of object {each['line'] - 1}&lt;/b&gt;" in html
    assert report["failures"]["by_reason"] == {"people gave no label, asked 2 times": run.failing}
    expected = run.evidence()
    assert expected
    assert report["evidence"]["coverage_curve"] == [point.as_document() for point in expected.coverage_curve]


def test_a_run_without_predictions_has_its_labels_and_a_shorter_page(bucket: str) -> None:
    run = MadeUpRun()
    state = left_in_s3(run, bucket)
    boto3.client("s3").delete_object(Bucket="bucket", Key="out/run/round-003/predictions/pool.jsonl.out")
    output = export_manifest.export_manifest(state, TIME)
    assert s3.read_json(output["ReportS3Uri"])["evidence"] is None
    assert len(list(s3.read_lines(output["FinalManifestS3Uri"]))) == run.size
    assert "If the test began now" in s3.read_bytes(output["ReportHtmlS3Uri"]).decode()


def test_a_fault_in_the_page_does_not_fail_the_run(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_report: object) -> str:
        raise ZeroDivisionError

    monkeypatch.setattr(export_manifest, "render_report", fail)
    output = export_manifest.export_manifest(left_in_s3(MadeUpRun(), bucket), TIME)
    assert "ReportHtmlS3Uri" not in output
    assert s3.exists(output["FinalManifestS3Uri"])


def test_with_too_many_predictions_only_the_last_round_is_read(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_manifest, "MOST_PREDICTIONS_READ", 500)
    run = MadeUpRun()
    output = export_manifest.export_manifest(left_in_s3(run, bucket), TIME)
    evidence = s3.read_json(output["ReportS3Uri"])["evidence"]
    assert [entry["round"] for entry in evidence["accuracy_by_round"]] == [4]


def test_a_failed_test_that_more_labels_followed_tells_nothing(bucket: str) -> None:
    run = MadeUpRun(certified=False)
    state = left_in_s3(run, bucket)
    report = s3.read_json(export_manifest.export_manifest(state, TIME)["ReportS3Uri"])
    assert report["evidence"]["stood_for"] == report["counts"]["unlabeled"] > 0
    later = run.records[0].model_copy(update={"round": 5, "counts": run.records[-1].counts})
    s3.write_json(state.files.round(5).record, later.as_file())
    output = export_manifest.export_manifest(state, TIME)
    evidence = s3.read_json(output["ReportS3Uri"])["evidence"]
    assert (evidence["basis"], evidence["stood_for"]) == ("unknown", 0)
    page = s3.read_bytes(output["ReportHtmlS3Uri"]).decode()
    assert "The accuracy that the models expected" in page
    assert "The accuracy of the models is not known" in page
