"""What the functions return: a frame, a certificate, a report; all of it for people and as data."""

import tempfile
import webbrowser
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import Generic

from narwhals.typing import IntoDataFrameT

from labelloop.core.records import Certificate, Report
from labelloop.core.report.certificate_in_words import certificate_sentence
from labelloop.frames.errors import in_terms_of_python
from labelloop.label_audit.findings import AuditReport
from labelloop.label_audit.page import render_audit
from labelloop.label_audit.words import certificate_sentences, summary_sentences
from labelloop.reporting.page import render_report

_HEIGHT = 700


@dataclass(frozen=True)
class Certified:
    """What is promised about the labels. It is false where nothing could be certified."""

    words: str  # the promise and what it rests on, or why there is none
    data: Certificate | None

    def __bool__(self) -> bool:
        return self.data is not None

    def __str__(self) -> str:
        return self.words


class _Page(ABC):
    """A result with a page: shown in a notebook, else opened in the browser."""

    @property
    @abstractmethod
    def page(self) -> str:
        """The whole report as one HTML page, without scripts or anything from elsewhere."""

    @abstractmethod
    def sentences(self) -> Sequence[str]:
        """The result in a few sentences."""

    def __str__(self) -> str:
        return "\n".join(self.sentences())

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return "".join(f"<p>{escape(sentence)}</p>" for sentence in self.sentences())

    def show(self) -> None:
        """Show the whole report: below the cell of a notebook, else in the browser."""
        if _in_notebook():
            # Only notebooks have it.
            from IPython.display import HTML, display

            page = f'<iframe srcdoc="{escape(self.page)}" width="100%" height="{_HEIGHT}"></iframe>'
            display(HTML(f"<div>{page}</div>"))
            return
        with tempfile.NamedTemporaryFile(
            "w", prefix="labelloop-", suffix=".html", delete=False, encoding="utf-8"
        ) as file:
            file.write(self.page)
        webbrowser.open(Path(file.name).as_uri())


def _in_notebook() -> bool:
    if find_spec("IPython") is None:
        return False
    from IPython import get_ipython

    return get_ipython() is not None and get_ipython().has_trait("kernel")


@dataclass(frozen=True, repr=False)
class _OfRun(_Page):
    """The result of a run with a model, or of a simulated one."""

    report: Report

    @property
    def certificate(self) -> Certified:
        """What is promised about the labels, or would have been."""
        return Certified(in_terms_of_python(certificate_sentence(self.report)), self.report.certificate)

    @property
    def page(self) -> str:
        return render_report(self.report)


@dataclass(frozen=True, repr=False, kw_only=True)
class Labeled(_OfRun, Generic[IntoDataFrameT]):
    """The result of `label`.

    frame: the given frame, of the same kind and with the same rows, order and index, and behind its columns
        label (the class, null where there is none), labeled_by (people, model, or given: it was in the
        label column), confidence (0 to 1; the model's, 1.0 for people's and given ones) and round (0 for
        given ones). Where one of these names is taken, all four begin with `labelloop_`
    report: the record of the run, typed; `report.as_document()` is a dict
    without_a_label: why rows have none, and which: positions from 0
    notes: how the columns were read, where that could surprise
    """

    frame: IntoDataFrameT
    without_a_label: Mapping[str, Sequence[int]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def sentences(self) -> Sequence[str]:
        counts = self.report.counts
        return [
            f"{counts.input:,} rows: {counts.human:,} labeled by people, {self.report.labels_by_model:,} by "
            f"the model, in {len(self.report.rounds):,} rounds. It ended because "
            f"{self.report.stopped_because}.",
            self.certificate.words,
            *(f"{len(rows):,} without a label: {reason}." for reason, rows in self.without_a_label.items()),
        ]


@dataclass(frozen=True, repr=False)
class Audited(_Page, Generic[IntoDataFrameT]):
    """The result of `audit`.

    frame: the given frame, of the same kind and with the same rows, order and index, and behind its columns
        label (the one the row ends with, null for none), labeled_by (people; given: the given label was
        kept; inferred: people's answers show that such a given label mostly stands for another class, which
        was put in its place; nobody), was (the given label), confidence (the stated one) and round. Where
        one of these names is taken, all five begin with `audit_`
    corrections: the rows of that frame where people changed the label
    report: the record of the audit, typed: shares and errors by class with their intervals, for instance
        `report.given_error` and `report.by_class`; `report.as_document()` is a dict
    without_a_label, notes: as in `Labeled`
    """

    frame: IntoDataFrameT
    corrections: IntoDataFrameT
    report: AuditReport
    without_a_label: Mapping[str, Sequence[int]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def certificate(self) -> Certified:
        """What is promised about the labels."""
        return Certified(
            in_terms_of_python(" ".join(certificate_sentences(self.report))), self.report.certificate
        )

    @property
    def page(self) -> str:
        return render_audit(self.report)

    def sentences(self) -> Sequence[str]:
        return [
            *map(in_terms_of_python, summary_sentences(self.report)),
            *(f"{len(rows):,} without a label: {reason}." for reason, rows in self.without_a_label.items()),
        ]


@dataclass(frozen=True, repr=False)
class Simulated(_OfRun):
    """The result of `simulate`.

    report: the record of the simulated run, compared with the truth: see `report.score`
    notes: how the columns were read, where that could surprise; what to know about the model
    """

    report: Report
    notes: tuple[str, ...] = ()

    @property
    def human_labels(self) -> int:
        """How many labels people would have had to give; rows that stayed without one count as theirs."""
        counts = self.report.counts
        return counts.human + counts.without_a_label

    @property
    def human_share(self) -> float:
        """The same as a share of the rows, 0 to 1."""
        return self.human_labels / self.report.counts.input

    @property
    def error(self) -> float | None:
        """The share of wrong labels among all, compared with the given ones; None without any label."""
        return self.report.score.final_error if self.report.score else None

    def sentences(self) -> Sequence[str]:
        error = "" if self.error is None else f" {self.error:.2%} of all labels are wrong."
        return [
            f"People would label {self.human_labels:,} of {self.report.counts.input:,} rows "
            f"({self.human_share:.1%}).{error}",
            self.certificate.words,
        ]


def without_a_label(reasons: Mapping[int, str]) -> dict[str, list[int]]:
    """The rows by their reason."""
    by_reason: dict[str, list[int]] = {}
    for row in sorted(reasons):
        by_reason.setdefault(reasons[row], []).append(row)
    return by_reason
