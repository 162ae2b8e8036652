"""`labelloop.simulate`: how many labels people would have had to give."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from narwhals.typing import IntoDataFrame

from labelloop.core.certificate.promise import CertificateFor
from labelloop.core.label_words import DEFAULT_MISSING, LabelWords
from labelloop.core.manifest.lines import LabelAttribute
from labelloop.frames.checks import require_promise, require_seed, require_sizes
from labelloop.frames.columns import Columns, text_data
from labelloop.frames.errors import in_python, in_terms_of_python, model_failures
from labelloop.frames.frame import Frame
from labelloop.frames.label import ModelChoice, model_of
from labelloop.frames.results import Simulated
from labelloop.frames.telling import Tell, Telling
from labelloop.in_memory.simulated_run import SimulatedData, simulated_report
from labelloop.preparation import require_labels
from labelloop.workflow.request import parse_settings


def simulate(
    frame: IntoDataFrame,
    *,
    text: str,
    label: str,
    prior: str | Sequence[str] | Mapping[str, str | None] | None = None,
    target_error: float = 0.05,
    confidence: float = 0.9,
    certificate_for: CertificateFor = "all",
    budget: int | None = None,
    batch_size: float | None = None,
    query_strategy: str | None = None,
    error_rate: float = 0.0,
    model: ModelChoice = "quick",
    seed: int = 0,
    missing: Sequence[str] = DEFAULT_MISSING,
    exact_labels: bool = False,
    merge_case: bool = False,
    progress: Tell | None = None,
) -> Simulated:
    """Try labeling on data whose labels are known, before you pay for labels of similar data.

    The whole loop runs in memory, from no label on. Simulated people answer with the frame's labels.

        labelloop.simulate(frame, text="title", label="category").human_labels

    frame: a pandas or polars data frame or a pyarrow table. Rows without a text are left out
    text: the column with the texts
    label: the column with the labels, taken as the truth: each row has one
    prior: columns with labels by something else, as in `labelloop.label`
    target_error, confidence, certificate_for, budget: as in `labelloop.label`
    batch_size: answers between two trainings; a share of the rows below 1, else a count. Default: 2 %
    query_strategy: how what people see next is chosen: docs/query-strategies.md
    error_rate: the share of answers that people get wrong, 0 to 1
    model: `"quick"` takes about a minute at 10,000 rows, and needs more labels than `"keras"` or your
        own (see `labelloop.label`), which take minutes to hours
    seed: the same seed and frame give the same run. Others tell how much runs vary
    missing, exact_labels, merge_case, progress: as in `labelloop.label`

    Raises:
        FrameError: for a frame without rows, an unknown column, or values that are no texts
        LabelloopError: the root of this and all other errors that you can mend; it says how

    """
    with in_python(), tempfile.TemporaryDirectory(prefix="labelloop-") as folder:
        require_promise(target_error=target_error, confidence=confidence, certificate_for=certificate_for)
        require_sizes(budget=budget, batch_size=batch_size)
        require_seed(seed)
        words = LabelWords(None, missing, exact_labels, merge_case)
        columns = Columns(text=text, label=label, prior=prior)
        data = text_data(Frame.of(frame), columns, None, words, whole=False)
        require_labels(data.texts)
        block = {
            "TargetError": target_error,
            "Confidence": confidence,
            "CertificateFor": certificate_for,
            "MaxHumanLabels": budget,
            "BatchSize": batch_size,
            "QueryStrategy": query_strategy,
            "Seed": seed,
        }
        given = {name: value for name, value in block.items() if value is not None}
        settings = parse_settings({**given, "SimulatedPeople": {"Seed": seed, "ErrorRate": error_rate}})
        tried = model_of(model, Path(folder) / "encodings")
        simulated = SimulatedData(data.texts, LabelAttribute(data.options.label_attribute), tried)
        log = Path(folder) / "container.log"
        with model_failures(log):
            report = simulated_report(simulated, settings, log, [Telling(progress)])
        notes = filter(None, (*data.texts.notes, tried.note))
        return Simulated(report, tuple(map(in_terms_of_python, notes)))
