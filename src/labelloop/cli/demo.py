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
from labelloop.preparation import PreparationOptions, prepare_dataset
from labelloop.preparation.demo_headlines import demo_headlines

# Fewer and larger rounds than by default: somebody is waiting for the demo.
BATCH_SIZE = 0.05
# As people do: so the report has likely label errors to show, and answers in dispute are settled.
PEOPLE_ERR = 0.02


def demo(
    out: Annotated[Path, typer.Option(help="The folder for the data and the run.")] = Path("demo"),
    headlines: Annotated[int, typer.Option(min=100, help="How many headlines to make and label.")] = 4000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same data and labels.")] = 0,
) -> None:
    """Label synthetic news headlines: train, auto-label, ask simulated people, until all are labeled.

    The headlines come from a generator; some are ambiguous and some mislabeled, as in real data. One answer
    in fifty is wrong. A demo that was interrupted continues where it stopped.
    """
    console = Console()
    with explained_errors():
        preparation = prepare_dataset(
            demo_headlines(headlines, seed),
            out,
            PreparationOptions(label_attribute="category", labeled_share=0.0, seed=seed, overwrite=True),
        )
        console.print(
            Text(
                f"{headlines:,} synthetic headlines are in {preparation.folder.manifest}; "
                "people have labeled none of them yet."
            ),
            soft_wrap=True,
        )
        folder = RunFolder(out / "run")
        record = folder.load()
        if record is None or record.finished:
            record = RunRecord(
                request={
                    **read_request(preparation.folder.request),
                    "ActiveLearning": {
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
