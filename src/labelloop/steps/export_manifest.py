"""ExportManifest: write the output manifest, with every object, and the report."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy.typing as npt

from labelloop.core.errors import LabelloopError
from labelloop.core.ledger import Ledger
from labelloop.core.loop import EndedLoop, Loop
from labelloop.core.manifest.lines import append_fields, failure_metadata, object_id, remove_id
from labelloop.core.records import FailureRecord, ModelQuality, Report, RoundRecord
from labelloop.core.report.document import EndedRun, Failures, report_of
from labelloop.core.report.model_quality import (
    ModelQualityCollector,
    example_ids,
    tells_of_the_rest,
    with_excerpts,
)
from labelloop.reporting.page import render_report
from labelloop.reporting.thumbnails import thumbnails
from labelloop.steps.step_handler import logger, step
from labelloop.storage import s3
from labelloop.storage.array_files import read_array
from labelloop.storage.lineage import lineage_of
from labelloop.storage.loop_files import load_loop
from labelloop.storage.prediction_files import load_predictions
from labelloop.workflow.run_files import RoundFiles
from labelloop.workflow.run_output import RunOutput
from labelloop.workflow.run_state import RunState

# Of all rounds together. Each takes some 0.2 microseconds and, until the report is made, two bytes.
MOST_PREDICTIONS_READ = 100_000_000
_NOT_REPORTED = ("embedding", "disagreement")


def export_manifest(state: RunState, time: str) -> dict[str, Any]:
    loop, failures, files = load_loop(state), Failures(), state.files
    ended = _with_lineage(state, loop, loop.export(state.stopped_because))
    examples: dict[int, dict[str, Any]] = {}
    rounds = _round_records(state)
    quality = _model_quality(state, loop.ledger, rounds)
    lines = _output_lines(state, ended, failures, time)
    s3.write_lines(files.output_manifest, _noting(examples, example_ids(quality), lines))
    report = report_of(_ended(state, ended, rounds), failures, with_excerpts(quality, examples))
    _log_failures(report.failures)
    s3.write_json(files.report, report.as_file())
    return RunOutput(
        final_manifest_s3_uri=files.output_manifest,
        report_s3_uri=files.report,
        report_html_s3_uri=_write_page(files.report_page, report),
        trained_model_arn=state.trained_model_arn,
        counts=report.counts,
        certificate=ended.certificate,
        stopped_because=ended.stopped_because,
        seed=report.seed,
    ).as_document()


def _with_lineage(state: RunState, loop: Loop, ended: EndedLoop) -> EndedLoop:
    """The certificate says what other executions have tried too."""
    if ended.certificate is None:
        return ended
    return replace(ended, certificate=ended.certificate.of_lineage(lineage_of(state, loop)))


def _ended(state: RunState, ended: EndedLoop, rounds: tuple[RoundRecord, ...]) -> EndedRun:
    return EndedRun(
        loop=ended,
        execution=state.execution_name,
        requested=state.settings.model_dump(by_alias=True, mode="json", exclude_none=True),
        query_strategy=state.settings.query_strategy,
        classes=tuple(state.class_names),
        rounds=rounds,
        given_by=state.prior_attributes if state.labels_are_given else None,
        foundation_model=state.model_records,
        earlier_seeds=tuple(state.earlier_seeds),
    )


def _log_failures(failures: FailureRecord) -> None:
    """A log line for each reason and for each of the first objects, so that CloudWatch queries find them."""
    for reason, objects in failures.by_reason.items():
        logger.warning("objects without a label", extra={"reason": reason, "objects": objects})
    for failure in failures.first:
        logger.warning("object without a label", extra=failure.as_document())


def _write_page(uri: str, report: Report) -> str | None:
    """Where the page is; None, with the error in the log, when it could not be made."""
    try:
        page = render_report(report, images=thumbnails(report, s3.read_bytes))
    except Exception:  # The labels are already written: an error in the page must not fail the run.
        logger.exception("the report has no page")
        return None
    s3.write_bytes(uri, page.encode())
    return uri


def _output_lines(state: RunState, ended: EndedLoop, failures: Failures, time: str) -> Iterator[bytes]:
    attribute, reason = state.label_attribute, ended.why_unlabeled
    unlabeled = {
        attribute.metadata: failure_metadata(reason=reason, time=time, job_name=state.job_prefix),
    }
    for line in s3.read_lines(state.manifest_s3_uri):
        number = object_id(line)
        if ended.failed[number]:
            failures.note(number + 1, json.loads(line)[attribute.metadata]["failure-reason"])
        elif ended.unlabeled[number]:
            failures.note(number + 1, reason)
            line = append_fields(line, unlabeled)
        yield remove_id(line)


def _noting(noted: dict[int, Any], wanted: set[int], lines: Iterator[bytes]) -> Iterator[bytes]:
    """Pass all lines on, and keep the records of the wanted ids. An object's id is its line number from 0."""
    for number, line in enumerate(lines):
        if number in wanted:
            noted[number] = json.loads(line)
        yield line


def _model_quality(state: RunState, ledger: Ledger, rounds: tuple[RoundRecord, ...]) -> ModelQuality | None:
    """What the models' predictions say; None, with the reason in the log, when they cannot be read.

    Everything is labeled by then: a problem with the report's details must not cost the labels.
    """
    try:
        chances = _chances_of_the_last_test(rounds)
        collector = ModelQualityCollector(ledger, len(state.class_names), state.settings.confidence, chances)
        for record, predictions_uri, ledger_uri in _rounds_to_read(rounds, len(ledger)):
            seen = Ledger.from_bytes(s3.read_bytes(ledger_uri))
            files = RoundFiles.of_training_ledger(ledger_uri)
            predictions = load_predictions(
                files.predictions, predictions_uri, seen, state.label_categories, without=_NOT_REPORTED
            )
            collector.add(record.round, seen, predictions, record.threshold)
    except LabelloopError as error:
        logger.warning("the report goes without the predictions' details", extra={"reason": str(error)})
        return None
    return collector.record()


def _chances_of_the_last_test(rounds: tuple[RoundRecord, ...]) -> npt.NDArray[Any] | None:
    for record in rounds[::-1]:
        if uri := record.chances_s3_uri:
            return read_array(uri) if tells_of_the_rest(record, rounds[-1]) else None
    return None


def _rounds_to_read(rounds: tuple[RoundRecord, ...], size: int) -> list[tuple[RoundRecord, str, str]]:
    """The rounds that asked a model, with their predictions and the ledger it saw.

    Only the last of these rounds, when all of them have too many predictions.
    """
    asked = [
        (record, record.predictions_s3_uri, record.ledger_s3_uri)
        for record in rounds
        if record.predictions_s3_uri and record.ledger_s3_uri
    ]
    return asked if len(asked) * size <= MOST_PREDICTIONS_READ else asked[-1:]


def _round_records(state: RunState) -> tuple[RoundRecord, ...]:
    """The records of all rounds, including those of the executions that this one resumes."""
    records = {}
    for files in state.all_files:
        for uri in files.round_records(s3.list_uris(files.rounds)):
            record = RoundRecord.read(s3.read_json(uri))
            records[record.round] = record
    return tuple(records[number] for number in sorted(records))


handler = step(export_manifest)
