"""`labelloop.audit`: which of the labels that are given may be kept, with few answers by people."""

import hashlib
import json
from collections.abc import Sequence
from os import PathLike
from typing import Any, Literal

import numpy as np
from narwhals.typing import IntoDataFrameT

from labelloop.core.certificate.promise import CertificateFor
from labelloop.core.label_words import DEFAULT_MISSING, LabelWords
from labelloop.core.ledger import NO_LABEL, Ledger, State
from labelloop.core.settings import LoopSettings
from labelloop.frames.checks import require_people, require_promise, require_seed, require_sizes
from labelloop.frames.columns import Sources, classes_of, pairs
from labelloop.frames.errors import FrameError, in_python, in_terms_of_python
from labelloop.frames.frame import NO_TEXT, Frame, FrameTable
from labelloop.frames.out_folder import out_folder
from labelloop.frames.people import Answer, answering, name_of
from labelloop.frames.results import Audited, without_a_label
from labelloop.frames.telling import Tell, Telling
from labelloop.in_memory.replay import to_the_end
from labelloop.label_audit.audit_folder import AuditFolder
from labelloop.label_audit.audit_run import AuditRun, default_batch_size, require_room_for_errors
from labelloop.label_audit.findings import report_of
from labelloop.label_audit.labeled_rows import label_names, labeled_values
from labelloop.label_audit.table import AuditTable, Columns, audit_table
from labelloop.preparation import TableFormat, TableSource
from labelloop.work_folder.lock import locked
from labelloop.workbench.server import DEFAULT_PORT

NOT_SETTLED = "people could not tell, or were not asked before the audit ended"


def audit(
    frame: IntoDataFrameT,
    *,
    text: str,
    label: Sources,
    people: Literal["workbench", "simulated"] | Answer = "workbench",
    truth: str | None = None,
    show: Sequence[str] = (),
    classes: Sequence[str] | None = None,
    positive: str | None = None,
    target_error: float = 0.05,
    confidence: float = 0.95,
    certificate_for: CertificateFor = "dataset",
    second_opinions: bool = True,
    budget: int | None = None,
    batch_size: float | None = None,
    out: str | PathLike[str] | None = None,
    seed: int | None = None,
    missing: Sequence[str] = DEFAULT_MISSING,
    exact_labels: bool = False,
    merge_case: bool = False,
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    progress: Tell | None = None,
) -> Audited[IntoDataFrameT]:
    """Find out how wrong the labels in a data frame are, and which may be kept, with few answers by people.

    The labels may come from a language model, a vendor or an old rule. People label some rows without seeing
    them; the rest is kept where a test certifies it. Rows, their order and their index stay as they are.

        audited = labelloop.audit(frame, text="title", label={"llm_label": "llm_confidence"}, people=ask)
        audited.report.given_error      # the share of wrong labels as they were given, with its interval

    frame: a pandas or polars data frame or a pyarrow table
    text: the column with the texts, which people judge. Rows without a text get no label
    label: the column with the given labels; several, or a mapping to the columns that say how sure each
        is (0 to 1, or percent), or None. What the stated confidence is worth is learned from the answers
    people: as in `labelloop.label`; `"simulated"` answers with the column `truth`
    truth: the true labels, to try an audit out. They are never looked at otherwise
    show: columns that people see above the text, a question for instance
    classes: all classes. Default: the labels in the frame, sorted
    positive: of two classes the one that a judge looks for: the pass rate is its share
    target_error, confidence: the promise. At most this share is wrong (above 0, below 1), this surely
    certificate_for: of what: the whole `"dataset"`, where people's labels count as right; `"all"` given
        labels that are kept; or those of each `"class"`
    second_opinions: where a person contradicts a label that was drawn for a test, ask again until two
        answers agree
    budget, batch_size: the most answers to ask for, and the most rows people get at once
    out: a folder for people's answers, `labels.csv`, `corrections.csv` and the report. With it, the same
        call goes on wherever it was stopped. The workbench needs it
    seed, missing, exact_labels, merge_case, host, port, progress: as in `labelloop.label`

    Raises:
        FrameError, AnswersError, LabelloopError: as `labelloop.label`

    """
    with in_python(), out_folder(out) as path:
        folder = AuditFolder(path)
        require_promise(target_error=target_error, confidence=confidence, certificate_for=certificate_for)
        require_sizes(budget=budget, batch_size=batch_size)
        require_seed(seed)
        require_people(people, out)
        given = Frame.of(frame)
        columns = _columns(given, text, label, truth, show)
        table, without_text = _table(
            given, columns, LabelWords(classes_of(classes), missing, exact_labels, merge_case), out
        )
        _check(table, people, target_error, positive)
        settings: dict[str, Any] = {
            "frame": _digest(table),
            "classes": list(table.classes),
            "people": name_of(people),
            "target_error": target_error,
            "confidence": confidence,
            "certificate_for": certificate_for,
            "second_opinions": second_opinions,
            "budget": budget,
            "batch_size": batch_size,
        }
        with locked(folder.out):
            drawn = folder.take(settings, seed)
            run = AuditRun.begin(
                table.priors,
                len(table.classes),
                LoopSettings(
                    target_error=target_error,
                    confidence=confidence,
                    certificate_for=certificate_for,
                    review_disagreements=second_opinions,
                    batch_size=batch_size or default_batch_size(len(table)),
                    max_human_labels=budget,
                    seed=drawn.value,
                ),
            )
            record = folder.record(table.classes)
            telling = Telling(progress, len(record.load()))
            run.watchers = [telling]
            with answering(
                people, folder, "audit", table.texts, table.classes, table.truth, host=host, port=port
            ) as asked:
                to_the_end(run, asked, folder.record(table.classes), telling)
            report = report_of(
                run, table, people=name_of(people), seed_was_secret=drawn.secret, positive=positive
            )
            if out is not None:
                folder.write_results(run, table, report)
        ledger = run.loop.ledger
        rows = {line - 1: labeled_values(ledger, table, row) for row, line in enumerate(table.lines)}
        labeled = given.with_rows(label_names(given.columns), rows)
        return Audited(
            frame=labeled,
            corrections=Frame.of(labeled).rows(_corrected(ledger, table)),
            report=report,
            without_a_label=without_a_label(dict.fromkeys(without_text, NO_TEXT) | _unsettled(ledger, table)),
            notes=tuple(map(in_terms_of_python, table.notes)),
        )


