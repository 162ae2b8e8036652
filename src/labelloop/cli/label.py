"""`labelloop label`: people label a manifest in the browser, without a run."""

import contextlib
import hashlib
import shlex
import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from labelloop.cli.errors import explained_errors
from labelloop.cli.image_folder import ImageFolder
from labelloop.cli.labeling_folder import LabelingFolder
from labelloop.cli.sentences import line_printer
from labelloop.core.errors import RequestError
from labelloop.core.manifest.label_categories import LabelCategories, parse_label_categories
from labelloop.core.manifest.lines import LabelAttribute
from labelloop.preparation import PreparationOptions, prepare_dataset
from labelloop.preparation.demo_headlines import demo_headlines
from labelloop.reporting.text import counted
from labelloop.work_folder.lock import locked
from labelloop.workbench.batch_closed import BatchClosed
from labelloop.workbench.closing import Closing
from labelloop.workbench.deployment import OpenedWorkbench
from labelloop.workbench.local_files import LocalFiles
from labelloop.workbench.opening import asked_about, open_batch
from labelloop.workbench.server import DEFAULT_PORT, listening
from labelloop.workbench.sqlite_store import SqliteTaskStore
from labelloop.workbench.tasks import Batch

DEMO_HEADLINES = 100
BATCH = "label"


def label(
    manifest: Annotated[
        Path | None,
        typer.Option(
            help="What to label: JSON Lines with source (a text) or source-ref (an image, s3://...)."
        ),
    ] = None,
    classes: Annotated[
        Path | None, typer.Option(help='The classes: {"labels": [{"label": "name"}, ...]}.')
    ] = None,
    s3_root: Annotated[
        Path | None, typer.Option(help="The folder with the images, which stands for S3: DIR/<bucket>/<key>.")
    ] = None,
    out: Annotated[
        Path, typer.Option(help="The folder for the answers so far and the output manifest.")
    ] = Path("labeled"),
    demo: Annotated[bool, typer.Option("--demo", help="Try it on 100 synthetic headlines.")] = False,
    label_attribute: Annotated[
        str, typer.Option(help="The key for the labels in the manifest.")
    ] = "category",
    title: Annotated[str, typer.Option(help="The question people are asked.")] = "Choose the class",
    instructions: Annotated[
        str, typer.Option(help="How to answer it.")
    ] = "Choose the one class that fits best.",
    people_per_object: Annotated[
        int, typer.Option(min=1, max=9, help="How many people label each object.")
    ] = 1,
    adjudicate: Annotated[
        bool,
        typer.Option("--adjudicate", help="Stay open until you have decided what people disagree about."),
    ] = False,
    host: Annotated[
        str, typer.Option(help="The address to serve at; 0.0.0.0 admits the local network.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The first port to try.")] = DEFAULT_PORT,
) -> None:
    """Label a manifest in the browser, alone or with others. The output manifest has Ground Truth's format.

    Every answer is saved at once: after an interruption, the same command continues.
    """
    console = Console()
    with explained_errors():
        data = _Data.given(manifest, classes, s3_root, out, demo=demo)
        asked = _Question(LabelAttribute(label_attribute), title, instructions, people_per_object, adjudicate)
        _label(console, data, LabelingFolder(out.resolve()), asked, host, port)


@dataclass(frozen=True)
class _Data:
    """What is labeled, and whether it is the demo's."""

    manifest: Path
    classes: Path
    s3_root: Path | None
    demo: bool

    @classmethod
    def given(
        cls, manifest: Path | None, classes: Path | None, s3_root: Path | None, out: Path, *, demo: bool
    ) -> "_Data":
        """Raises RequestError when the data are not named, named twice, or not files."""
        if demo:
            if manifest is not None or classes is not None:
                raise RequestError(
                    "--demo has its own data: leave out either --demo, or --manifest and --classes"
                )
            manifest, classes = _demo_data(out)
        if manifest is None or classes is None:
            raise RequestError("name what to label with --manifest and --classes, or try --demo")
        return cls(_readable(manifest), _readable(classes), s3_root, demo)


@dataclass(frozen=True)
class _Question:
    attribute: LabelAttribute
    title: str
    instructions: str
    people_per_object: int
    adjudicate: bool


def _label(
    console: Console, data: _Data, folder: LabelingFolder, asked: _Question, host: str, port: int
) -> None:
    categories = parse_label_categories(data.classes.read_bytes())
    labeling = _labeling(data.manifest, categories, asked)
    folder.require_same(labeling)
    with locked(folder.path):
        images = ImageFolder(data.s3_root)
        unlabeled = folder.number_lines(data.manifest, asked.attribute, categories)
        images.require_shown(LocalFiles().read_lines(str(folder.selection)))
        with listening(host, port) as listener, contextlib.ExitStack() as stack:
            # Not earlier: after a refusal, the same --out can be used again.
            folder.keep(labeling)
            store = stack.enter_context(contextlib.closing(SqliteTaskStore(folder.store)))
            workbench = _Workbench(store, images, folder, listener)
            _await_answers(console, workbench, _batch(asked, categories, folder), unlabeled)
            disputed = sum(
                task.disputed and not task.decided and task.counts_with(asked.people_per_object)
                for task in store.tasks(BATCH)
            )
        folder.write_output()
    console.print(Text(_outcome(folder, asked.attribute, data, disputed)), soft_wrap=True)


