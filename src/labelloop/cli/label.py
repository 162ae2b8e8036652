"""`labelloop label`: people label a manifest in the browser, without a run."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from labelloop.cli.run import explained_errors
from labelloop.core.errors import RequestError
from labelloop.core.input_manifest import InputManifest
from labelloop.core.label_categories import LabelCategories, parse_label_categories
from labelloop.core.manifest import LabelAttribute, object_id, remove_id
from labelloop.preparation import PreparationOptions, prepare_dataset
from labelloop.preparation.demo_headlines import demo_headlines
from labelloop.workbench.application import create_app
from labelloop.workbench.closing import Closing
from labelloop.workbench.local_files import LocalFiles
from labelloop.workbench.opening import asked_about, open_batch
from labelloop.workbench.server import DEFAULT_PORT, kept_key, served
from labelloop.workbench.service import Workbench
from labelloop.workbench.sessions import LaptopSessions
from labelloop.workbench.sqlite_store import SqliteTaskStore
from labelloop.workbench.tasks import Batch

DEMO_HEADLINES = 100
# After the last answer: the page asks once more and hears that all is done.
_FAREWELL_SECONDS = 5.0


def label(
    manifest: Annotated[
        Path | None, typer.Option(help="What to label: JSON Lines with source or source-ref.")
    ] = None,
    classes: Annotated[
        Path | None, typer.Option(help='The classes: {"labels": [{"label": "name"}, ...]}.')
    ] = None,
    out: Annotated[Path, typer.Option(help="The folder for progress and output manifest.")] = Path("labeled"),
    demo: Annotated[bool, typer.Option("--demo", help="Try it on 100 synthetic headlines.")] = False,
    label_attribute: Annotated[str, typer.Option(help="The key that labels get.")] = "category",
    title: Annotated[str, typer.Option(help="The question people are asked.")] = "Choose the class",
    instructions: Annotated[
        str, typer.Option(help="How to answer it.")
    ] = "Choose the one class that fits best.",
    people_per_object: Annotated[int, typer.Option(min=1, max=9, help="How many people label each.")] = 1,
    host: Annotated[
        str, typer.Option(help="Where to serve; 0.0.0.0 lets in the local network.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The first port to try.")] = DEFAULT_PORT,
) -> None:
    """Label a manifest in the browser, alone or with others; the output manifest is Ground Truth's.

    Every answer is on the disk at once: after an interruption the same command goes on.
    """
    console = Console()
    with explained_errors():
        if demo:
            manifest, classes = _demo_data(out)
        if manifest is None or classes is None:
            raise RequestError("name what to label by --manifest and --classes, or try --demo")
        asked = _Question(LabelAttribute(label_attribute), title, instructions, people_per_object)
        output = _label(console, _readable(manifest), _readable(classes), out.resolve(), asked, host, port)
    console.print(Text(f"All is labeled: {output}"), soft_wrap=True)


@dataclass(frozen=True)
class _Question:
    attribute: LabelAttribute
    title: str
    instructions: str
    people_per_object: int


class _Ended:
    """Waits for the batch to be closed."""

    def __init__(self) -> None:
        self.event = threading.Event()

    def batch_closed(self, _batch: Batch) -> None:
        self.event.set()

    def batch_failed(self, _batch: Batch, _cause: str) -> None:
        """Who closed the batch is told."""

    def heartbeat(self, _batch: Batch) -> None:
        """Nobody listens."""


def _label(
    console: Console, manifest: Path, classes: Path, out: Path, asked: _Question, host: str, port: int
) -> Path:
    categories = parse_label_categories(classes.read_bytes())
    selection, output = out / "selection.manifest", out / "output.manifest"
    files, ended = LocalFiles(), _Ended()
    all_lines = out / "working.manifest"
    unlabeled = _number_lines(manifest, asked.attribute, categories, all_lines, selection)
    store = SqliteTaskStore(out / "workbench.sqlite")
    try:
        closing = Closing(store, files, ended)
        batch = open_batch(
            store,
            _batch(asked, categories, selection, out),
            list(asked_about(files.read_lines(str(selection)), {})),
        )
        closing.go_on()
        if unlabeled and batch.state != "closed":
            _serve_until(console, Workbench(store, closing), ended.event, out, host, port)
    finally:
        store.close()
    _write_output(files, all_lines, Path(batch.output_uri), output)
    return output


def _batch(asked: _Question, categories: LabelCategories, selection: Path, out: Path) -> Batch:
    return Batch(
        id="label",
        run=out.name,
        round=1,
        kind="text",
        title=asked.title,
        short_instructions=asked.instructions,
        full_instructions=asked.instructions,
        classes=categories.names,
        label_attribute=asked.attribute.name,
        people_per_object=asked.people_per_object,
        total=0,
        created=time.time(),
        selection_uri=str(selection),
        output_uri=str(out / "labeled.manifest"),
    )


def _number_lines(
    manifest: Path, attribute: LabelAttribute, categories: LabelCategories, all_lines: Path, selection: Path
) -> int:
    """Write all lines with their ids, and of those the ones without a label; returns the number of these."""
    checked = InputManifest(attribute, categories)
    with manifest.open("rb") as lines:
        LocalFiles().write_lines(
            str(all_lines), checked.working_lines(line.rstrip(b"\r\n") for line in lines)
        )
    labels = checked.ledger().labels
    wanted = (
        line for number, line in enumerate(LocalFiles().read_lines(str(all_lines))) if labels[number] < 0
    )
    return LocalFiles().write_lines(str(selection), wanted)


def _serve_until(
    console: Console, workbench: Workbench, ended: threading.Event, out: Path, host: str, port: int
) -> None:
    sessions = LaptopSessions(kept_key(out / "workbench.key"))
    with served(create_app(workbench, sessions), host=host, port=port) as address:
        console.print(Text(f"Label here: {address}/enter?key={sessions.key}"), soft_wrap=True)
        console.print("Ctrl-C stops; every answer is kept, and the same command goes on.")
        try:
            ended.wait()
            time.sleep(_FAREWELL_SECONDS)
        except KeyboardInterrupt:
            console.print("\nStopped. What is labeled is kept: the same command goes on.")
            raise typer.Exit(130) from None


def _write_output(files: LocalFiles, all_lines: Path, labeled: Path, output: Path) -> None:
    """All lines of the user's manifest in its order, with people's labels, without our ids."""
    answers = files.read_lines(str(labeled)) if labeled.exists() else iter(())
    answered = next(answers, None)

    def merged() -> Iterator[bytes]:
        nonlocal answered
        for line in files.read_lines(str(all_lines)):
            if answered is not None and object_id(answered) == object_id(line):
                line, answered = answered, next(answers, None)
            yield remove_id(line)

    files.write_lines(str(output), merged())


def _demo_data(out: Path) -> tuple[Path, Path]:
    options = PreparationOptions(label_attribute="category", labeled_share=0.0, seed=0, overwrite=True)
    prepared = prepare_dataset(demo_headlines(DEMO_HEADLINES), out / "data", options)
    return prepared.folder.manifest, prepared.folder.class_labels


def _readable(path: Path) -> Path:
    if not path.is_file():
        raise RequestError(f"there is no file {path}")
    return path
