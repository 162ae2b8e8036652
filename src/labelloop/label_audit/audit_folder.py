"""The folder of an audit (`--out`): its settings, people's answers, and what it ends with."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labelloop.answer_files.batch_file import BatchFile
from labelloop.answer_files.csv_file import write_csv
from labelloop.core.errors import RequestError
from labelloop.in_memory.answer_record import AnswerRecord
from labelloop.in_memory.workbench_folder import WorkbenchFolder
from labelloop.label_audit.audit_run import AuditRun
from labelloop.label_audit.findings import AuditReport, PlannedAnswers
from labelloop.label_audit.labeled_rows import (
    CORRECTIONS_HEADER,
    corrected_rows,
    labeled_header,
    labeled_rows,
)
from labelloop.label_audit.page import render_audit
from labelloop.label_audit.table import AuditTable
from labelloop.work_folder.json_file import write_json
from labelloop.work_folder.kept_settings import OTHER_FOLDER, changed_settings, refuse_foreign_files

_SEEDS = 2**32


@dataclass(frozen=True)
class Seed:
    """What the draws come from."""

    value: int
    secret: bool


class AuditFolder:
    """Files under `--out`."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.answers = out / "answers.csv"
        self.open_batch = out / "open-batch.csv"  # of a function that answers in the place of people
        self.labels = out / "labels.csv"
        self.corrections = out / "corrections.csv"
        self.report = out / "report.json"
        self.page = out / "report.html"
        self.workbench = WorkbenchFolder(out)
        self._settings = out / "audit.json"
        self._plan = out / "plan.json"

    def take(self, settings: Mapping[str, Any], seed: int | None) -> Seed:
        """Use this folder for the audit with these settings, or go on with it; returns its seed.

        Without a seed, one is drawn that nobody knows before the audit has ended.

        Raises RequestError when the folder holds anything else, or an audit with other settings.
        """
        self._refuse_foreign_files()
        earlier = json.loads(self._settings.read_bytes()) if self._settings.exists() else None
        changed = changed_settings(self._settings, settings)
        if (
            earlier is not None
            and seed is not None
            and (earlier["seed is secret"] or earlier["seed"] != seed)
        ):
            changed.append("--seed")
        if changed:
            raise RequestError(
                f"{self.out} holds an audit with other settings: {', '.join(changed)}. To go on with it, "
                f"give what it was begun with; to begin another, {OTHER_FOLDER}"
            )
        if earlier is not None:
            return Seed(earlier["seed"], earlier["seed is secret"])
        drawn = Seed(secrets.randbelow(_SEEDS) if seed is None else seed, seed is None)
        write_json(self._settings, {**settings, "seed": drawn.value, "seed is secret": drawn.secret})
        return drawn

    def keep_plan(self, plan: PlannedAnswers) -> None:
        """What was foreseen at the beginning, for the report at the end."""
        write_json(self._plan, plan.as_document())

    def kept_plan(self) -> PlannedAnswers | None:
        return PlannedAnswers(**json.loads(self._plan.read_bytes())) if self._plan.exists() else None

    def batch_file(self, number: int, table: AuditTable) -> BatchFile:
        return BatchFile(self.out / f"batch-{number:03d}.csv", table.classes, table.delimiter)

    def record(self, classes: tuple[str, ...]) -> AnswerRecord:
        return AnswerRecord(self.answers, classes)

    def write_results(self, run: AuditRun, table: AuditTable, report: AuditReport) -> None:
        """The labels, the corrections, and the report: its data last, for with them the audit is done."""
        ledger, delimiter, mark = run.loop.ledger, table.delimiter, table.byte_order_mark
        write_csv(
            self.labels,
            labeled_header(table),
            labeled_rows(ledger, table),
            delimiter=delimiter,
            mark=mark,
        )
        corrected = corrected_rows(ledger, table)
        write_csv(self.corrections, CORRECTIONS_HEADER, corrected, delimiter=delimiter, mark=mark)
        self.page.write_text(render_audit(report), encoding="utf-8")
        write_json(self.report, report.as_file())

    def _refuse_foreign_files(self) -> None:
        ours = {
            *(
                self.answers,
                self.open_batch,
                self.labels,
                self.corrections,
                self.report,
                self.page,
                self._settings,
                self._plan,
            ),
            *self.workbench.files(),
            *self.out.glob("batch-*.csv"),
            *self.out.glob(".~lock.*"),  # of a spreadsheet that has a batch open
        }
        refuse_foreign_files(self.out, ours, "audit")