def _labeling(manifest: Path, categories: LabelCategories, asked: _Question) -> dict[str, object]:
    """What the answers in a folder belong to, by the names of the options."""
    return {
        "--manifest": hashlib.sha256(manifest.read_bytes()).hexdigest(),
        "--classes": list(categories.names),
        "--label-attribute": asked.attribute.name,
        "--title": asked.title,
        "--instructions": asked.instructions,
        "--people-per-object": asked.people_per_object,
    }


def _outcome(folder: LabelingFolder, attribute: LabelAttribute, data: _Data, disputed: int) -> str:
    counts, output = folder.outcomes(attribute), folder.output
    are_all = counts["labeled"] == counts.total()
    sentences = [
        f"Everything is labeled: {output}"
        if are_all
        else f"{counts['labeled']:,} of {counts.total():,} objects are labeled: {output}"
    ]
    if disputed:
        sentences.append(
            f"People disagreed about {counted(disputed, 'object')}: the output has the most likely class, "
            "and how sure it is as confidence."
        )
    if are_all:
        return "\n".join(sentences)
    if counts["skipped"]:
        sentences.append(f"Skipped: {counts['skipped']:,}; the output has the reason, as failure-reason.")
    if counts["unanswered"]:
        sentences.append(f"Not fully answered: {counts['unanswered']:,}.")
    named = shlex.join(["--manifest", str(output), "--classes", str(data.classes)])
    sentences.append(
        f"To ask about them again: the same command with another --out and {named}"
        + (" in place of --demo" if data.demo else "")
    )
    return "\n".join(sentences)


def _batch(asked: _Question, categories: LabelCategories, folder: LabelingFolder) -> Batch:
    return Batch(
        id=BATCH,
        run=folder.path.name,
        round=1,
        kind="text",
        title=asked.title,
        short_instructions=asked.instructions,
        full_instructions=asked.instructions,
        classes=categories.names,
        label_attribute=asked.attribute.name,
        people_per_object=asked.people_per_object,
        decidable=True,
        adjudicate=asked.adjudicate,
        total=0,
        created=time.time(),
        selection_uri=str(folder.selection),
        output_uri=str(folder.answers),
    )


@dataclass(frozen=True)
class _Workbench:
    """What the pages show, and where they are served."""

    store: SqliteTaskStore
    images: ImageFolder
    folder: LabelingFolder
    listener: socket.socket


def _await_answers(console: Console, workbench: _Workbench, batch: Batch, unlabeled: int) -> None:
    files, ended = LocalFiles(), BatchClosed()
    closing = Closing(workbench.store, files, ended)
    asked_for = list(asked_about(files.read_lines(batch.selection_uri), {}))
    opened = open_batch(workbench.store, batch, asked_for)
    if opened.state != "closed" and opened.adjudicate != batch.adjudicate:
        # The one option that may change when the command is repeated.
        wanted = {"decidable": True, "adjudicate": batch.adjudicate}
        opened = workbench.store.save_batch(opened.model_copy(update=wanted))
    closing.go_on()
    if unlabeled and opened.state != "closed":
        _serve_until(console, workbench, closing, ended.event)


def _serve_until(console: Console, workbench: _Workbench, closing: Closing, ended: threading.Event) -> None:
    # Here, since FastAPI is slow to import, and every command imports this module.
    from labelloop.workbench.serving import serve_workbench

    parts = OpenedWorkbench(workbench.store, closing)
    try:
        with serve_workbench(
            line_printer(console),
            workbench.listener,
            parts,
            workbench.folder.key,
            read_image=workbench.images.read,
        ):
            console.print("Ctrl-C stops. Every answer is kept, and the same command continues.")
            ended.wait()
    except KeyboardInterrupt:
        console.print("\nStopped. What is labeled is kept: the same command continues.")
        raise typer.Exit(130) from None


def _demo_data(out: Path) -> tuple[Path, Path]:
    options = PreparationOptions(label_attribute="category", labeled_share=0.0, seed=0, overwrite=True)
    prepared = prepare_dataset(demo_headlines(DEMO_HEADLINES), out / "data", options)
    return prepared.folder.manifest, prepared.folder.class_labels


def _readable(path: Path) -> Path:
    if not path.is_file():
        raise RequestError(f"there is no file {path}")
    return path
