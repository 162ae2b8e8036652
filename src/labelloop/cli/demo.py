"""`labelloop demo`: the whole workflow on synthetic headlines, with the real model."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from labelloop.cli.errors import explained_errors
from labelloop.cli.run import execute, show_report
from labelloop.cli.run_folder import RunFolder, RunRecord, read_request
from labelloop.local.application import Application
from labelloop.local.container_libraries import require_libraries
from labelloop.preparation import Preparation, PreparationOptions, prepare_dataset, prepare_images
from labelloop.preparation.demo_headlines import demo_headlines
from labelloop.preparation.demo_images import write_demo_images

# Fewer and larger rounds than by default: somebody is waiting for the demo.
BATCH_SIZE = 0.05
_WITHOUT_BACKBONE = (
    "There is no backbone: the model learns from small pictures alone, and people label more. To fetch it "
    "(24 MB): labelloop fetch-backbone"
)
# As people do: so the report has likely label errors to show, and answers in dispute are settled.
PEOPLE_ERR = 0.02


def demo(
    out: Annotated[Path, typer.Option(help="The folder for the data and the run.")] = Path("demo"),
    headlines: Annotated[int, typer.Option(min=100, help="How many headlines to make and label.")] = 4000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same data and labels.")] = 0,
    images: Annotated[
        bool, typer.Option("--images", help="Label 1,797 images of handwritten digits instead of headlines.")
    ] = False,
) -> None:
    """Label synthetic news headlines: train, auto-label, ask simulated people, until all are labeled.

    The headlines come from a generator; some are ambiguous and some mislabeled, as in real data. One answer
    in fifty is wrong. A demo that was interrupted continues where it stopped.
    """
    console = Console()
    with explained_errors():
        options = PreparationOptions(label_attribute="category", labeled_share=0.0, seed=seed, overwrite=True)
        if images:
            preparation, made = _digits(out, options), "images of handwritten digits"
            if not Application.found().has_backbone:
                console.print(_WITHOUT_BACKBONE, highlight=False, soft_wrap=True)
        else:
            preparation = prepare_dataset(demo_headlines(headlines, seed), out, options)
            made = "synthetic headlines"
        console.print(
            Text(
                f"{preparation.rows:,} {made} are in {preparation.folder.manifest}; "
                "people have labeled none of them yet."
            ),
            soft_wrap=True,
        )
        folder = RunFolder(out / "run")
        record = folder.load()
        if record is None or record.finished:
            request = read_request(preparation.folder.request)
            record = RunRecord(
                request={
                    **request,
                    "ActiveLearning": {
                        **request.get("ActiveLearning", {}),
                        "Seed": seed,
                        "BatchSize": BATCH_SIZE,
                        "SimulatedPeople": {"ErrorRate": PEOPLE_ERR, "Seed": seed},
                    },
                },
                s3_root=str(preparation.folder.s3_root.resolve()),
                truth=str(preparation.folder.truth.resolve()),
            )
        report = execute(console, Application.found(), folder, record)
    show_report(console, report, folder, as_json=False)


def _digits(out: Path, options: PreparationOptions) -> Preparation:
    require_libraries(Application.found().with_labeler("image").model_container)
    write_demo_images(out / "digits")
    return prepare_images(out / "digits", out / "input", options)
