"""What to do now: labels to look at, classes to tell apart better, and what more labels would bring."""

from collections.abc import Iterator

from labelloop.core.records import Report
from labelloop.reporting.classes import class_name, how_many
from labelloop.reporting.parts import Section
from labelloop.reporting.text import count, printable

# Pairs of classes that are confused less often say little.
_FEWEST_CONFUSED = 5


def next_steps(report: Report, check_list: str | None, to_check: int) -> Section | None:
    """check_list: the name of the file beside the page with the objects `to_check`; None: there is none."""
    paragraphs = [
        *_look_at(report, check_list, to_check),
        *_confused(report),
        *_more_labels(report),
    ]
    return Section("next-steps", "What to do next", paragraphs) if paragraphs else None


def _look_at(report: Report, check_list: str | None, to_check: int) -> Iterator[str]:
    if check_list is not None and to_check:
        yield (
            f"Look at the most doubtful labels: {printable(check_list)}, beside this page, lists "
            f"{count(to_check)} of them with line, text, label, confidence, and why. The line is that "
            "of the output manifest. The command “labelloop check” with the run's folder asks people "
            "about them again."
        )
    elif report.evidence is not None and any(report.evidence.examples.all()):
        yield "Look at the data objects shown above: their labels are the most doubtful."


def _confused(report: Report) -> Iterator[str]:
    quality = report.evidence
    if quality is None:
        return
    wrong = [pair for pair in quality.confusion.pairs if pair[0] != pair[1] and pair[2] >= _FEWEST_CONFUSED]
    for people, model, objects in wrong[:1]:
        yield (
            f"Explain in the instructions what is {class_name(report.classes, people)} and what is "
            f"{class_name(report.classes, model)}: of what people call the first, the model calls "
            f"{how_many(quality, objects)} objects the second. No other two classes are confused more often."
        )


def _more_labels(report: Report) -> Iterator[str]:
    outlook = report.next_round
    if outlook is None:
        return
    if outlook.expected_auto_labels > 0:
        yield (
            f"With {count(outlook.human_labels)} more labels by people, the model could probably label "
            f"{count(outlook.expected_auto_labels)} more. {printable(outlook.explanation, 1000)}"
        )
    else:
        yield (
            f"People would probably label the {count(outlook.human_labels)} that are left. "
            f"{printable(outlook.explanation, 1000)}"
        )
