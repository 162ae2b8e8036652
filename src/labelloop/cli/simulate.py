"""`labelloop simulate`: how many human labels a policy would have needed for data with known labels."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from labelloop.cli import run_options, table_options
from labelloop.cli.errors import explained_errors
from labelloop.cli.run import Policy
from labelloop.cli.run_options import SIZE
from labelloop.cli.simulated_run import run
from labelloop.cli.simulation_folder import SimulationFolder
from labelloop.cli.simulation_result import SimulatedRun, SimulationResult, print_result
from labelloop.core.label_words import DEFAULT_MISSING
from labelloop.core.manifest.lines import LabelAttribute
from labelloop.core.query_strategies import load_query_strategy
from labelloop.in_memory.models import TextModel, chosen_model
from labelloop.in_memory.simulated_run import SimulatedData
from labelloop.preparation import (
    PreparationOptions,
    TableFormat,
    propose_label_attribute,
    read_known_labels,
)
from labelloop.preparation.options import prior_attributes
from labelloop.work_folder.json_file import write_json
from labelloop.work_folder.kept_settings import file_digest
from labelloop.workflow.request import parse_settings

Document = dict[str, Any]
_INTERRUPTED = 130
# The post's rules are fixed: with two policies, these options apply to the default one.
_FIXED_BY_BLOG = ("QueryStrategy", "StartSize", "ValidationSize", "BatchSize")


@dataclass(frozen=True)
class SimulationOptions:
    """The data, and the settings of each run except policy and seed."""

    files: list[Path]
    table_format: TableFormat
    preparation: PreparationOptions
    active_learning: Document  # fields of the request's block; None for the default
    error_rate: float | None
    model: TextModel

    @property
    def file_names(self) -> str:
        return ", ".join(map(str, self.files))

    def settings(self) -> Document:
        """What all runs in one folder must have in common."""
        words, written = self.preparation.label_words, self.table_format
        return {
            "file": file_digest(self.files),
            "columns": [
                written.text_column,
                written.label_column,
                written.delimiter or ",",
                list(written.column_names),
                written.quoted is not False,
                *map(list, written.prior_columns),
            ],
            # None is the default: a folder from before there were these options can be gone on with.
            "encoding": written.encoding or None,
            "sheet": written.sheet or None,
            "quotes": written.quoted,
            "backslashes": written.escaped,
            "missing": None if words.missing == DEFAULT_MISSING else list(words.missing),
            "exact labels": words.exact or None,
            "merged case": words.merge_case or None,
            "sample": self.preparation.sample,
            "bad rows": self.preparation.skip_bad_rows,
            "error rate": self.error_rate,
            "settings of the run": self.active_learning,
            "model": self.model.name,
        }

    def active_learning_of(self, policy: Policy, seed: int, policies: list[Policy]) -> Document:
        """The request's `ActiveLearning` block for one run."""
        fixed = _FIXED_BY_BLOG if policy is Policy.BLOG and len(policies) > 1 else ()
        given = {
            name: value
            for name, value in self.active_learning.items()
            if value is not None and name not in fixed
        }
        people = {"Seed": seed, **({} if self.error_rate is None else {"ErrorRate": self.error_rate})}
        return {**given, "Policy": policy.value, "Seed": seed, "SimulatedPeople": people}


