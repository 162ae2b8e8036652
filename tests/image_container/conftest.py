"""Images in a folder that stands for S3, and jobs of the container of images."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

# The same tree, filled as SageMaker fills it, and SIGTERM's handler given back.
from tests.container.conftest import Job, MakeJob, keep_sigterm, make_job

__all__ = ["Job", "MakeJob", "keep_sigterm", "make_job"]

COLORS = [(200, 40, 40), (40, 200, 40), (40, 40, 200)]


def picture(label: int, seed: int) -> bytes:
    """A PNG of the class's color, with noise: no two are the same."""
    noise = np.random.default_rng(seed).integers(-39, 40, (20, 24, 3))
    file = io.BytesIO()
    Image.fromarray((np.array(COLORS[label]) + noise).astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def put(root: Path, uri: str, content: bytes) -> None:
    file = root / uri.removeprefix("s3://")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


def records(root: Path, number: int, start: int = 0) -> list[dict[str, Any]]:
    """Records of three classes, whose images are in the folder."""
    found = []
    for seed in range(start, start + number):
        uri = f"s3://images/{seed}.png"
        put(root, uri, picture(seed % 3, seed))
        found.append({"source-ref": uri, "category": seed % 3, "labelloop-id": seed})
    return found


@pytest.fixture(scope="session")
def s3_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("s3")


@pytest.fixture(scope="session", autouse=True)
def _only_what_the_test_names(s3_folder: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMAGE_BACKBONE", "none")
        patch.setenv("S3_FOLDER", str(s3_folder))
        patch.delenv("ENCODING_CACHE", raising=False)
        yield
