"""People label a manifest at a workbench that runs as long as the command does."""

import contextlib
import hashlib
import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.console import Console

from labelloop.cli.image_folder import ImageFolder
from labelloop.cli.labeling_folder import LabelingFolder
from labelloop.cli.sentences import line_printer
from labelloop.core.manifest.label_categories import LabelCategories
from labelloop.core.manifest.lines import LabelAttribute
from labelloop.work_folder.lock import locked
from labelloop.workbench.batch_closed import BatchClosed
from labelloop.workbench.closing import Closing
from labelloop.workbench.deployment import OpenedWorkbench
from labelloop.workbench.local_files import LocalFiles
from labelloop.workbench.opening import asked_about, open_batch
from labelloop.workbench.server import listening
from labelloop.workbench.sqlite_store import SqliteTaskStore
from labelloop.workbench.tasks import Batch

BATCH = "label"


@dataclass(frozen=True)
class Question:
    """What people are asked about each object without a label, and how many of them."""

    attribute: LabelAttribute
    title: str
    instructions: str
    people_per_object: int = 1
    adjudicate: bool = False


@dataclass(frozen=True)
class LabelingSession:
    """A manifest, its classes, the folder that stands for S3 if it is about images, and the question."""

    manifest: Path
    categories: LabelCategories
    s3_root: Path | None
    asked: Question

    def hold(self, console: Console, folder: LabelingFolder, host: str, port: int) -> int:
        """Serve the workbench until everything is answered, and write the output manifest.

        Returns about how many objects people disagreed to the end. Raises RequestError when the folder holds
        something else, ManifestError for lines that cannot be used, typer.Exit on Ctrl-C: the same
        call goes on.
        """
        labeling = self._labeling()
        folder.require_same(labeling)
        with locked(folder.path):
            images = ImageFolder(self.s3_root)
            unlabeled = folder.number_lines(self.manifest, self.asked.attribute, self.categories)
            images.require_shown(LocalFiles().read_lines(str(folder.selection)))
            with listening(host, port) as listener, contextlib.ExitStack() as stack:
                # Not earlier: after a refusal, the same folder can be used again.
                folder.keep(labeling)
                store = stack.enter_context(contextlib.closing(SqliteTaskStore(folder.store)))
                workbench = _Workbench(store, images, folder, listener)
                _await_answers(console, workbench, _batch(self.asked, self.categories, folder), unlabeled)
                disputed = sum(
                    task.disputed and not task.decided and task.counts_with(self.asked.people_per_object)
                    for task in store.tasks(BATCH)
                )
            folder.write_output()
        return disputed

    def _labeling(self) -> dict[str, object]:
        """What the answers in a folder belong to, by the names of the options."""
        return {
            "--manifest": hashlib.sha256(self.manifest.read_bytes()).hexdigest(),
            "--classes": list(self.categories.names),
            "--label-attribute": self.asked.attribute.name,
            "--title": self.asked.title,
            "--instructions": self.asked.instructions,
            "--people-per-object": self.asked.people_per_object,
        }


def _batch(asked: Question, categories: LabelCategories, folder: LabelingFolder) -> Batch:
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
