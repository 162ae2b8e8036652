"""The user's rows with the labels they end with, and the rows where people changed one."""

import math
from collections.abc import Collection, Iterator

from labelloop.core.ledger import NO_LABEL, Ledger, State
from labelloop.core.model.prior_labels import NONE_GIVEN
from labelloop.label_audit.table import AuditTable

_COLUMNS = ("label", "labeled_by", "was", "confidence", "round")
_BY_PEOPLE = (State.HUMAN, State.VALIDATION)


def labeled_header(table: AuditTable) -> list[str]:
    """The user's columns, and ours behind them."""
    return [*table.header, *label_names(table.header)]


def label_names(taken: Collection[str]) -> list[str]:
    """Ours; they are renamed together where a name is taken."""
    ours = list(_COLUMNS)
    while set(taken) & set(ours):
        ours = [f"audit_{name}" for name in ours]
    return ours


def labeled_rows(ledger: Ledger, table: AuditTable) -> Iterator[list[str]]:
    """All rows in their order: every field as it was, then what became of the label.

    `labeled_by`: people; given, where a given label was kept; inferred, where people's answers have shown
    that such a given label mostly stands for another class, which was put in its place; nobody.
    """
    for number, fields in enumerate(table.rows):
        label, labeled_by, was, confidence, since = labeled_values(ledger, table, number)
        yield [
            *fields,
            label or "",
            labeled_by,
            was or "",
            "" if confidence is None else f"{confidence:.6g}",
            "" if since is None else str(since),
        ]


def labeled_values(
    ledger: Ledger, table: AuditTable, number: int
) -> tuple[str | None, str, str | None, float | None, int | None]:
    """What became of a row's label, by the names of our columns; None where there is nothing to say."""
    label, state = int(ledger.labels[number]), ledger.state_of(number)
    confidence = float(table.confidence[number])
    return (
        table.classes[label] if label != NO_LABEL else None,
        _labeled_by(table, number, label, state),
        _was(table, number) or None,
        None if math.isnan(confidence) else confidence,
        int(ledger.rounds[number]) if state != State.POOL else None,
    )


def corrected_rows(ledger: Ledger, table: AuditTable) -> Iterator[list[str]]:
    """Line in the file, text, what the label was, and what people say, where they differ."""
    for number in ledger.ids(*_BY_PEOPLE).tolist():
        label, was = int(ledger.labels[number]), int(table.given[number])
        if label != was:
            yield [
                str(table.lines[number]),
                table.texts[number],
                _was(table, number),
                table.classes[label],
            ]


CORRECTIONS_HEADER = ("line", "text", "was", "label")


def _was(table: AuditTable, number: int) -> str:
    was = int(table.given[number])
    return table.classes[was] if was != NONE_GIVEN else ""


def _labeled_by(table: AuditTable, number: int, label: int, state: State) -> str:
    if state in _BY_PEOPLE:
        return "people"
    if state != State.AUTO:
        return "nobody"
    return "given" if label in table.priors.labels[number] else "inferred"
