"""What can go wrong with frames and functions, and other errors in this interface's words."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

from labelloop.core.errors import LabelloopError
from labelloop.local.job import JobFailed


class FrameError(LabelloopError):
    """Raised when a data frame cannot be used: no rows, a column that is missing or holds no texts."""


class AnswersError(LabelloopError):
    """Raised when a function that stands for people does not answer about each text as it should."""


class ModelFailedError(LabelloopError):
    """Raised when the programs of a container fail. Its message ends in the last lines that they printed."""


_LINES_OF_LOG = 10
_TERMS = (
    ("the request cannot be used: ", ""),
    ("BatchSize", "batch_size"),
    ("CertificateFor", "certificate_for"),
    ("MaxHumanLabels, MaxCost", "budget"),
    ("MaxHumanLabels", "budget"),
    ("QueryStrategy", "query_strategy"),
    ("SimulatedPeople.ErrorRate", "error_rate"),
    ("ActiveLearning.", ""),
    (", or leave out --id-column: each row then has its file and number", ", or leave out --id-column"),
    ("--classes A,B,C", 'classes=["A", "B", "C"]'),
    ("--certificate-for dataset", 'certificate_for="dataset"'),
    ("--people simulated", 'people="simulated"'),
    ("--label-column, --prior-column, or both", "label=, prior=, or both"),
    ("--real-model", 'model="keras"'),
    ("--model-container", "model= with a folder"),
    ("--prior-confidence-column", "prior="),
    ("--prior-column", "prior="),
    ("--confidence-column", "confidences="),
    ("--truth-column", "truth="),
    ("--label-column", "label="),
    ("--text-column", "text="),
    ("--id-column", "id="),
    ("--max-human-labels", "budget="),
    ("--exact-labels", "exact_labels=True"),
    ("--merge-case", "merge_case=True"),
    ("the data frame has a header line and no rows below it", "the data frame has no rows"),
)
_CLASSES = re.compile(r"--classes ([^\s.]+,\.\.\.)")
_OPTION = re.compile(r"--([a-z]+(?:-[a-z]+)*)( (?=['\d]))?")
_LINE = re.compile(r"\b([Ll])ine(s?) (?=\d)")


@contextlib.contextmanager
def in_python() -> Iterator[None]:
    """The commands raise the same errors: here their messages name arguments in place of options."""
    try:
        yield
    except LabelloopError as error:
        if error.args and isinstance(error.args[0], str):
            error.args = (in_terms_of_python(error.args[0]), *error.args[1:])
        raise


@contextlib.contextmanager
def model_failures(log: Path) -> Iterator[None]:
    """Says what a container printed last: without `out`, its log is gone afterwards."""
    try:
        yield
    except JobFailed as error:
        printed = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
        raise ModelFailedError("\n".join([str(error), *printed[-_LINES_OF_LOG:]])) from error


def in_terms_of_python(message: str) -> str:
    """A message with arguments in place of options, and rows, counted from 1, in place of lines."""
    for option, argument in _TERMS:
        message = message.replace(option, argument)
    message = _CLASSES.sub(r"classes=[\1]", message)
    message = _LINE.sub(lambda found: ("R" if found[1] == "L" else "r") + f"ow{found[2]} ", message)
    return _OPTION.sub(lambda found: found[1].replace("-", "_") + "=", message)
