"""ExportManifest: the output manifest, every object accounted for, and the report."""

import json
from collections.abc import Iterator
from typing import Any

import numpy.typing as npt

from labelloop.core.arrays import from_bytes
from labelloop.core.certificate.audit import Verdict
from labelloop.core.errors import LabelloopError
from labelloop.core.ledger import Ledger, State
from labelloop.core.manifest.lines import append_fields, failure_metadata, object_id, remove_id
from labelloop.core.model.predictions import read_predictions
from labelloop.core.report.document import Failures, outcome_counts, report_document
from labelloop.core.report.model_quality import ModelQuality, example_ids, with_excerpts
from labelloop.reporting.page import render_report
from labelloop.steps.step_handler import label_attribute, label_categories, load_ledger, logger, step
from labelloop.storage import s3
from labelloop.workflow.run_state import RunState

# Reading a prediction takes some 50 microseconds on Lambda: above this, a step's 15 minutes get short.
MOST_PREDICTIONS_READ = 5_000_000


def export_manifest(state: RunState, time: str) -> dict[str, Any]:
    folder = f"{state.prefix}output/"
    manifest_uri, report_uri, page_uri = (
        f"{folder}{name}" for name in ("output.manifest", "report.json", "report.html")
    )
    ledger, failures = load_ledger(state), Failures()
    examples: dict[int, dict[str, Any]] = {}
    round_records = _round_records(state)
    evidence = _evidence(state, ledger, round_records)
    lines = _output_lines(state, ledger, failures, time)
    s3.write_lines(manifest_uri, _noting(examples, example_ids(evidence), lines))
    with_excerpts(evidence, examples)
    report = report_document(state, round_records, failures, evidence)
    _log_failures(failures)
    s3.write_json(report_uri, report)
    output = {
        "FinalManifestS3Uri": manifest_uri,
        "ReportS3Uri": report_uri,
        "ReportHtmlS3Uri": _write_page(page_uri, report),
        "TrainedModelArn": state.trained_model_arn,
        "Counts": outcome_counts(state.counts),
        "Certificate": state.certificate,
        "StoppedBecause": state.stopped_because,
    }
    return {key: value for key, value in output.items() if value is not None}


def _log_failures(failures: Failures) -> None:
    """A line for each reason, and for each of the first objects: what a query in CloudWatch finds."""
    found = failures.as_dict()
    for reason, objects in found["by_reason"].items():
        logger.warning("objects without a label", extra={"reason": reason, "objects": objects})
    for failure in found["first"]:
        logger.warning("object without a label", extra=failure)


def _write_page(uri: str, report: dict[str, Any]) -> str | None:
    """Where the page is; None, with the fault in the log, when it could not be made."""
    try:
        page = render_report(report)
    except Exception:  # The labels are written: no fault of the page may fail the run that made them.
        logger.exception("the report has no page")
        return None
    s3.write_bytes(uri, page.encode())
    return uri


def _output_lines(state: RunState, ledger: Ledger, failures: Failures, time: str) -> Iterator[bytes]:
    attribute = label_attribute(state)
    reason = f"not labeled: the run ended because {state.stopped_because}"
    unlabeled = {
        attribute.metadata: failure_metadata(reason=reason, time=time, job_name=state.job_prefix),
    }
    for number, line in enumerate(s3.read_lines(state.manifest_s3_uri), 1):
        current = ledger.state_of(object_id(line))
        if current == State.FAILED:
            failures.note(number, json.loads(line)[attribute.metadata]["failure-reason"])
        elif current == State.POOL:
            failures.note(number, reason)
            line = append_fields(line, unlabeled)
        yield remove_id(line)


def _noting(noted: dict[int, Any], wanted: set[int], lines: Iterator[bytes]) -> Iterator[bytes]:
    """Pass lines on, and keep the records of the wanted ids: an object's id is its line number from 0."""
    for number, line in enumerate(lines):
        if number in wanted:
            noted[number] = json.loads(line)
        yield line


def _evidence(state: RunState, ledger: Ledger, round_records: list[dict[str, Any]]) -> dict[str, Any] | None:
    """What the models' predictions say; None, with the reason in the log, when they cannot be read.

    By then everything is labeled: the report's details must not stand in the way of the labels.
    """
    try:
        chances = _chances_of_the_last_test(round_records)
        collector = ModelQuality(ledger, len(state.class_names), state.settings.confidence, chances)
        for record in _rounds_to_read(round_records, len(ledger)):
            seen = Ledger.from_bytes(s3.read_bytes(record["ledger_s3_uri"]))
            predictions = read_predictions(
                s3.read_lines(record["predictions_s3_uri"]),
                seen.ids(State.POOL, State.VALIDATION),
                len(seen),
                label_categories(state),
            )
            collector.add(record["round"], seen, predictions, record.get("threshold"))
    except LabelloopError as error:
        logger.warning("the report goes without the predictions' details", extra={"reason": str(error)})
        return None
    return collector.document()


def _chances_of_the_last_test(round_records: list[dict[str, Any]]) -> npt.NDArray[Any] | None:
    """Of a test that passed, or that the run ended with: after any other, labels were chosen anew."""
    for record in round_records[::-1]:
        if uri := record.get("chances_s3_uri"):
            passed = record["test"]["verdict"] == Verdict.PASSED
            return from_bytes(s3.read_bytes(uri)) if passed or record is round_records[-1] else None
    return None


def _rounds_to_read(round_records: list[dict[str, Any]], size: int) -> list[dict[str, Any]]:
    """The rounds that asked a model; only the last of them when that would be too many predictions."""
    asked = [
        record for record in round_records if record.get("predictions_s3_uri") and record.get("ledger_s3_uri")
    ]
    return asked if len(asked) * size <= MOST_PREDICTIONS_READ else asked[-1:]


def _round_records(state: RunState) -> list[dict[str, Any]]:
    """The records of all rounds, those of the executions this one resumes included."""
    records = {}
    for prefix in (*state.earlier_prefixes, state.prefix):
        for uri in s3.list_uris(f"{prefix}round-"):
            if uri.endswith("/merged/round.json"):
                record = s3.read_json(uri)
                records[record["round"]] = record
    return [records[number] for number in sorted(records)]


handler = step(export_manifest)
