"""`labelloop label-file`: from a file of texts to the same file with labels, on this machine."""

import shlex
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from labelloop.cli import run_options, table_options
from labelloop.cli.errors import RunFailedError, explained_errors
from labelloop.cli.export import write_labels
from labelloop.cli.file_task import FileFolder, FileTask, WhoLabels
from labelloop.cli.flat_estimate import ask_how_to_go_on, can_ask
from labelloop.cli.labels_so_far import labels_so_far
from labelloop.cli.local_run import Beside
from labelloop.cli.option_words import in_terms_of_options
from labelloop.cli.own_command import own_command
from labelloop.cli.prepare import show_rows
from labelloop.cli.price import print_price
from labelloop.cli.progress import EstimateIsFlat, PeopleAreAsked
from labelloop.cli.run import beside_run, execute, new_record, set_people
from labelloop.cli.run_folder import RunRecord, read_request
from labelloop.cli.run_in_files import BatchesInFiles
from labelloop.cli.sentences import say
from labelloop.cli.summary import print_outcome
from labelloop.local.application import Application
from labelloop.preparation import Preparation, PreparationOptions, prepare_files, propose_label_attribute
from labelloop.preparation.options import DEFAULT_BUCKET, DEFAULT_LABEL_ATTRIBUTE, prior_attributes
from labelloop.work_folder.json_file import write_json
from labelloop.work_folder.lock import locked
from labelloop.workbench.server import DEFAULT_PORT
from labelloop.workflow.request import ModelSettings, parse_request


def label_file(
    files: table_options.Files,
    text_column: table_options.TextsColumn,
    out: Annotated[Path, typer.Option(help="The folder for everything: labels.csv, the report, the run.")],
    classes: table_options.Classes = None,
    label_column: table_options.LabelColumn = None,
    id_column: table_options.IdColumn = None,
    budget: Annotated[
        int | None, typer.Option(min=1, help="The most answers to ask people for. Default: no limit.")
    ] = None,
    target_error: run_options.TargetError = None,
    confidence: run_options.Confidence = None,
    certificate_for: run_options.ForWhat = None,
    batch_size: run_options.BatchSize = None,
    label_ahead: run_options.LabelAhead = None,
    people: Annotated[
        WhoLabels,
        typer.Option(
            help="Who labels: you and others in the browser; you with a spreadsheet, a batch at a time; or "
            "simulated people, to try it on a file that has all labels."
        ),
    ] = WhoLabels.WORKBENCH,
    prior_column: table_options.PriorColumn = None,
    prior_confidence_column: table_options.PriorConfidenceColumn = None,
    class_names: table_options.ClassNames = None,
    missing: table_options.Missing = None,
    exact_labels: table_options.ExactLabels = False,
    merge_case: table_options.MergeCase = False,
    delimiter: table_options.Delimiter = None,
    encoding: table_options.Encoding = None,
    column_names: table_options.ColumnNames = None,
    quotes: table_options.Quotes = None,
    backslashes: table_options.Backslashes = None,
    sheet: table_options.Sheet = None,
    skip_bad_rows: table_options.SkipBadRows = False,
    sample: table_options.Sample = None,
    bucket: table_options.Bucket = DEFAULT_BUCKET,
    model: run_options.Labeler = None,
    seed: run_options.Seed = None,
    host: run_options.Host = "127.0.0.1",
    port: run_options.Port = DEFAULT_PORT,
    application: run_options.ApplicationFolder = None,
    model_container: run_options.ModelContainer = None,
) -> None:
    """Label a file of texts: you label some in the browser, a model learns from that and labels the rest.

    The result is OUT/labels.csv: your rows and columns unchanged, followed by label, labeled_by (people,
    model, or given: it was in the file), confidence and round. `labelloop export OUT` writes it at any time.

    Stop with Ctrl-C whenever you like: the same command continues, and nobody is asked twice. You may then
    change --budget, --target-error, --certificate-for, --confidence and --batch-size; all labels are kept.

    Example: labelloop label-file texts.csv --text-column title --classes business,health,sports
    --id-column id --budget 3000 --out news
    """
    console = Console()
    with explained_errors():
        prior_columns = table_options.pairs_of_columns(prior_column, prior_confidence_column)
        priors = prior_attributes(prior_columns)
        table_format = table_options.table_format(
            text_column=text_column,
            label_column=label_column,
            id_column=id_column,
            prior_columns=prior_columns,
            delimiter=delimiter,
            encoding=encoding,
            column_names=column_names,
            quotes=quotes,
            backslashes=backslashes,
            sheet=sheet,
        )
        table_options.refuse_no_classes(files, table_format, classes)
        deployed = Application.found(application, model_container)
        labeler = model or ModelSettings().algorithm
        folder = FileFolder(out)
        earlier = folder.run.load()
        if earlier is None or not earlier.finished:
            deployed.ready_for(labeler)
        task = FileTask(
            files=files,
            table_format=table_format,
            preparation=PreparationOptions(
                label_attribute=_label_attribute(label_column, priors),
                prior_attributes=priors,
                classes=table_options.comma_separated(classes, "--classes"),
                class_names=table_options.name_pairs(class_names),
                sample=sample,
                seed=seed or 0,
                bucket=bucket,
                skip_bad_rows=skip_bad_rows,
                overwrite=True,
                missing=table_options.missing_words(missing),
                exact_labels=exact_labels,
                merge_case=merge_case,
            ),
            people=people,
            loop={
                "TargetError": target_error,
                "Confidence": confidence,
                "CertificateFor": certificate_for.value if certificate_for else None,
                "Model": {"Algorithm": model} if model else None,
                "Seed": seed,
            },
            budget=budget,
            batch_size=batch_size,
            label_ahead=label_ahead,
        )
        with locked(out):
            record = _begin(console, folder, task)
            if not record.finished:
                if labeler == ModelSettings().algorithm:
                    _tell_of_encoder(console, deployed)
                with _beside(console, people, folder, host, port) as beside:
                    _run_and_ask(console, deployed, folder, task, record, beside)
            report = folder.run.read_report()
            print_outcome(console, report, in_terms_of_options)
            write_labels(console, labels_so_far(out), folder.labels)
    _show_places(console, folder)


