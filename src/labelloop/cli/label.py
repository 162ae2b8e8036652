"""`labelloop label`: people label a manifest in the browser, without a run."""

import hashlib
import json
import shlex
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from labelloop.cli.local_run import local_path
from labelloop.cli.run import explained_errors
from labelloop.core.errors import RequestError
from labelloop.core.input_manifest import InputManifest
from labelloop.core.label_categories import LabelCategories, parse_label_categories
from labelloop.core.manifest import LabelAttribute, object_id, parse_record, remove_id
from labelloop.preparation import PreparationOptions, prepare_dataset
from labelloop.preparation.demo_headlines import demo_headlines
from labelloop.workbench.application import create_app
from labelloop.workbench.closing import Closing
from labelloop.workbench.farewell import Farewell
from labelloop.workbench.images import SignedImages
from labelloop.workbench.local_files import LocalFiles
from labelloop.workbench.opening import asked_about, open_batch
from labelloop.workbench.overview import Overview
from labelloop.workbench.server import DEFAULT_PORT, kept_key, served
from labelloop.workbench.service import Workbench
from labelloop.workbench.sessions import LaptopSessions
from labelloop.workbench.sqlite_store import SqliteTaskStore
from labelloop.workbench.tasks import Batch

DEMO_HEADLINES = 100
# In the folder: what its answers belong to.
_RECORD = "label.json"


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
        _label(console, data, out.resolve(), asked, host, port)


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


def _label(console: Console, data: _Data, out: Path, asked: _Question, host: str, port: int) -> None:
    categories = parse_label_categories(data.classes.read_bytes())
    labeling = _labeling(data.manifest, categories, asked)
    _require_same_labeling(out, labeling)
    selection, output = out / "selection.manifest", out / "output.manifest"
    files, ended, images = LocalFiles(), _Ended(), _ImageFiles(data.s3_root)
    all_lines = out / "working.manifest"
    unlabeled = _number_lines(data.manifest, asked.attribute, categories, all_lines, selection)
    images.require_shown(files.read_lines(str(selection)))
    # Not before: what is refused can be mended with the same --out.
    files.write_lines(str(out / _RECORD), [json.dumps(labeling, ensure_ascii=False).encode()])
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
            _serve_until(console, store, closing, images, ended.event, out, host, port)
    finally:
        store.close()
    _write_output(files, all_lines, Path(batch.output_uri), output)
    told = _what_is_labeled(files.read_lines(str(output)), asked.attribute, output, data)
    console.print(Text(told), soft_wrap=True)


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


def _require_same_labeling(out: Path, labeling: dict[str, object]) -> None:
    """Raises RequestError where the answers of another labeling, or of a run, lie in the folder."""
    record = out / _RECORD
    if not record.exists():
        _require_no_other_work(out)
        return
    try:
        earlier = json.loads(record.read_bytes())
        differing = [name for name, value in labeling.items() if earlier[name] != value]
    except (ValueError, KeyError, TypeError) as error:
        raise RequestError(f"{record} is not the record of a labeling: choose another --out") from error
    if differing:
        raise RequestError(
            f"{out} holds the labeling of something else: {', '.join(differing)} differ"
            f"{'s' if len(differing) == 1 else ''}. To go on with it, give what it was begun with; "
            "to begin anew, choose another --out"
        )


def _require_no_other_work(out: Path) -> None:
    """Raises RequestError for a run's folder, and for answers of which nobody noted what they belong to."""
    for name in ("run.json", "workbench.sqlite", "output.manifest"):
        if (out / name).exists():
            raise RequestError(f"{out} holds the {name} of something else: choose another --out")


@dataclass(frozen=True)
class _ImageFiles:
    """The images a manifest names, in the folder that stands for S3."""

    s3_root: Path | None

    def read(self, source_ref: str) -> bytes:
        """Raises FileNotFoundError."""
        path = self._path(source_ref)
        if path is None:
            raise FileNotFoundError(f"no file for {source_ref}")
        return path.read_bytes()

    def require_shown(self, lines: Iterator[bytes]) -> None:
        """Raises RequestError for the first image that is not there."""
        for line in lines:
            source_ref = parse_record(line).get("source-ref")
            if source_ref is None or self._path(source_ref) is not None:
                continue
            if self.s3_root is None:
                raise RequestError(
                    f"{source_ref} is an image: name by --s3-root the folder that stands for S3"
                )
            raise RequestError(f"there is no file for {source_ref} in {self.s3_root}")

    def _path(self, source_ref: str) -> Path | None:
        if self.s3_root is None:
            return None
        root = self.s3_root.resolve()
        try:
            path = local_path(root, source_ref).resolve()
            return path if path.is_relative_to(root) and path.is_file() else None
        except (OSError, ValueError):
            return None  # S3 allows keys that are no file's name.


def _what_is_labeled(lines: Iterator[bytes], attribute: LabelAttribute, output: Path, data: _Data) -> str:
    counts = Counter(_outcome(parse_record(line), attribute) for line in lines)
    if counts["labeled"] == counts.total():
        return f"All is labeled: {output}"
    told = [f"{counts['labeled']:,} of {counts.total():,} objects are labeled: {output}"]
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


def _outcome(record: Mapping[str, object], attribute: LabelAttribute) -> str:
    if attribute.name in record:
        return "labeled"
    return "skipped" if attribute.metadata in record else "unanswered"


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
    console: Console,
    store: SqliteTaskStore,
    closing: Closing,
    files: _ImageFiles,
    ended: threading.Event,
    out: Path,
    host: str,
    port: int,
) -> None:
    sessions = LaptopSessions(kept_key(out / "workbench.key"))
    images, farewell = SignedImages(files.read), Farewell()
    app = create_app(
        Workbench(store, closing),
        sessions,
        image_urls=images.url,
        run_overview=Overview(store),
        farewell=farewell,
    )
    app.include_router(images.router)
    with served(app, host=host, port=port) as address:
        console.print(Text(f"Label here: {address}/enter?key={sessions.key}"), soft_wrap=True)
        console.print("Ctrl-C stops; every answer is kept, and the same command goes on.")
        try:
            ended.wait()
            farewell.say()
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