def _columns(frame: Frame[Any], text: str, label: Sources, truth: str | None, show: Sequence[str]) -> Columns:
    sources = pairs(label)
    if not sources:
        raise FrameError("name the column with the given labels: label=")
    frame.require({"text": text, "truth": truth})
    shown = (show,) if isinstance(show, str) else tuple(show)
    for name in shown:
        frame.require({"show": name})
    for labels, stated in sources:
        frame.require({"label": labels})
        frame.require({"label": stated or None})
    stated_by = tuple(stated for _, stated in sources)
    return Columns(
        text=text,
        labels=tuple(labels for labels, _ in sources),
        confidences=stated_by if any(stated_by) else (),
        truth=truth,
        shown=shown,
    )


def _table(
    frame: Frame[Any], columns: Columns, words: LabelWords, out: object
) -> tuple[AuditTable, list[int]]:
    used = [columns.text, *columns.labels, *columns.confidences, columns.truth, *columns.shown]
    named = [name for name in used if name]
    table = FrameTable(frame, columns.text, named if out is None else frame.columns)
    source = TableSource([table], TableFormat(columns.text, columns.labels[0]))
    return audit_table(source, columns, words), table.without_text


def _check(table: AuditTable, people: object, target_error: float, positive: str | None) -> None:
    require_room_for_errors(len(table), target_error)
    if people == "simulated" and table.truth is None:
        raise FrameError('people="simulated" answer with the truth: name its column, truth=')
    if positive is not None and (positive not in table.classes or len(table.classes) != 2):
        raise FrameError(f"positive={positive!r} is not one of two classes: {list(table.classes)}")


def _digest(table: AuditTable) -> str:
    """What people's answers belong to."""
    content = json.dumps([table.columns.labels, table.texts]).encode()
    priors, truth = table.priors, table.truth
    known = b"" if truth is None else truth.tobytes()
    parts = [content, priors.labels.tobytes(), priors.confidence.tobytes(), known]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def _corrected(ledger: Ledger, table: AuditTable) -> list[int]:
    people = ledger.ids(State.HUMAN, State.VALIDATION)
    changed = people[ledger.labels[people] != table.given[people]]
    return [table.lines[number] - 1 for number in changed.tolist()]


def _unsettled(ledger: Ledger, table: AuditTable) -> dict[int, str]:
    open_still = np.flatnonzero(ledger.labels == NO_LABEL).tolist()
    return {table.lines[number] - 1: NOT_SETTLED for number in open_still}
