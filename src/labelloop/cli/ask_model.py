"""`labelloop ask-model`: a foundation model labels a file of texts, before people judge it."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from labelloop.asked_files.descriptions import read_descriptions, read_instructions
from labelloop.asked_files.output import (
    AnswerColumns,
    refuse_changed_output,
    refuse_output,
    write_answers,
)
from labelloop.cli import table_options
from labelloop.cli.ask_task import AskedFile, AskedModel, Instructions
from labelloop.cli.asked_server import BEDROCK, asked_server
from labelloop.cli.asked_summary import print_next, print_outcome
from labelloop.cli.asking_progress import FIRST_ANSWERS, AskingProgress
from labelloop.cli.audit_people import stopped
from labelloop.cli.aws.options import ProfileOption
from labelloop.cli.errors import RunFailedError, explained_errors
from labelloop.cli.prompt import print_messages
from labelloop.cli.sentences import say
from labelloop.cli.table_options import comma_separated
from labelloop.foundation_model.answer_cache import AnswerCache, cache_beside
from labelloop.foundation_model.asking import Asking
from labelloop.foundation_model.errors import ModelServerError
from labelloop.foundation_model.examples import Examples
from labelloop.foundation_model.model_client import DEFAULT_PATIENCE, Patience
from labelloop.foundation_model.prompt import described
from labelloop.foundation_model.reading import NOT_ASKED, Outcome, Reading
from labelloop.foundation_model.row_labeler import ConfidenceFrom
from labelloop.foundation_model.server_address import OPENAI_KEY
from labelloop.foundation_model.spending import Prices, Spending
from labelloop.preparation import PreparationOptions, TableSource
from labelloop.preparation.errors import OptionError
from labelloop.preparation.options import DEFAULT_LABEL_ATTRIBUTE
from labelloop.preparation.text_data import SampledRows, read_sampled_rows

DEFAULT_SERVER = "http://127.0.0.1:11434/v1"


def ask_model(
    files: table_options.Files,
    text_column: table_options.TextsColumn,
    model: Annotated[
        str,
        typer.Option(
            help="The model's name, as the server knows it: llama3.2, gpt-4o, eu.amazon.nova-lite-v1:0."
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            help="The file to write: .csv, .jsonl or .parquet. The answers are kept in a file beside it, so "
            "that none is paid for twice."
        ),
    ],
    classes: table_options.Classes = None,
    server: Annotated[
        str,
        typer.Option(
            help="A server that speaks the chat-completions protocol; or bedrock: Amazon Bedrock, with your "
            "AWS credentials. Default: Ollama, on this machine."
        ),
    ] = DEFAULT_SERVER,
    name: Annotated[
        str | None,
        typer.Option(
            help="The column for the labels; NAME_confidence and NAME_error stand behind it. Default: the "
            "model's name."
        ),
    ] = None,
    class_descriptions: Annotated[
        Path | None,
        typer.Option(
            help='What the classes mean: JSON such as {"sports": "Matches and athletes."}, or a table with '
            "the columns class and description. Without --classes, these are the classes."
        ),
    ] = None,
    guidelines: Annotated[
        Path | None, typer.Option(help="A file of text with your labeling guidelines, in any language.")
    ] = None,
    label_column: Annotated[
        str | None,
        typer.Option(
            help="The column with the labels that people gave, empty where there is none: some of them are "
            "shown to the model as examples. No row is its own example."
        ),
    ] = None,
    examples_per_class: Annotated[int, typer.Option(min=0, help="How many such examples of each class.")] = 1,
    examples_near: Annotated[
        int,
        typer.Option(
            min=0,
            max=20,
            help="Beside these, how many that are like the text asked about; they differ from "
            "text to text, and cost tokens with each.",
        ),
    ] = 0,
    prompt_template: Annotated[
        Path | None,
        typer.Option(
            help="Your own instructions to the model, as a Jinja2 template: see docs/foundation-model.md."
        ),
    ] = None,
    show_prompt: Annotated[
        bool,
        typer.Option("--show-prompt", help="Print what would be sent about the first row; send nothing."),
    ] = False,
    confidence_from: Annotated[
        ConfidenceFrom,
        typer.Option(
            help="How sure the model is: as it states it; by the probability of the label's tokens, where "
            "the server tells it; or by how often it gives the same label in several answers."
        ),
    ] = ConfidenceFrom.STATED,
    samples: Annotated[
        int, typer.Option(min=2, help="How many answers about each text, with --confidence-from samples.")
    ] = 5,
    at_once: Annotated[
        int, typer.Option(min=1, max=256, help="How many requests are under way at a time.")
    ] = 4,
    timeout: Annotated[
        float, typer.Option(min=0.1, help="How many seconds to wait for an answer, before it is tried again.")
    ] = DEFAULT_PATIENCE.timeout_seconds,
    attempts: Annotated[
        int, typer.Option(min=1, help="How often to try, where the server is busy, fails or hangs up.")
    ] = DEFAULT_PATIENCE.attempts,
    max_answer_tokens: Annotated[
        int, typer.Option(min=1, help="The most tokens of an answer. Models that think aloud need thousands.")
    ] = 256,
    price_in: Annotated[
        float | None, typer.Option(min=0, help="Dollars per million tokens that are sent.")
    ] = None,
    price_out: Annotated[
        float | None, typer.Option(min=0, help="Dollars per million tokens of the answers.")
    ] = None,
    max_cost: Annotated[
        float | None, typer.Option(min=0, help="The most dollars to spend; needs both prices.")
    ] = None,
    key_variable: Annotated[
        str | None,
        typer.Option(
            help=f"The environment variable with the server's key. Default: {OPENAI_KEY}, for OpenAI and for "
            "servers on this machine."
        ),
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(
            help=f"The AWS region, with --server {BEDROCK}. Default: the profile's.",
            envvar="AWS_REGION",
            show_envvar=True,
        ),
    ] = None,
    profile: ProfileOption = None,
    plan: Annotated[
        bool,
        typer.Option(
            "--plan", help=f"Ask about the first {FIRST_ANSWERS} texts, say what all will take, and stop."
        ),
    ] = False,
    sample: table_options.Sample = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same sample and examples.")] = 0,
    id_column: table_options.IdColumn = None,
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
) -> None:
    """Let a language model label a file of texts: with Ollama, llama.cpp, vLLM, Amazon Bedrock, or any
    server like OpenAI's.

    OUT has your rows and columns as they are, and behind them the model's label, its confidence, and why
    there is none. How good these labels are, nobody knows yet: the command ends with those that find out.

    Stop with Ctrl-C whenever you like: the same command goes on, and no answer is paid for twice.

    Example: labelloop ask-model texts.csv --text-column title --classes business,health,sports
    --model llama3.2 --out asked.csv
    """
    console = Console()
    with explained_errors():
        asked_model = AskedModel(
            name=model,
            server=asked_server(
                server,
                key_variable=key_variable,
                region=region,
                profile=profile,
                confidence_from=confidence_from,
            ),
            confidence_from=confidence_from,
            samples=samples,
            most_tokens=max_answer_tokens,
            at_once=at_once,
            patience=Patience(timeout, attempts),
        )
        spending = _spending(price_in, price_out, max_cost)
        if examples_near and label_column is None:
            raise OptionError("--examples-near needs --label-column: the column with the labels of people.")
        meanings = read_descriptions(class_descriptions) if class_descriptions else {}
        table_format = table_options.table_format(
            text_column=text_column,
            label_column=label_column,
            id_column=id_column,
            prior_columns=(),
            delimiter=delimiter,
            encoding=encoding,
            column_names=column_names,
            quotes=quotes,
            backslashes=backslashes,
            sheet=sheet,
        )
        table_options.refuse_no_classes(files, table_format, classes or ",".join(meanings) or None)
        options = PreparationOptions(
            label_attribute=DEFAULT_LABEL_ATTRIBUTE,
            classes=comma_separated(classes, "--classes") or tuple(meanings) or None,
            sample=sample,
            seed=seed,
            skip_bad_rows=skip_bad_rows,
            missing=table_options.missing_words(missing),
            exact_labels=exact_labels,
            merge_case=merge_case,
        )
        source = TableSource.open(files, table_format)
        answers = AnswerColumns.named(name, model, source.columns)
        with table_options.reading_progress() as watcher:
            read = read_sampled_rows(source, table_format, options, watcher=watcher)
        file = AskedFile(read.taken, source.columns, out, answers)
        names = read.first.classes.labels
        instructions = Instructions(
            classes=described(names, meanings, class_descriptions),
            guidelines=read_instructions(guidelines, "The guidelines") if guidelines else "",
            template=read_instructions(prompt_template, "The prompt template") if prompt_template else None,
            examples=Examples(
                ((row.text, row.label) for row in read.taken),
                names,
                examples_per_class,
                seed,
                near=examples_near,
            ),
        )
        # Before anything is written or sent: a template may be wrong.
        prompt = instructions.prompt(secrets.token_hex(8), confidence_from)
        if show_prompt:
            first = file.texts[0]
            print_messages(console, prompt.messages(first, instructions.examples.beside(first)))
            return
        refuse_output(out, files)
        _tell(console, source, read, file, asked_model)
        with AnswerCache.open(cache_beside(out)) as cache:
            refuse_changed_output(out, cache)
            asked = _Asked(console, file, asked_model, instructions, spending, cache)
            asked.to_the_end(plan=plan)
        print_next(
            console,
            file,
            names,
            asked.of_rows,
            text_column=text_column,
            id_column=id_column,
            label_column=label_column,
        )


class _Asked:
    """The answers so far, and what is done with them however the asking ends."""

    def __init__(
        self,
        console: Console,
        file: AskedFile,
        model: AskedModel,
        instructions: Instructions,
        spending: Spending,
        cache: AnswerCache,
    ) -> None:
        """Raises PromptError."""
        self._console, self._file, self._model, self._cache = console, file, model, cache
        self._spending = spending
        self._client = model.client()
        self._asking = Asking(
            model.labeler(instructions, cache.mark()),
            self._client,
            cache,
            spending,
            server=model.server.name,
            at_once=model.at_once,
        )
        self._readings: dict[str, Reading] = {}

    @property
    def of_rows(self) -> list[Reading]:
        return [self._readings.get(row.text, NOT_ASKED) for row in self._file.rows]

    def to_the_end(self, *, plan: bool) -> None:
        """Raises ModelServerError, RunFailedError, and Exit where it was interrupted."""
        texts = self._file.texts
        self._readings.update(self._asking.kept(texts))
        left = [text for text in texts if text not in self._readings]
        if left:
            try:
                self._client.check()
                progress = AskingProgress(self._console, self._spending, self._readings, len(texts))
                (progress.plan if plan else progress.follow)(self._asking, left)
            except KeyboardInterrupt:
                self._write_with_late_answers()
                raise stopped(self._console) from None
            except ModelServerError:
                self._write_with_late_answers()
                raise
        if plan:
            unasked = len(texts) - len(self._readings)
            does = f"asks about the other {unasked:,} texts" if unasked else "writes the answers"
            answered = "" if unasked else "All texts are answered already. "
            say(self._console, f"{answered}Without --plan, the same command {does}.")
            raise typer.Exit
        self._write()
        if len(self._readings) < len(texts) or NOT_ASKED in self._readings.values():
            raise RunFailedError(
                "Stopped before --max-cost could be exceeded. What was answered is kept: the same command "
                "with more goes on."
            )

    def _write_with_late_answers(self) -> None:
        """What was under way when all was given up has been answered, and paid for."""
        late = [text for text in self._file.texts if text not in self._readings]
        self._readings.update(self._asking.kept(late))
        self._write()

    def _write(self) -> None:
        """Nothing where there is no answer."""
        none = (Outcome.FAILED, Outcome.NOT_ASKED)
        if any(reading.outcome not in none for reading in self._readings.values()):
            file, of_rows = self._file, self.of_rows
            write_answers(file.out, file.columns, file.answers, file.rows, of_rows, self._cache)
            print_outcome(self._console, self._model.name, of_rows, self._spending, file.answers.error)
            self._console.print(Text(f"Wrote {file.out}."), soft_wrap=True)


def _spending(price_in: float | None, price_out: float | None, max_cost: float | None) -> Spending:
    if (price_in is None) != (price_out is None):
        raise OptionError("--price-in and --price-out go together: give both, or none.")
    if price_in is None or price_out is None:
        if max_cost is not None:
            raise OptionError("--max-cost needs --price-in and --price-out: what a model costs differs.")
        return Spending()
    return Spending(Prices(price_in, price_out), max_cost)


def _tell(
    console: Console, source: TableSource, read: SampledRows, file: AskedFile, model: AskedModel
) -> None:
    """How the files were read, and what begins now."""
    table_options.print_reading(
        console, source.read_as, (*source.notes, *read.first.rules.words.notes(), *_notes(read, model))
    )
    rows, texts = len(file.rows), len(file.texts)
    different = f" ({texts:,} different texts)" if texts < rows else ""
    say(
        console,
        f"Asking {model.name} at {model.server.name} about {rows:,} rows{different}, {model.at_once} at "
        "once.",
    )
    console.print(Text(f"Answers are kept in {cache_beside(file.out)}."), soft_wrap=True)


def _notes(read: SampledRows, model: AskedModel) -> Iterator[str]:
    if bad := len(read.first.survey.bad_rows):
        yield f"{bad:,} bad rows are left out."
    yield from model.server.warnings