def _label_attribute(label_column: str | None, priors: tuple[str, ...]) -> str:
    """The key in the manifest, which nobody need know: any that no source of prior labels has."""
    name = propose_label_attribute(label_column or DEFAULT_LABEL_ATTRIBUTE)
    return f"{name}-by-people" if name in priors else name


def _tell_of_encoder(console: Console, application: Application) -> None:
    if not application.has_own_model and not application.has_encoder:
        say(
            console,
            "Note: the sentence encoder is not here. Without it, the model needs more labels. To fetch it, "
            f"once (90 MB): {own_command()} fetch-encoder",
        )


def _beside(
    console: Console, people: WhoLabels, folder: FileFolder, host: str, port: int
) -> AbstractContextManager[Beside]:
    """Nothing is served to people with files."""
    if people is WhoLabels.FILE:
        return nullcontext(nullcontext)
    return beside_run(console, people.backend, folder.run, host, port)


def _run_and_ask(
    console: Console,
    application: Application,
    folder: FileFolder,
    task: FileTask,
    record: RunRecord,
    beside: Beside,
) -> None:
    """Run to the end, or to the next batch of people with files.

    Where more labels bring the end no nearer, ask on a terminal what is to become of it.
    """
    batches = BatchesInFiles(folder.out, record)
    asks = can_ask(console) and task.people is not WhoLabels.SIMULATED
    while True:
        if task.people is WhoLabels.FILE and not batches.ready(console):
            write_labels(console, labels_so_far(folder.out), folder.labels)
            raise typer.Exit
        try:
            _run(console, application, folder, record, beside, task.people, asks_when_flat=asks)
            return
        except PeopleAreAsked:
            continue
        except EstimateIsFlat as flat:
            chosen = ask_how_to_go_on(console, flat)
            if chosen is None:
                console.print("Stopped. What is labeled is kept: the same command continues.", soft_wrap=True)
                write_labels(console, labels_so_far(folder.out), folder.labels)
                raise typer.Exit from None
            # Asked once: who goes on knows what it takes.
            asks = False
            task = replace(task, loop={**task.loop, **chosen})
            _take_over(console, folder, task, record)


