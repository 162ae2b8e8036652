"""`labelloop.label`: people label some texts, a model learns from that and labels the rest."""

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Literal

import numpy as np
from narwhals.typing import IntoDataFrameT

from labelloop.core.certificate.promise import CertificateFor
from labelloop.core.label_words import DEFAULT_MISSING, LabelWords
from labelloop.core.ledger import NO_LABEL
from labelloop.core.people.human_labels import NO_ANSWER
from labelloop.frames.checks import require_people, require_promise, require_seed, require_sizes
from labelloop.frames.columns import Columns, classes_of, text_data
from labelloop.frames.errors import FrameError, in_python, in_terms_of_python
from labelloop.frames.frame import NO_TEXT, Frame
from labelloop.frames.label_folder import LabelFolder
from labelloop.frames.label_task import LabelTask
from labelloop.frames.labels import labels_of
from labelloop.frames.out_folder import out_folder
from labelloop.frames.people import Who
from labelloop.frames.results import Labeled, without_a_label
from labelloop.frames.telling import Tell, Telling
from labelloop.in_memory.label_run import LabelRun
from labelloop.in_memory.models import TextModel, chosen_model
from labelloop.preparation import TextData
from labelloop.preparation.options import DEFAULT_BUCKET
from labelloop.reporting.page import render_report
from labelloop.results import NO_LABEL_GIVEN, label_columns
from labelloop.work_folder.json_file import write_json
from labelloop.work_folder.lock import locked
from labelloop.workbench.server import DEFAULT_PORT

ModelChoice = Literal["keras", "quick"] | PathLike[str]


