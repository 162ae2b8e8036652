"""`labelloop audit`: from a file with labels to a certificate of how wrong they may be."""

import contextlib
import json
import math
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from labelloop.cli import table_options
from labelloop.cli.audit_people import PeopleWithFiles, stopped
from labelloop.cli.errors import explained_errors
from labelloop.cli.progress import Progress, what_happened
from labelloop.cli.run_options import share
from labelloop.cli.sentences import line_printer, say
from labelloop.cli.table_options import comma_separated
from labelloop.core.errors import RequestError
from labelloop.core.label_words import LabelWords
from labelloop.core.loop import Loop, RoundOutcome
from labelloop.core.settings import LoopSettings
from labelloop.in_memory.batch_run import Batch, People
from labelloop.in_memory.people import SimulatedTruth
from labelloop.in_memory.replay import to_the_end
from labelloop.label_audit.audit_folder import AuditFolder
from labelloop.label_audit.audit_run import AuditRun, default_batch_size, require_room_for_errors
from labelloop.label_audit.findings import AuditReport, PlannedAnswers, report_of
from labelloop.label_audit.forecast import Plan, forecast
from labelloop.label_audit.page import class_sentence
from labelloop.label_audit.table import AuditTable, Columns, Written, read_table
from labelloop.label_audit.words import plan_sentences, seed_sentence, summary_sentences
from labelloop.simulation import Watcher
from labelloop.work_folder.kept_settings import file_digest
from labelloop.work_folder.lock import locked
from labelloop.workbench.server import DEFAULT_PORT

# Where people are simulated, a forecast after each batch would take longer than the audit.
_BATCHES_FORETOLD_IN_SIMULATION = 1
_CLASSES_SHOWN = 12


class CertificateFor(StrEnum):
    """What the certificate is about."""

    DATASET = "dataset"
    ALL = "all"
    CLASS = "class"


class Checkers(StrEnum):
    """Who checks labels."""

    WORKBENCH = "workbench"
    FILE = "file"
    SIMULATED = "simulated"


