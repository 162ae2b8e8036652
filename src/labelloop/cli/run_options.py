"""The options of all commands that run the loop: what it promises, how many labels it asks for, and where."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from labelloop.core.certificate.tuning import DEFAULT

SIZE = "A share of the rows below 1, else a count."


class CertificateFor(StrEnum):
    """What one certificate is about."""

    ALL = "all"
    CLASS = "class"
    DATASET = "dataset"


TargetError = Annotated[
    float | None, typer.Option(help="The largest error the auto-labels may have. Default: 0.05.")
]
Confidence = Annotated[
    float | None, typer.Option(help="How sure the certificate must be of that. Default: 0.9.")
]
ForWhat = Annotated[
    CertificateFor | None,
    typer.Option(
        "--certificate-for",
        help="What a certificate is about: all auto-labels (default), those of each class, or all labels "
        "of the data set, which takes fewer answers.",
    ),
]
MaxHumanLabels = Annotated[
    float | None,
    typer.Option(help=f"The most rows to ask people about; asked again, a row counts again. {SIZE}"),
]
BatchSize = Annotated[
    float | None,
    typer.Option(
        help=f"Answers between two trainings. {SIZE} Default: 2 % of the rows, at most a "
        f"{DEFAULT.rounds.batches_of_a_budget}th of the budget, at least {DEFAULT.rounds.least_batch_labels}."
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(
        min=0, help="The same seed gives the same labels. Default: a secret one, told in the report."
    ),
]
Labeler = Annotated[
    str | None,
    typer.Option(
        help="The labeler: container; given, to train none and keep what can be kept of prior labels; "
        "blazingtext, a stand-in for SageMaker's (fastText); module:Class."
    ),
]
Host = Annotated[str, typer.Option(help="The address of the workbench; 0.0.0.0 admits the local network.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="The first port to try for the workbench.")]
ApplicationFolder = Annotated[
    Path | None,
    typer.Option(help="The folder with template.yaml. Default: this checkout, else the package's own."),
]
ModelContainer = Annotated[
    Path | None,
    typer.Option(help="A folder with your own train and serve. Default: the Keras text classifier."),
]


def option_of_promise(certificate_for: str, target_error: float, own: str) -> str:
    """The option that asks for this promise, where the run's own certificate is for `own`."""
    if certificate_for != own:
        return f"--certificate-for {certificate_for}"
    return f"--target-error {target_error:g}"
