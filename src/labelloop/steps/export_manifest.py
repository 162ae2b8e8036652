"""ExportManifest: the output manifest, every object accounted for, and the report."""

import json
from collections.abc import Iterator
from typing import Any

from labelloop.core.ledger import Ledger, State
from labelloop.core.manifest import append_fields, failure_metadata, object_id, remove_id
from labelloop.core.report import Failures, outcome_counts, report_document
from labelloop.core.run_state import RunState
from labelloop.steps.step_handler import label_attribute, load_ledger, step
from labelloop.storage import s3


def export_manifest(state: RunState, time: str) -> dict[str, Any]:
    manifest_uri, report_uri = f"{state.prefix}output/output.manifest", f"{state.prefix}output/report.json"
    failures = Failures()
    s3.write_lines(manifest_uri, _output_lines(state, load_ledger(state), failures, time))
    s3.write_json(report_uri, report_document(state, _round_records(state), failures))
    output = {
        "FinalManifestS3Uri": manifest_uri,
        "ReportS3Uri": report_uri,
        "TrainedModelArn": state.trained_model_arn,
        "Counts": outcome_counts(state.counts),
        "Certificate": state.certificate,
        "StoppedBecause": state.stopped_because,
    }
    return {key: value for key, value in output.items() if value is not None}


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
