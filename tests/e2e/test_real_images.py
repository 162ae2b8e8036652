"""The whole loop on images with nothing replaced but the backbone's weights: folder in, labels and report
out.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.image_container.conftest import picture
from tests.image_container.tiny_backbone import make_tiny_backbone

ROOT = Path(__file__).parents[2]
CLASSES = ("blue", "green", "red")
NUMBER = 210

pytestmark = pytest.mark.slow


@pytest.fixture
def application(tmp_path: Path) -> Path:
    folder = tmp_path / "application"
    folder.mkdir()
    for name in ("template.yaml", "statemachine", "model_container", "image_container"):
        (folder / name).symlink_to(ROOT / name)
    make_tiny_backbone(folder / ".backbone")
    return folder


def labelloop(*arguments: str | Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "labelloop.cli.main", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_folder_of_images_is_labeled_and_a_broken_one_is_told(tmp_path: Path, application: Path) -> None:
    for number in range(NUMBER):
        label = number % 3
        file = tmp_path / "photos" / CLASSES[2 - label] / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(picture(label, number))
    out = tmp_path / "out"
    labelloop(
        "prepare", tmp_path / "photos", "--out", out, "--label-attribute", "color", "--labeled-share", "0.4"
    )
    request = json.loads((out / "request.json").read_text())
    settings = {"TargetError": 0.2, "BatchSize": 0.3}
    model = {"Algorithm": "image", "HyperParameters": {"epochs": "5"}}
    request["ActiveLearning"] = {**request["ActiveLearning"], **settings, "Model": model}
    (out / "request.json").write_text(json.dumps(request))
    lines = (out / "s3/labelloop-local/input/input.manifest").read_bytes().splitlines()
    broken = next(json.loads(line)["source-ref"] for line in lines if b'"color"' not in line)
    file = out / "s3" / broken.removeprefix("s3://")
    # Not written into: it may be the user's own file under a second name.
    file.unlink()
    file.write_bytes(b"no image")
    labelloop(
        *("run", "--application", application, "--request", out / "request.json", "--s3-root", out / "s3"),
        *("--truth", out / "truth.csv", "--out", out / "run"),
    )
    report = json.loads((out / "run/report.json").read_text())
    records = [json.loads(line) for line in (out / "run/output.manifest").read_bytes().splitlines()]
    counts = report["counts"]
    assert counts["input"] == NUMBER == len(records)
    assert counts["auto"] > 60
    assert report["final_error"] < 0.1
    # People see what the model cannot read, and label it.
    (of_broken,) = [record for record in records if record["source-ref"] == broken]
    assert of_broken["color-metadata"]["human-annotated"] == "yes"
    assert report["evidence"]["confusion"] is not None
    page = (out / "run/report.html").read_text()
    assert page.count('<img src="data:image/') >= 3
    assert "<script" not in page
    # Encoded once, whatever the rounds: one vector for each readable image.
    assert len(list((out / "run/encodings").glob("*.sqlite"))) == 1