def audit(
    files: table_options.Files,
    text_column: Annotated[str, typer.Option(help="The column with the texts, which people judge.")],
    label_column: Annotated[
        list[str],
        typer.Option(help="The column with the given labels. Repeat it for each further source of labels."),
    ],
    out: Annotated[Path, typer.Option(help="The folder for people's answers and the results.")],
    confidence_column: Annotated[
        list[str] | None,
        typer.Option(
            help="How sure the source is: 0 to 1, or percent. People's answers show what that is worth."
        ),
    ] = None,
    people: Annotated[
        Checkers,
        typer.Option(
            help="Who checks: you and others in the browser; you in CSV files; or simulated people, to try "
            "it on a file with --truth-column."
        ),
    ] = Checkers.WORKBENCH,
    certificate_for: Annotated[
        CertificateFor,
        typer.Option(
            help="Which labels the promise is about: the whole data set, with people's labels counted as "
            "right; all given labels that are kept; or those of each class."
        ),
    ] = CertificateFor.DATASET,
    target_error: Annotated[
        float, typer.Option(parser=share, metavar="SHARE", help="The share that may be wrong.")
    ] = 0.05,
    confidence: Annotated[
        float,
        typer.Option(parser=share, metavar="SHARE", help="How sure the certificate must be of that."),
    ] = 0.95,
    truth_column: Annotated[
        str | None,
        typer.Option(
            help="The column with the true labels: what simulated people answer, and what the result is "
            "compared with. It is used for nothing else."
        ),
    ] = None,
    show_column: Annotated[
        list[str] | None, typer.Option(help="A column that people see above the text: a question, say.")
    ] = None,
    classes: Annotated[
        str | None,
        typer.Option(metavar="A,B,C", help="All classes. Default: the labels in the file, sorted."),
    ] = None,
    positive: Annotated[
        str | None,
        typer.Option(
            help="With two classes, the one whose share is the pass rate. Default: yes, pass, true or the "
            "like, else the last."
        ),
    ] = None,
    second_opinions: Annotated[
        bool,
        typer.Option(
            "--second-opinions/--one-answer",
            help="Where a person contradicts a label that was drawn for the test, ask again until two people "
            "agree, or take the first answer. With one answer, each slip of that person counts against the "
            "labels: more answers are needed, and the promise is about what that person would say.",
        ),
    ] = True,
    max_human_labels: Annotated[
        float | None,
        typer.Option(help="The most answers to ask for. A share of the rows below 1, else a count."),
    ] = None,
    batch_size: Annotated[
        float | None,
        typer.Option(
            help="How many rows people get at once, at most. A share of the rows below 1, else a count. "
            "Default: 0.05, but at least 10 rows."
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=2**32 - 1,
            help="The same seed and answers give the same result. Anyone who knows the seed can work out "
            "which rows will be drawn. Default: a secret one, shown in the report.",
        ),
    ] = None,
    missing: table_options.Missing = None,
    exact_labels: table_options.ExactLabels = False,
    merge_case: table_options.MergeCase = False,
    delimiter: table_options.Delimiter = None,
    encoding: table_options.Encoding = None,
    column_names: table_options.ColumnNames = None,
    quotes: table_options.Quotes = None,
    backslashes: table_options.Backslashes = None,
    sheet: table_options.Sheet = None,
    host: Annotated[
        str, typer.Option(help="Where the workbench is served; 0.0.0.0 opens it to the local network.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The first port to try.")] = DEFAULT_PORT,
    plan_only: Annotated[
        bool, typer.Option("--plan", help="Say how many answers it will take, and ask nobody.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print report.json and nothing else.")] = False,
) -> None:
    """Find out how wrong given labels are, and which you may keep, with few answers by people.

    The labels may come from a language model, a vendor or an old rule. First the command estimates how many
    answers it will take. Then people label some rows, batch after batch, without seeing the given labels. It
    ends with a certificate and, in --out: labels.csv (your columns, then label, labeled_by, was, confidence
    and round), corrections.csv, report.html and report.json.

    With --people file, the command writes batch-001.csv and ends with exit code 0. Fill in the column "label"
    and run the same command again, until report.json is there. After an interruption, too, the same command
    continues.

    Example: labelloop audit headlines.csv --text-column text --label-column llm_label
    --confidence-column llm_confidence --target-error 0.05 --people file --out audit
    """
    console = Console(stderr=as_json)
    with explained_errors():
        columns = Columns(
            text=text_column,
            labels=tuple(label_column),
            confidences=tuple(confidence_column or ()),
            truth=truth_column,
            shown=tuple(show_column or ()),
        )
        table = read_table(
            files,
            columns,
            written=Written(
                delimiter=table_options.delimiter_of(delimiter),
                encoding=encoding or "",
                column_names=comma_separated(column_names, "--columns") or (),
                quoted=quotes,
                escaped=backslashes,
                sheet=sheet or "",
            ),
            words=LabelWords(
                comma_separated(classes, "--classes"),
                table_options.missing_words(missing),
                exact_labels,
                merge_case,
            ),
        )
        _check(table, people, target_error, positive)
        _check_sizes(batch_size, max_human_labels)
        settings: dict[str, Any] = {
            "FILE.csv": file_digest(files),
            "--text-column": text_column,
            "--label-column": label_column,
            "--confidence-column": confidence_column,
            "--truth-column": truth_column,
            "--show-column": show_column,
            "--classes": list(table.classes),
            "--delimiter": table.delimiter,
            # None is the default: an audit that began before there were these options goes on.
            "--missing": missing,
            "--exact-labels": exact_labels or None,
            "--merge-case": merge_case or None,
            "--encoding": encoding,
            "--columns": column_names,
            "--quotes": quotes,
            "--backslashes": backslashes,
            "--sheet": sheet,
            "--people": people.value,
            "--certificate-for": certificate_for.value,
            "--target-error": target_error,
            "--confidence": confidence,
            "--second-opinions": second_opinions,
            "--max-human-labels": max_human_labels,
            "--batch-size": batch_size or default_batch_size(len(table)),
        }
        table_options.print_reading(console, table.read_as, table.notes)
        folder = AuditFolder(out)
        if plan_only:
            _print_plan(console, _begin(table, _loop_settings(settings, seed or 0)))
            return
        with locked(out):
            drawn = folder.take(settings, seed)
            audited = _Audited(console, folder, table, _loop_settings(settings, drawn.value), people)
            try:
                audited.plan()
                with audited.asked(host, port) as asked:
                    whole = audited.to_the_end(asked)
            except KeyboardInterrupt:
                raise stopped(console) from None
            if not whole:
                return
            report = audited.report(positive, secret=drawn.secret)
            folder.write_results(audited.run, table, report)
    if as_json:
        sys.stdout.write(json.dumps(report.as_file(), indent=2, ensure_ascii=False) + "\n")
    else:
        _print_result(console, report, folder)


def _check(table: AuditTable, people: Checkers, target_error: float, positive: str | None) -> None:
    require_room_for_errors(len(table), target_error)
    if people is Checkers.SIMULATED and table.truth is None:
        raise RequestError("--people simulated answer with the truth: name its column with --truth-column")
    if positive is not None and (positive not in table.classes or len(table.classes) != 2):
        raise RequestError(
            f"--positive is one of two classes, and not {positive!r} of {', '.join(map(repr, table.classes))}"
        )