def simulate(
    files: table_options.Files,
    text_column: table_options.TextsColumn,
    label_column: Annotated[str, typer.Option(help="The column with the labels, taken as the truth.")],
    out: Annotated[Path, typer.Option(help="The folder for runs and simulation.json.")],
    prior_column: Annotated[
        list[str] | None,
        typer.Option(
            help="A column with labels by something else, which the model sees: a language model, a vendor, "
            "a rule. Repeatable."
        ),
    ] = None,
    prior_confidence_column: Annotated[
        list[str] | None,
        typer.Option(
            help="How sure each prior label is: 0.87, 87 % or 87. One for each --prior-column, in the same "
            'order; "" for a column without.'
        ),
    ] = None,
    missing: table_options.Missing = None,
    exact_labels: table_options.ExactLabels = False,
    merge_case: table_options.MergeCase = False,
    delimiter: table_options.Delimiter = None,
    encoding: table_options.Encoding = None,
    column_names: table_options.ColumnNames = None,
    quotes: table_options.Quotes = None,
    backslashes: table_options.Backslashes = None,
    sheet: table_options.Sheet = None,
    skip_bad_rows: Annotated[
        bool, typer.Option("--skip-bad-rows", help="Leave bad rows out instead of stopping.")
    ] = False,
    sample: Annotated[
        int | None,
        typer.Option(min=1, help="Take this many rows at random. More rows need a smaller share of labels."),
    ] = None,
    policy: Annotated[
        list[Policy] | None,
        typer.Option(
            help="default certifies the error, blog has the rules of the 2020 post. Give both to compare."
        ),
    ] = None,
    query_strategy: Annotated[
        str | None, typer.Option(help="How the next objects for people are chosen: docs/query-strategies.md.")
    ] = None,
    target_error: run_options.TargetError = None,
    confidence: run_options.Confidence = None,
    start_size: Annotated[float | None, typer.Option(help=f"Labels before the first model. {SIZE}")] = None,
    batch_size: run_options.BatchSize = None,
    validation_size: Annotated[
        float | None, typer.Option(help=f"The most objects drawn for one test of the certificate. {SIZE}")
    ] = None,
    certificate_for: run_options.ForWhat = None,
    review_disagreements: Annotated[
        bool | None,
        typer.Option(
            "--review-disagreements/--no-review-disagreements",
            help="In a test, when a person disagrees with the model, ask again until two people agree. "
            "Default: yes; that takes people's mistakes (--error-rate) out of the test.",
        ),
    ] = None,
    wrong_label_cost: Annotated[
        float | None,
        typer.Option(min=1, help="What a wrong label costs, in human labels: doubtful objects go to people."),
    ] = None,
    max_human_labels: run_options.MaxHumanLabels = None,
    seeds: Annotated[
        int,
        typer.Option(min=1, help="Runs for each policy, with the seeds 0, 1, ...: how much do they vary?"),
    ] = 1,
    error_rate: Annotated[
        float | None, typer.Option(min=0, max=1, help="The share of answers that people get wrong.")
    ] = None,
    real_model: Annotated[
        bool,
        typer.Option(
            "--real-model",
            help="Train the Keras text classifier that labelloop ships: minutes to hours a run. Default: a "
            "quick model, which learns in milliseconds but needs more labels.",
        ),
    ] = False,
    model_container: Annotated[
        Path | None, typer.Option(help="A folder with your own train and serve, in place of the quick model.")
    ] = None,
    application: Annotated[
        Path | None,
        typer.Option(help="The folder with the container for --real-model. Default: as in labelloop run."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print simulation.json and nothing else.")] = False,
) -> None:
    """See how few labels people would have to give, on a file whose labels are known.

    Runs the whole loop in memory, starting without any label. People are simulated: they answer with the
    file's labels. The table at the end shows what share of the rows people had to label, how many of the
    model's labels differ from the file's, and what the certificate promised without knowing them. The model
    is a quick one, unless you ask for another: the result names it.

    After an interruption, the same command continues. More --seeds or another --policy add runs. The options
    --query-strategy, --start-size, --batch-size and --validation-size apply to the policy default only.

    Example: labelloop simulate news.csv --text-column title --label-column category --policy default
    --policy blog --seeds 3 --out simulation
    """
    console = Console(stderr=as_json)
    folder, policies = SimulationFolder(out), list(dict.fromkeys(policy or [Policy.DEFAULT]))
    with explained_errors():
        prior_columns = table_options.pairs_of_columns(prior_column, prior_confidence_column)
        options = SimulationOptions(
            files=files,
            table_format=table_options.table_format(
                text_column=text_column,
                label_column=label_column,
                prior_columns=prior_columns,
                delimiter=delimiter,
                encoding=encoding,
                column_names=column_names,
                quotes=quotes,
                backslashes=backslashes,
                sheet=sheet,
            ),
            preparation=PreparationOptions(
                label_attribute=propose_label_attribute(label_column),
                sample=sample,
                skip_bad_rows=skip_bad_rows,
                missing=table_options.missing_words(missing),
                exact_labels=exact_labels,
                merge_case=merge_case,
                prior_attributes=prior_attributes(prior_columns),
            ),
            active_learning={
                "QueryStrategy": query_strategy,
                "TargetError": target_error,
                "Confidence": confidence,
                "StartSize": start_size,
                "BatchSize": batch_size,
                "ValidationSize": validation_size,
                "CertificateFor": certificate_for.value if certificate_for else None,
                "ReviewDisagreements": review_disagreements,
                "WrongLabelCost": wrong_label_cost,
                "MaxHumanLabels": max_human_labels,
            },
            error_rate=error_rate,
            model=chosen_model(
                real=real_model,
                container=model_container,
                application=application,
                encodings=folder.encodings,
            ),
        )
        try:
            result = _simulate(console, options, folder, policies, seeds)
        except KeyboardInterrupt:
            console.print("\nInterrupted. What has ended is kept: the same command does the other runs.")
            raise typer.Exit(_INTERRUPTED) from None
    if as_json:
        sys.stdout.write(json.dumps(result.as_document(), indent=2, ensure_ascii=False) + "\n")
    else:
        print_result(console, result, folder.out, folder.result, options.model.note)


def _simulate(
    console: Console,
    options: SimulationOptions,
    folder: SimulationFolder,
    policies: list[Policy],
    seeds: int,
) -> SimulationResult:
    """Do the runs that are missing; returns the content of simulation.json, written after every run."""
    data = _read(console, options)
    planned = {
        (policy, seed): options.active_learning_of(policy, seed, policies)
        for policy in policies
        for seed in range(seeds)
    }
    for block in planned.values():
        load_query_strategy(parse_settings(block).query_strategy)
    folder.take(options.settings())
    runs: list[SimulatedRun] = []
    for number, ((policy, seed), block) in enumerate(planned.items(), 1):
        console.print(Text(f"\nRun {number} of {len(planned)}: policy {policy}, seed {seed}", style="bold"))
        run_folder = folder.run(policy, seed)
        report = run(console, data, run_folder, block)
        runs.append(SimulatedRun.of(report, page=run_folder.page.relative_to(folder.out).as_posix()))
        result = SimulationResult.of(
            runs,
            file=options.file_names,
            model=options.model.name,
            settings={name: value for name, value in options.active_learning.items() if value is not None},
            error_rate=options.error_rate or 0.0,
        )
        write_json(folder.result, result.as_document())
    return result


def _read(console: Console, options: SimulationOptions) -> SimulatedData:
    with table_options.reading_progress() as watcher:
        known = read_known_labels(options.files, options.table_format, options.preparation, watcher=watcher)
    table_options.print_reading(console, known.read_as, known.notes)
    return SimulatedData(known, LabelAttribute(options.preparation.label_attribute), options.model)
