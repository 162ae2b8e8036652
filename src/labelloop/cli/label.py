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

from labelloop.cli.folder_lock import claimed
from labelloop.cli.image_folder import ImageFolder
from labelloop.cli.labeling_folder import LabelingFolder
from labelloop.cli.run import explained_errors
from labelloop.core.errors import RequestError
from labelloop.core.manifest.label_categories import LabelCategories, parse_label_categories
from labelloop.core.manifest.lines import LabelAttribute
from labelloop.preparation import PreparationOptions, prepare_dataset
from labelloop.preparation.demo_headlines import demo_headlines
from labelloop.reporting.text import counted
from labelloop.workbench.closing import Closing
from labelloop.workbench.deployment import Parts
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
        Path | None, typer.Option(help="Where images lie: the folder that stands for S3, DIR/<bucket>/<key>.")
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
        data = _Data.given(manifest, classes, s3_root, out, demo=demo)
        asked = _Question(LabelAttribute(label_attribute), title, instructions, people_per_object)
        _label(console, data, LabelingFolder(out.resolve()), asked, host, port)


@dataclass(frozen=True)
class _Data:
    """What is labeled, and whether the command brought it itself."""

    manifest: Path
    classes: Path
    s3_root: Path | None
    demo: bool

    @classmethod
    def given(
        cls, manifest: Path | None, classes: Path | None, s3_root: Path | None, out: Path, *, demo: bool
    ) -> "_Data":
        """Raises RequestError where it is not named, named twice, or no file."""
        if demo:
            if manifest is not None or classes is not None:
                raise RequestError("--demo brings its own data: leave it out, or --manifest and --classes")
            manifest, classes = _demo_data(out)
        if manifest is None or classes is None:
            raise RequestError("name what to label by --manifest and --classes, or try --demo")
        return cls(_readable(manifest), _readable(classes), s3_root, demo)


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
    console: Console, data: _Data, folder: LabelingFolder, asked: _Question, host: str, port: int
) -> None:
    categories = parse_label_categories(data.classes.read_bytes())
    labeling = _labeling(data.manifest, categories, asked)
    folder.require_same(labeling)
    with claimed(folder.path):
        images = ImageFolder(data.s3_root)
        unlabeled = folder.number_lines(data.manifest, asked.attribute, categories)
        images.require_shown(LocalFiles().read_lines(str(folder.selection)))
        with listening(host, port) as listener, contextlib.ExitStack() as stack:
            # Not before: what is refused can be mended with the same --out.
            folder.keep(labeling)
            store = stack.enter_context(contextlib.closing(SqliteTaskStore(folder.store)))
            desk = _Desk(store, images, folder, listener)
            _await_answers(console, desk, _batch(asked, categories, folder), unlabeled)
            disputed = sum(
                task.disputed and task.counts_with(asked.people_per_object) for task in store.tasks(BATCH)
            )
        folder.write_output()
    console.print(Text(_what_is_labeled(folder, asked.attribute, data, disputed)), soft_wrap=True)


def _labeling(manifest: Path, categories: LabelCategories, asked: _Question) -> dict[str, object]:
    """What a folder's answers belong to, by the names a person knows."""
    return {
        "--manifest": hashlib.sha256(manifest.read_bytes()).hexdigest(),
        "--classes": list(categories.names),
        "--label-attribute": asked.attribute.name,
        "--title": asked.title,
        "--instructions": asked.instructions,
        "--people-per-object": asked.people_per_object,
    }


def _what_is_labeled(folder: LabelingFolder, attribute: LabelAttribute, data: _Data, disputed: int) -> str:
    counts, output = folder.outcomes(attribute), folder.output
    are_all = counts["labeled"] == counts.total()
    told = [
        f"All is labeled: {output}"
        if are_all
        else f"{counts['labeled']:,} of {counts.total():,} objects are labeled: {output}"
    ]
    if disputed:
        told.append(
            f"People disagreed about {counted(disputed, 'object')}: the likeliest class stands there, "
            "and how sure it is, as confidence."
        )
    if are_all:
        return "\n".join(told)
    if counts["skipped"]:
        told.append(f"Skipped: {counts['skipped']:,}; the reason stands there, as failure-reason.")
    if counts["unanswered"]:
        told.append(f"Not fully answered: {counts['unanswered']:,}.")
    named = shlex.join(["--manifest", str(output), "--classes", str(data.classes)])
    told.append(
        f"To ask about them again: the same command with another --out and {named}"
        + (" in place of --demo" if data.demo else "")
    )
    return "\n".join(told)


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
        total=0,
        created=time.time(),
        selection_uri=str(folder.selection),
        output_uri=str(folder.answers),
    )


@dataclass(frozen=True)
class _Desk:
    """What the pages are served from, and where."""

    store: SqliteTaskStore
    images: ImageFolder
    folder: LabelingFolder
    listener: socket.socket


def _await_answers(console: Console, desk: _Desk, batch: Batch, unlabeled: int) -> None:
    files, ended = LocalFiles(), _Ended()
    closing = Closing(desk.store, files, ended)
    asked_for = list(asked_about(files.read_lines(batch.selection_uri), {}))
    opened = open_batch(desk.store, batch, asked_for)
    closing.go_on()
    if unlabeled and opened.state != "closed":
        _serve_until(console, desk, closing, ended.event)


def _serve_until(console: Console, desk: _Desk, closing: Closing, ended: threading.Event) -> None:
    # Here, since FastAPI is slow to import, and every command imports this module.
    from labelloop.cli.serve_workbench import open_desk

    parts = Parts(desk.store, closing)
    try:
        with open_desk(console, desk.listener, parts, desk.folder.key, read_image=desk.images.read):
            console.print("Ctrl-C stops; every answer is kept, and the same command goes on.")
            ended.wait()
    except KeyboardInterrupt:
        console.print("\nStopped. What is labeled is kept: the same command goes on.")
        raise typer.Exit(130) from None


def _demo_data(out: Path) -> tuple[Path, Path]:
    options = PreparationOptions(label_attribute="category", labeled_share=0.0, seed=0, overwrite=True)
    prepared = prepare_dataset(demo_headlines(DEMO_HEADLINES), out / "data", options)
    return prepared.folder.manifest, prepared.folder.class_labels


def _readable(path: Path) -> Path:
    if not path.is_file():
        raise RequestError(f"there is no file {path}")
    return path