def _check_sizes(batch_size: float | None, max_human_labels: float | None) -> None:
    for option, size in (("--batch-size", batch_size), ("--max-human-labels", max_human_labels)):
        if size is not None and not 0 < size < math.inf:
            raise RequestError(f"{option} is a share of the rows below 1, or a count, and not {size:g}")


def _loop_settings(settings: dict[str, Any], seed: int) -> LoopSettings:
    return LoopSettings(
        target_error=settings["--target-error"],
        confidence=settings["--confidence"],
        certificate_for=settings["--certificate-for"],
        review_disagreements=settings["--second-opinions"],
        batch_size=settings["--batch-size"],
        max_human_labels=settings["--max-human-labels"],
        seed=seed,
    )


def _begin(table: AuditTable, settings: LoopSettings) -> AuditRun:
    return AuditRun.begin(table.priors, len(table.classes), settings)


class AuditProgress(Progress, Watcher):
    """Prints a line for each batch."""

    def people_heard(self, loop: Loop, outcome: RoundOutcome) -> None:
        record = outcome.record
        happened = what_happened(
            None, 0, record.test, loop.certificate, record.sent_to_people, left=loop.counts.pool
        )
        self.counts = loop.counts
        self.print_round(record.round, happened.removeprefix("no model yet; "), loop.counts)


class _Audited:
    """An audit in its folder: what was answered before is replayed, the rest is asked."""

    def __init__(
        self,
        console: Console,
        folder: AuditFolder,
        table: AuditTable,
        settings: LoopSettings,
        people: Checkers,
    ) -> None:
        self._console, self._folder, self._table, self._people = console, folder, table, people
        self.run = _begin(table, settings)

    @contextlib.contextmanager
    def asked(self, host: str, port: int) -> Iterator[People]:
        """Those who answer."""
        if self._people is Checkers.WORKBENCH:
            # Here, since FastAPI is slow to import, and every command imports this module.
            from labelloop.in_memory.workbench import PeopleAtWorkbench

            with PeopleAtWorkbench.serving(
                line_printer(self._console),
                self._folder.workbench,
                "audit",
                self._table.texts,
                self._table.classes,
                host=host,
                port=port,
            ) as served:
                self._console.print("Ctrl-C stops. Every answer is kept, and the same command goes on.")
                yield served
        elif self._people is Checkers.FILE:
            yield PeopleWithFiles(self._console, self._folder, self._table)
        else:
            assert self._table.truth is not None, "checked before"
            yield SimulatedTruth(self._table.truth)

    def plan(self) -> None:
        """Say what it will take, before anyone is asked; once."""
        if self._folder.kept_plan() is None:
            self._folder.keep_plan(PlannedAnswers.of(_print_plan(self._console, self.run)))

    def to_the_end(self, people: People) -> bool:
        """Batch after batch; False when answers are still to come."""
        with AuditProgress(self._console) as self._progress:
            self._progress.doing = "planning"
            return to_the_end(self.run, people, self._folder.record(self._table.classes), self)

    def replaying(self, batch: Batch) -> None:
        self._progress.round = batch.number
        self.run.watchers = []

    def asking(self, batch: Batch) -> None:
        self._progress.round = batch.number
        self._progress.doing = f"people are asked about {len(batch.asked):,} rows"
        self.run.watchers = [self._progress]

    def answered(self, batch: Batch) -> None:
        """The plan, after a batch that was new."""
        simulated = self._people is Checkers.SIMULATED
        if self.run.loop.certificate is not None or (
            simulated and batch.number > _BATCHES_FORETOLD_IN_SIMULATION
        ):
            return
        self._progress.doing = "planning again"
        _print_plan(self._console, self.run, alternatives=batch.number <= 1)

    def report(self, positive: str | None, *, secret: bool) -> AuditReport:
        with self._console.status("Weighing up the answers"):
            return report_of(
                self.run,
                self._table,
                people=self._people.value,
                seed_was_secret=secret,
                positive=positive,
                planned=self._folder.kept_plan(),
            )


def _print_plan(console: Console, run: AuditRun, *, alternatives: bool = True) -> Plan:
    with console.status("Planning"):
        plan, settings = forecast(run, alternatives=alternatives), run.loop.settings
    for sentence in plan_sentences(plan, settings.certificate_for, settings.target_error):
        say(console, sentence)
    return plan


def _print_result(console: Console, report: AuditReport, folder: AuditFolder) -> None:
    console.print()
    for sentence in (*summary_sentences(report), seed_sentence(report)):
        say(console, sentence)
    if len(report.classes) <= _CLASSES_SHOWN:
        for found in report.by_class:
            say(console, f"  {class_sentence(found)}")
    for label, path in (
        ("labels", folder.labels),
        ("changed", folder.corrections),
        ("report", folder.page),
        ("numbers", folder.report),
    ):
        console.print(Text.assemble((f"{label:>8}  ", "dim"), str(path)), soft_wrap=True)
