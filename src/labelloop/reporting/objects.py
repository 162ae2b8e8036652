"""Single data objects: examples worth a look, and objects without a label."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from labelloop.core.records import Example, Report
from labelloop.reporting.classes import class_name
from labelloop.reporting.parts import Cell, ExampleGroup, Section, ShownExample, Table
from labelloop.reporting.text import count, counted, percent, printable

_LABELED = ("human", "validation", "auto")
_OUTCOMES = {
    "human": "people",
    "validation": "people, for the test",
    "auto": "the model",
    "failed": "nobody: it failed",
    "pool": "nobody yet",
}


def examples(report: Report, images: Mapping[str, str]) -> Section | None:
    """`images`: data URIs of images, by their address."""
    if report.evidence is None:
        return None
    given = report.evidence.examples
    groups = [
        _group(
            "Labels by people to check",
            "A model that had not learned from these labels is surest of another class. Either people or the "
            "model made a mistake.",
            given.likely_label_errors,
            report.classes,
        ),
        _group(
            "The least confident auto-labels",
            "Labeled by the model, with the smallest margin between its two best classes.",
            given.least_confident,
            report.classes,
        ),
        _group(
            "Near the threshold",
            "Open objects of the last round whose margin is closest to the threshold, on either side.",
            given.near_threshold,
            report.classes,
        ),
    ]
    groups = [_with_images(group, images) for group in groups if group.examples]
    if not groups:
        return None
    return Section("examples", "Data objects worth a look", example_groups=groups)


def _group(title: str, note: str, entries: Sequence[Example], classes: Sequence[str]) -> ExampleGroup:
    return ExampleGroup(title, note + _by_the_truth(entries), [_example(entry, classes) for entry in entries])


def _by_the_truth(entries: Sequence[Example]) -> str:
    """In a simulation: how many of these objects' labels are wrong."""
    known = [entry for entry in entries if entry.truth is not None and entry.outcome in _LABELED]
    if not known:
        return ""
    wrong = sum(entry.truth != entry.label for entry in known)
    if not wrong:
        right = "the label here is" if len(known) == 1 else f"all {count(len(known))} labels here are"
        mistaken = (
            ", so it was the model that erred" if all(entry.people is not None for entry in known) else ""
        )
        return f" In this trial the truth is known: {right} right{mistaken}."
    of_these = f"{count(wrong)} of these {counted(len(known), 'label')}"
    return f" In this trial the truth is known: {of_these} {'is' if wrong == 1 else 'are'} wrong."


def _example(entry: Example, classes: Sequence[str]) -> ShownExample:
    facts = [
        ("model", f"{class_name(classes, entry.model)}, {percent(entry.confidence)}"),
        ("margin", f"{entry.margin:.3f}"),
    ]
    if entry.people is not None:
        facts.insert(0, ("people", class_name(classes, entry.people)))
    if entry.truth is not None:
        facts.insert(0, ("truth", class_name(classes, entry.truth)))
    facts.append(("labeled by", _OUTCOMES.get(entry.outcome, "not known")))
    return ShownExample(entry.line, printable(entry.excerpt), facts)


def _with_images(group: ExampleGroup, images: Mapping[str, str]) -> ExampleGroup:
    shown = [replace(example, image=images.get(example.text)) for example in group.examples]
    return replace(group, examples=shown)


def failures(report: Report) -> Section | None:
    given, counts = report.failures, report.counts
    if not given.by_reason:
        return None
    reasons = Table(
        "Reasons",
        ["Reason", "Objects"],
        [
            [Cell(printable(reason, 400), from_outside=True), count(number)]
            for reason, number in given.by_reason.items()
        ],
        frozenset({1}),
    )
    first = Table(
        f"The first {count(len(given.first))}, by their line in the output manifest",
        ["Line", "Reason"],
        [[count(entry.line), Cell(printable(entry.reason, 400), from_outside=True)] for entry in given.first],
    )
    text = (
        f"{count(counts.without_a_label)} of {count(counts.input)} data objects have no label, for the "
        "reasons below."
    )
    return Section("failures", "Without a label", [text], tables=[reasons], folded_tables=[first])
