"""`labelloop label`: people label a manifest in the browser, without a run."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from labelloop.cli.errors import explained_errors
from labelloop.cli.labeling_folder import LabelingFolder
from labelloop.cli.labeling_session import LabelingSession, Question
from labelloop.core.errors import RequestError
from labelloop.core.manifest.label_categories import parse_label_categories
from labelloop.core.manifest.lines import LabelAttribute
from labelloop.preparation import PreparationOptions, prepare_dataset
from labelloop.preparation.demo_headlines import demo_headlines
from labelloop.reporting.text import counted
from labelloop.workbench.server import DEFAULT_PORT

DEMO_HEADLINES = 100


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
        str, typer.Option(help="The address to serve at; 0.0.0.0 opens it to the local network.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The first port to try.")] = DEFAULT_PORT,
) -> None:
    """Label a manifest in the browser, alone or with others. The output manifest has Ground Truth's format.

    Every answer is saved at once: after an interruption, the same command continues.
    """
    console = Console()
    with explained_errors():
        data = _Data.given(manifest, classes, s3_root, out, demo=demo)
        categories = parse_label_categories(data.classes.read_bytes())
        asked = Question(LabelAttribute(label_attribute), title, instructions, people_per_object, adjudicate)
        folder = LabelingFolder(out.resolve())
        session = LabelingSession(data.manifest, categories, data.s3_root, asked)
        disputed = session.hold(console, folder, host, port)
        console.print(Text(_outcome(folder, asked.attribute, data, disputed)), soft_wrap=True)


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


def _demo_data(out: Path) -> tuple[Path, Path]:
    options = PreparationOptions(label_attribute="category", labeled_share=0.0, seed=0, overwrite=True)
    prepared = prepare_dataset(demo_headlines(DEMO_HEADLINES), out / "data", options)
    return prepared.folder.manifest, prepared.folder.class_labels


def _readable(path: Path) -> Path:
    if not path.is_file():
        raise RequestError(f"there is no file {path}")
    return path
