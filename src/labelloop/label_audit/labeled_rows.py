"""The user's rows with the labels they end with, and the rows where people changed one."""

import math
from collections.abc import Iterator

from labelloop.core.ledger import NO_LABEL, Ledger, State
from labelloop.core.model.prior_labels import NONE_GIVEN
from labelloop.label_audit.table import AuditTable

_COLUMNS = ("label", "labeled_by", "was", "confidence", "round")
_BY_PEOPLE = (State.HUMAN, State.VALIDATION)


def labeled_header(table: AuditTable) -> list[str]:
    """The user's columns, and ours behind them; ours are renamed together where a name is taken."""
    taken, ours = set(table.header), list(_COLUMNS)
    while taken & set(ours):
        ours = [f"audit_{name}" for name in ours]
    return [*table.header, *ours]


def labeled_rows(ledger: Ledger, table: AuditTable) -> Iterator[list[str]]:
    """All rows in their order: every field as it was, then what became of the label.

    `labeled_by`: person; given, where a given label was kept; inferred, where people's answers have shown
    that such a given label mostly stands for another class, which was put in its place; nobody.
    """
    for number, fields in enumerate(table.rows):
        label, state = int(ledger.labels[number]), ledger.state_of(number)
        confidence = float(table.confidence[number])
        yield [
            *fields,
            table.classes[label] if label != NO_LABEL else "",
            _labeled_by(table, number, label, state),
            _was(table, number),
            "" if math.isnan(confidence) else f"{confidence:.6g}",
            str(ledger.rounds[number]) if state != State.POOL else "",
        ]


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
        return "person"
    if state != State.AUTO:
        return "nobody"
    return "given" if label in table.priors.labels[number] else "inferred"