def label(
    frame: IntoDataFrameT,
    *,
    text: str,
    classes: Sequence[str] | None = None,
    label: str | None = None,
    id: str | None = None,
    prior: str | Sequence[str] | Mapping[str, str | None] | None = None,
    people: Who = "workbench",
    budget: int | None = None,
    target_error: float = 0.05,
    confidence: float = 0.9,
    certificate_for: CertificateFor = "all",
    batch_size: float | None = None,
    model: ModelChoice = "keras",
    out: str | PathLike[str] | None = None,
    bucket: str = DEFAULT_BUCKET,
    seed: int | None = None,
    missing: Sequence[str] = DEFAULT_MISSING,
    exact_labels: bool = False,
    merge_case: bool = False,
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    progress: Tell | None = None,
) -> Labeled[IntoDataFrameT]:
    """Label the texts of a data frame: people label some, a model learns from that and labels the rest.

    The model labels only what a test has certified: objects are drawn at random and shown to people, and
    their answers prove that at most `target_error` of its labels are wrong. Rows, their order and their index
    stay as they are, and the given frame is not changed.

        labeled = labelloop.label(
            frame, text="title", classes=["business", "health"], people=ask, out="news"
        )
        labeled.frame["label"]

    frame: a pandas or polars data frame or a pyarrow table, of any number of columns
    text: the column with the texts. Rows without a text get no label
    classes: what a text can be, at least two. Default: the labels in `label`, or in `prior`
    label: a column with labels that people gave, for some rows. They are used, and nobody is asked about
        them again
    id: a column that is checked to give each row an id of its own
    prior: columns with labels by something else, such as a language model; as a mapping, with the
        column that says how sure each is (0 to 1, or percent), or None
    people: who labels. `"workbench"` serves a page for you and others and says its address; `"simulated"`
        answers with the labels in `label`, to try it out; a function takes a list of texts and returns,
        for each, the name of a class, or None where it cannot tell
    budget: the most answers people are asked for. Default: no limit
    target_error, confidence: the promise. At most this share of the model's labels is wrong (above 0,
        below 1), this surely
    certificate_for: what the promise is about: `"all"` labels of the model together, those of each
        `"class"`, or the whole `"dataset"`, where people's labels count as right
    batch_size: answers between two trainings; a share of the rows below 1, else a count. Default: 2 % of
        the rows, at most a twentieth of the budget, at least 20
    model: `"keras"`, which needs `pip install 'labelloop[model]'`; `"quick"`, which learns in
        milliseconds and needs more labels; or a folder with a container's `train` and `serve`
    out: a folder for people's answers and the report. With it, the same call goes on wherever it was
        stopped or killed, and nobody is asked twice. After each batch, `labels.csv` there has the labels so
        far; `request.json` is the input of a run on AWS. The workbench needs it
    bucket: the S3 bucket that `request.json` names
    seed: the same seed, frame and answers give the same labels. Whoever knows the seed can know
        beforehand what will be drawn. Default: a secret one, told in the report
    missing, exact_labels, merge_case: how labels are read, as by `labelloop label-file`
    host, port: where the workbench is served, and the first port to try
    progress: is called with a `Progress` now and then; `print` will do

    Raises:
        FrameError: for a frame without rows, an unknown column, or values that are no texts
        AnswersError: when the function does not answer as it should. Its other answers are kept in `out`
        LabelloopError: the root of these and all other errors that you can mend; it says how

    """
    with in_python(), out_folder(out) as path:
        folder = LabelFolder(path)
        require_promise(target_error=target_error, confidence=confidence, certificate_for=certificate_for)
        require_sizes(budget=budget, batch_size=batch_size)
        require_seed(seed)
        require_people(people, out)
        table = Frame.of(frame)
        columns = Columns(text=text, label=label, id=id, prior=prior)
        words = LabelWords(None, missing, exact_labels, merge_case)
        data = text_data(table, columns, classes_of(classes), words, whole=out is not None, bucket=bucket)
        _check(data.texts, people, label)
        task = LabelTask(
            data=data.texts,
            people=people,
            block={
                "TargetError": target_error,
                "Confidence": confidence,
                "CertificateFor": certificate_for,
                "MaxHumanLabels": budget,
                "BatchSize": batch_size,
            },
            model=model_of(model, folder.encodings),
            attribute=data.options.label_attribute,
        )
        task.settings(0)  # what the loop cannot do is said before anything is written
        with locked(folder.out):
            drawn = folder.take(task.kept_settings(budget, batch_size), seed)
            if out is not None:
                task.prepare(folder, data, seed)
            run, report = task.to_the_end(folder, drawn, Telling(progress), host, port)
            folder.page.write_text(render_report(report), encoding="utf-8")
            write_json(folder.report, report.as_file())
        reasons = dict.fromkeys(data.table.without_text, NO_TEXT)
        reasons |= {bad.line - 1: bad.reason for bad in data.texts.bad_rows}
        places = zip(data.texts.rows, labels_of(data.texts, run), strict=True)
        labels = {row - 1: given for row, given in places if given != NO_LABEL_GIVEN}
        return Labeled(
            frame=table.with_rows(label_columns(table.columns), labels),
            report=report,
            without_a_label=without_a_label(reasons | _unlabeled(data.texts, run)),
            notes=tuple(map(in_terms_of_python, data.texts.notes)),
        )


def model_of(choice: ModelChoice, encodings: Path) -> TextModel:
    """The model that an argument names. Raises RequestError when it is not there."""
    container = None if choice in ("keras", "quick") else Path(choice)
    return chosen_model(real=choice == "keras", container=container, application=None, encodings=encodings)


def _check(data: TextData, people: Who, label: str | None) -> None:
    unknown, rows = data.labels.count(NO_LABEL), len(data.texts)
    if people == "simulated" and (label is None or unknown):
        raise FrameError(
            'people="simulated" answer with the labels that are there: '
            + ("name their column, label=" if label is None else f"{unknown:,} of {rows:,} rows have none")
        )
    if people != "simulated" and not unknown:
        raise FrameError(
            "every row has a label already. To see how few of them people would have had to give, say "
            'people="simulated"; to find out how wrong they are, use labelloop.audit'
        )


def _unlabeled(data: TextData, run: LabelRun) -> dict[int, str]:
    """The reason of each row that the run left without a label."""
    ended = run.ended
    return {
        data.rows[number] - 1: NO_ANSWER if ended.failed[number] else ended.why_unlabeled
        for number in np.flatnonzero(ended.failed | ended.unlabeled).tolist()
    }