def _run(
    console: Console,
    application: Application,
    folder: FileFolder,
    record: RunRecord,
    beside: Beside,
    people: WhoLabels,
    *,
    asks_when_flat: bool,
) -> None:
    """Where it ends early, what is labeled by then is written all the same."""
    try:
        execute(
            console, application, folder.run, record, beside,
            go_on_by="the same command", asks_when_flat=asks_when_flat,
            stops_at_people=people is WhoLabels.FILE,
        )  # fmt: skip
    except (typer.Exit, RunFailedError):
        write_labels(console, labels_so_far(folder.out), folder.labels)
        raise


def _begin(console: Console, folder: FileFolder, task: FileTask) -> RunRecord:
    """The record of the run that began in the folder, or of one that begins.

    Raises RequestError when the folder holds something else.
    """
    folder.refuse_other_work()
    record = folder.run.load()
    if record is None:
        task.check()
        folder.claim()
        record, rows = _prepare(console, folder, task)
        folder.keep(task, rows)
    else:
        _take_over(console, folder, task, record)
    # The folder may have moved.
    record.s3_root = str(folder.prepared.s3_root.resolve())
    if task.people is WhoLabels.SIMULATED:
        record.truth = str(folder.prepared.truth.resolve())
    set_people(record, task.people.backend)
    return record


def _take_over(console: Console, folder: FileFolder, task: FileTask, record: RunRecord) -> None:
    """Go on with the labels in the folder, though for another budget or promise."""
    changed, rows = folder.changed(task), folder.rows
    if not changed:
        return
    task.check()
    block = task.active_learning()
    record.request = _with_block(record.request, block)
    parse_request(record.request)
    record.finished = False
    write_json(folder.prepared.request, _with_block(read_request(folder.prepared.request), block))
    folder.run.save(record)
    folder.keep(task, rows)
    console.print(
        Text(f"Going on with the labels so far, and with other {', '.join(changed)}. {task.plan(rows)}"),
        soft_wrap=True,
    )


def _with_block(request: dict[str, Any], block: dict[str, Any]) -> dict[str, Any]:
    """With these fields of the block; one that is None has its default again."""
    merged = {**request.get("ActiveLearning", {}), **block}
    return {**request, "ActiveLearning": {name: value for name, value in merged.items() if value is not None}}


def _prepare(console: Console, folder: FileFolder, task: FileTask) -> tuple[RunRecord, int]:
    """The record of the run that is to begin, and how many rows it is about."""
    with table_options.reading_progress() as watcher:
        preparation = prepare_files(
            task.files, task.table_format, folder.out, task.preparation, watcher=watcher
        )
    show_rows(preparation, console, _prepared(preparation))
    task.check_people(preparation)
    request = _with_block(read_request(folder.prepared.request), task.active_learning())
    parse_request(request)
    write_json(folder.prepared.request, request)
    console.print(
        Text(task.plan(preparation.rows, task.answers_before_the_model(preparation))), soft_wrap=True
    )
    print_price(console, preparation.rows, task.promise(), task.budget)
    return new_record(request, folder.prepared.s3_root, None), preparation.rows


def _prepared(preparation: Preparation) -> str:
    rows, known = preparation.rows, preparation.rows - preparation.unknown
    of_all = f"{rows:,} of {preparation.rows_read:,} rows"
    return f"Taking {of_all}; {known:,} of them have a label." if known else f"Taking {of_all}."


def _show_places(console: Console, folder: FileFolder) -> None:
    for name, path in (
        ("labels", folder.labels),
        ("report", folder.run.page),
        ("for AWS", folder.prepared.request),
    ):
        console.print(Text.assemble((f"{name:>8}  ", "dim"), str(path)), soft_wrap=True)
    if _has_rows(folder.run.check_list):
        console.print("\nTo look again at the labels that are most likely wrong:")
        console.print(Text(f"  {own_command()} {shlex.join(['check', str(folder.out)])}"), soft_wrap=True)


def _has_rows(table: Path) -> bool:
    """Whether there is more in it than its header."""
    if not table.exists():
        return False
    with table.open("rb") as lines:
        return sum(1 for _ in islice(lines, 2)) > 1
