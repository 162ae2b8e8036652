"""A class that the model gives to nothing is lost under a valid certificate: people's draws tell that."""

from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from labelloop.cli.summary import print_outcome
from labelloop.core.certificate.audit import Audit
from labelloop.core.certificate.audit_evidence import Group
from labelloop.core.certificate.betting import Plan
from labelloop.core.certificate.promise import Promise
from labelloop.core.certificate.true_classes import classes_of_draws
from labelloop.core.ledger import Ledger, State
from labelloop.core.records import Report, TrueClass
from labelloop.core.report.document import EndedRun, Failures, report_of
from labelloop.core.report.true_classes import missed, missed_in_words
from labelloop.reporting.page import render_report
from labelloop.simulation import Labels, ModelAnswers, Predict, simulate

CLASSES = ("praise", "hate", "neither")
HATE = 1


class BlindToHate:
    """A model that knows all but one class, and is as sure of its objects as of others."""

    def fit(self, inputs: Labels, labels: Labels, classes: int, seed: int) -> Predict:
        def predict(of: Labels) -> ModelAnswers:
            said = np.where(of == HATE, 0, of)
            probabilities = np.full((len(of), len(CLASSES)), 0.01)
            probabilities[np.arange(len(of)), said] = 0.98
            return ModelAnswers(probabilities)

        return predict


def report_of_blind_model(rare: int, size: int = 1_500) -> Report:
    truth = np.random.default_rng(0).permutation(np.arange(size) % 2 * 2)
    truth[np.random.default_rng(1).permutation(size)[:rare]] = HATE
    run = simulate(truth, truth, BlindToHate(), {"ValidationSize": 0.5})
    assert run.certificate is not None
    assert run.auto_label_error <= 0.05
    auto = run.ledger.ids(State.AUTO)
    assert (truth[auto] == HATE).sum() > 0
    ended = EndedRun(run.ended, "a run", {}, "margin", CLASSES, tuple(run.records))
    return report_of(ended, Failures(), None)


def test_a_class_that_is_lost_is_told_in_the_summary_and_in_the_report() -> None:
    report = report_of_blind_model(rare=40)
    (entry,) = missed(report.true_classes)
    assert entry.class_index == HATE
    assert entry.seen == entry.wrong >= 3
    assert entry.objects == entry.wrong_objects > 0
    sentence = (
        f"Of class hate, the auto-labels probably miss most: {entry.wrong} of {entry.seen} seen were wrong."
    )
    console = Console(file=StringIO(), width=300)
    print_outcome(console, report)
    assert sentence in console.file.getvalue()  # type: ignore[attr-defined]
    page = render_report(report)
    assert page.count(sentence) == 2, "at the top, and beside the classes' table"
    assert "Are small classes lost?" in page
    assert Report.read(report.as_file()).true_classes == report.true_classes


def test_a_model_that_knows_all_classes_misses_none() -> None:
    report = report_of_blind_model(rare=1)
    assert missed(report.true_classes) == []
    assert {entry.class_index for entry in report.true_classes} >= {0, 2}
    assert "probably miss" not in render_report(report)


def test_draws_represent_what_nobody_was_asked_about() -> None:
    """Doubtful objects are drawn more often, so each of them represents fewer."""
    size, weighted, alike, there = 400, [], [], []
    truth = (np.arange(size) % 8 == 0).astype(np.int16)
    uncertainty = np.where(truth == 1, 0.3, 0.05)
    for seed in range(60):
        audit = Audit.of(
            np.arange(size), np.zeros(size, np.int16), 1 - uncertainty, uncertainty,
            np.zeros(size, np.int64), [Group(Plan(0.5, 0.5, 160), 0.1)], Promise(0.3), size,
            np.random.default_rng(seed), reviewed=False,
        )  # fmt: skip
        drawn = audit.next_stage()
        audit.vote(drawn, truth[drawn])
        ledger = Ledger.of_size(size)
        ledger.label(drawn, truth[drawn], State.VALIDATION, 1)
        open_objects = np.setdiff1d(np.arange(size), drawn)
        ledger.label(open_objects, 0, State.AUTO, 1)
        entries = {entry.class_index: entry for entry in classes_of_draws(audit, ledger)}
        assert entries[1].seen == entries[1].wrong == truth[drawn].sum()
        assert entries[0].wrong == 0
        assert entries[0].objects + entries[1].objects == pytest.approx(len(open_objects), abs=0.2)
        weighted.append(entries[1].wrong_objects)
        alike.append(truth[drawn].mean() * len(open_objects))
        there.append(truth[open_objects].sum())
    assert np.mean(weighted) == pytest.approx(np.mean(there), rel=0.15)
    assert np.mean(alike) > 1.5 * np.mean(there)


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (TrueClass(class_index=0, seen=14, wrong=14), True),
        (TrueClass(class_index=0, seen=3, wrong=3), True),
        (TrueClass(class_index=0, seen=2, wrong=2), False),  # by chance, if half are right
        (TrueClass(class_index=0, seen=100, wrong=40), False),
        (TrueClass(class_index=0, seen=3_000, wrong=1_600), True),
        (TrueClass(class_index=0, seen=3_000, wrong=10), False),
        # Seen more often because the model doubts them: most of what it labels is right.
        (TrueClass(class_index=0, seen=10, wrong=9, objects=100, wrong_objects=10), False),
        (TrueClass(class_index=0), False),
    ],
)
def test_most_is_said_only_where_it_is_probably_most(entry: TrueClass, *, told: bool) -> None:
    assert bool(missed_in_words([entry], ["x"])) == told
