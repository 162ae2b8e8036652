"""Single data objects: examples worth a look, and objects without a label."""

from typing import Any

from labelloop.reporting.classes import class_name
from labelloop.reporting.parts import Cell, Example, ExampleGroup, Section, Table
from labelloop.reporting.text import count, counted, percent, printable

_GROUPS = (
    (
        "likely_label_errors",
        "Likely label errors",
        "A model that had not learned from a person's label is sure of another class. Check these labels.",
    ),
    (
        "least_confident",
        "The least confident auto-labels",
        "Labeled by the model, with the smallest margin between its two best classes.",
    ),
    (
        "near_threshold",
        "Near the threshold",
        "Open objects of the last round whose margin is closest to the threshold, on either side.",
    ),
)
_LABELED = ("human", "validation", "auto")
_OUTCOMES = {
    "human": "people",
    "validation": "people, for the test",
    "auto": "the model",
    "failed": "nobody: it failed",
    "pool": "nobody yet",
}


def examples(document: dict[str, Any]) -> Section | None:
    given = (document.get("evidence") or {}).get("examples") or {}
    groups = [
        ExampleGroup(
            title, note + _by_the_truth(given[key]), [_example(document, entry) for entry in given[key]]
        )
        for key, title, note in _GROUPS
        if given.get(key)
    ]
    if not groups:
        return None
    return Section("examples", "Data objects worth a look", example_groups=groups)


def _by_the_truth(entries: list[dict[str, Any]]) -> str:
    """In a simulation: how many of these objects' labels are wrong."""
    known = [entry for entry in entries if "truth" in entry and entry.get("outcome") in _LABELED]
    if not known:
        return ""
    wrong = sum(
        entry["truth"] != (entry["model"] if entry["people"] is None else entry["people"]) for entry in known
    )
    return f" Compared with the truth, {count(wrong)} of these {counted(len(known), 'label')} are wrong."


def _example(document: dict[str, Any], entry: dict[str, Any]) -> Example:
    facts = [
        ("model", f"{class_name(document, entry['model'])}, {percent(entry['confidence'])}"),
        ("margin", f"{entry['margin']:.3f}"),
    ]
    if entry.get("people") is not None:
        facts.insert(0, ("people", class_name(document, entry["people"])))
    if "truth" in entry:
        facts.insert(0, ("truth", class_name(document, entry["truth"])))
    facts.append(("labeled by", _OUTCOMES.get(entry.get("outcome", ""), "not known")))
    text = entry.get("source", entry.get("source-ref", ""))
    return Example(int(entry["line"]), printable(text), facts)


def failures(document: dict[str, Any]) -> Section | None:
    given = document.get("failures") or {}
    if not given.get("by_reason"):
        return None
    counts = document["counts"]
    without = counts["failed"] + counts["unlabeled"]
    reasons = Table(
        "Reasons",
        ["Reason", "Objects"],
        [
            [Cell(printable(reason, 400), from_outside=True), count(number)]
            for reason, number in given["by_reason"].items()
        ],
        frozenset({1}),
    )
    first = Table(
        f"The first {count(len(given['first']))}, by their line in the output manifest",
        ["Line", "Reason"],
        [
            [count(entry["line"]), Cell(printable(entry["reason"], 400), from_outside=True)]
            for entry in given["first"]
        ],
    )
    text = f"{count(without)} of {count(counts['input'])} data objects have no label, for the reasons below."
    return Section("failures", "Without a label", [text], tables=[reasons], folded_tables=[first])
