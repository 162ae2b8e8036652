"""`labelloop check`: a second look at the labels that are most likely wrong."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from labelloop.cli.errors import explained_errors
from labelloop.cli.export import write_labels
from labelloop.cli.labeling_session import LabelingSession, Question
from labelloop.cli.labels_so_far import LABELS_FILE, RUN, has_rows, labels_so_far
from labelloop.cli.run_folder import RunFolder, RunRecord, local_path
from labelloop.cli.second_look import (
    Found,
    checked_labels,
    doubtful_labels,
    found_by_labeler,
    look_again_folder,
    write_questions,
)
from labelloop.core.errors import RequestError
from labelloop.core.manifest.label_categories import parse_label_categories
from labelloop.core.manifest.lines import LabelAttribute
from labelloop.reporting.check_list import Doubtful
from labelloop.reporting.text import counted
from labelloop.workbench.server import DEFAULT_PORT
from labelloop.workflow.request import parse_request


def check(
    folder: Annotated[
        Path,
        typer.Argument(help="The folder of `label-file`, of `prepare`, or of `run`.", show_default=False),
    ],
    host: Annotated[
        str, typer.Option(help="The address to serve at; 0.0.0.0 opens it to the local network.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The first port to try.")] = DEFAULT_PORT,
) -> None:
    """Look again at the labels of a finished run that are most likely wrong.

    People are asked about the rows in check.csv, beside the report: labels by people that the model
    contradicts, and those the model was least sure of. They don't see the current label. Then
    FOLDER/labels.csv is written again with their answers, labeled_by "checked".

    Stop with Ctrl-C whenever you like: the same command continues. To finish with the answers so far, close
    the batch on the page Run.

    Example: labelloop check news
    """
    console = Console()
    with explained_errors():
        run = RunFolder(folder if (folder / "run.json").exists() else folder / RUN)
        record = _ended(run, folder)
        request = parse_request(record.request)
        attribute = LabelAttribute(request.label_attribute_name)
        doubtful = doubtful_labels(run, attribute)
        if not doubtful:
            console.print("Nothing to check: no label is in doubt.")
            return
        answers = look_again_folder(run, record)
        write_questions(run, doubtful, answers)
        s3_root = Path(record.s3_root)
        categories = local_path(s3_root, request.label_category_config_s3_uri).read_bytes()
        question = request.question
        asked = Question(attribute, question.title, question.short_instructions)
        session = LabelingSession(answers.questions, parse_label_categories(categories), s3_root, asked)
        console.print(Text(_asked_again(doubtful)), soft_wrap=True)
        session.hold(console, answers, host, port)
        found = found_by_labeler(doubtful, checked_labels(run, record, attribute), attribute)
        console.print(Text(" ".join(_sentences(found))), soft_wrap=True)
        if has_rows(folder, record):
            write_labels(console, labels_so_far(folder), folder / LABELS_FILE)
        else:
            console.print(Text(f"The answers are in {answers.output}."), soft_wrap=True)


def _ended(run: RunFolder, folder: Path) -> RunRecord:
    record = run.load()
    if record is None:
        raise RequestError(f"there is no run in {folder}: name the folder of `label-file` or `run`")
    if not record.finished:
        raise RequestError(
            f"the run in {folder} has not ended, and may still change labels: let it end first, or correct "
            "answers at its workbench, under Disagreements"
        )
    return record


def _asked_again(doubtful: Iterable[Doubtful]) -> str:
    by = Counter(entry.labeled_by for entry in doubtful)
    each = " and ".join(f"{counted(number, 'label')} by {labeler}" for labeler, number in by.items())
    return f"Asking again about {each}. To end sooner, close the batch at the workbench, on the page Run."


def _sentences(found: Mapping[str, Found]) -> Iterable[str]:
    for labeled_by, each in found.items():
        yield f"Of {counted(each.looked_at, 'label')} by {labeled_by}, people changed {each.changed:,}."
    if not found:
        yield "No label was looked at: all were skipped."
    yield "The report and its certificate speak of the labels as they were before."
