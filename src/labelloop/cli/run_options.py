"""The options of all commands that run the loop: what it promises, how many labels it asks for, and where."""

import math
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


def share(written: object) -> float:
    """A share between 0 and 1 as people write it: 0.05 or 5%. Raises BadParameter."""
    text = str(written).strip()
    try:
        number = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        number = math.nan
    if not 0 < number < 1:
        raise typer.BadParameter(f"'{text}' is not a share above 0 and below 1, such as 0.05 or 5%")
    return number


TargetError = Annotated[
    float | None,
    typer.Option(
        parser=share, metavar="SHARE", help="The largest share of labels that may be wrong. Default: 0.05."
    ),
]
Confidence = Annotated[
    float | None,
    typer.Option(
        parser=share, metavar="SHARE", help="How sure the certificate must be of that. Default: 0.9."
    ),
]
ForWhat = Annotated[
    CertificateFor | None,
    typer.Option(
        "--certificate-for",
        help="Which labels these are: all that the model gives (default), those of each class, or all labels "
        "of the data set, which takes fewer answers.",
    ),
]
MaxHumanLabels = Annotated[
    float | None,
    typer.Option(
        help=f"The most rows to ask people about. A row that is asked about again counts again. {SIZE}"
    ),
]
BatchSize = Annotated[
    float | None,
    typer.Option(
        help=f"Answers between two trainings. {SIZE} Default: 2 % of the rows, at most a "
        f"{DEFAULT.rounds.batches_of_a_budget}th of the budget, at least {DEFAULT.rounds.least_batch_labels}."
    ),
]
LabelAhead = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=2,
        help="How many more rows people at the workbench get, to go on with while the model learns: a share "
        "of a batch. It spares them waits, and costs some answers. Default: 0.",
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(
        min=0, help="The same seed gives the same labels. Default: a secret one, shown in the report."
    ),
]
Labeler = Annotated[
    str | None,
    typer.Option(
        help="What labels by machine: container, the default; given, which trains nothing and keeps "
        "the prior labels that can be certified; blazingtext, a stand-in for SageMaker's; module:Class."
    ),
]
Host = Annotated[
    str, typer.Option(help="The address of the workbench; 0.0.0.0 opens it to the local network.")
]
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
