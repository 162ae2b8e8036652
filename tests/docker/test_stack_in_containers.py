"""The built images: every function on its sample event, and the whole loop in containers."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from labelloop.preparation import PreparationOptions, prepare_dataset
from labelloop.preparation.demo_headlines import demo_headlines
from tests.docker.conftest import ROOT, docker, make_build

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.xdist_group("docker")]

# Bytes, as Docker counts them; 227 million are the base image's.
LARGEST_STEPS_IMAGE = 440_000_000
LABELLOOP = [sys.executable, "-m", "labelloop.cli.main"]


def test_a_second_build_takes_all_from_the_first(built: None) -> None:
    functions = ("PrepareManifest", "Workbench", "ModelContainer", "ImageModelContainer")
    images = [built_image(function) for function in functions]
    printed = make_build()
    assert [built_image(function) for function in functions] == images
    assert images[0] == images[1], "one image for all steps"
    assert len(set(images)) == 3
    assert printed.count("Building image for") == 3
    assert "Using cache" in printed
    assert "Running in" not in printed, "a layer was built again"


def test_the_steps_image_is_small(built: None) -> None:
    size = int(docker("image", "inspect", "--format", "{{.Size}}", built_image("PrepareManifest")))
    assert size < LARGEST_STEPS_IMAGE


def test_both_model_images_have_their_large_layer_in_common(built: None) -> None:
    """Else it is built, kept and pushed twice."""
    texts, images = (layers(built_image(function)) for function in ("ModelContainer", "ImageModelContainer"))
    installed = len(layers("python:3.13-slim")) + 3  # the folder, the requirements, and what they install
    assert texts[:installed] == images[:installed]


def layers(image: str) -> list[str]:
    found: list[str] = json.loads(docker("image", "inspect", "--format", "{{json .RootFS.Layers}}", image))
    return found


def built_image(function: str) -> str:
    """The id of the image that `sam build` made for a function."""
    template = yaml.load((ROOT / ".aws-sam/build/template.yaml").read_text(), Loader=yaml.BaseLoader)
    name = template["Resources"][function]["Properties"]["ImageUri"]
    return docker("image", "inspect", "--format", "{{.Id}}", name)


@pytest.fixture(scope="module")
def endpoint(built: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`labelloop local-aws` with its sample run; the URL of its S3."""
    log = tmp_path_factory.mktemp("local-aws") / "log"
    folder = log.with_name("local-aws")
    command = [*LABELLOOP, "local-aws", "--jobs", "docker", "--port", "0", "--out", str(folder)]
    with log.open("w") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            until = time.monotonic() + 900
            while not (folder / "endpoint").exists():
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < until, log.read_text()
                time.sleep(0.2)
            yield (folder / "endpoint").read_text().strip()
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0, log.read_text()
            assert not (folder / "endpoint").exists(), "make invoke would take it for one that answers"


def test_every_function_answers_its_sample_event(endpoint: str) -> None:
    done = invoke(ROOT, endpoint)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    results = [json.loads(line) for line in done.stdout.splitlines() if line]
    events = sorted(path.stem for path in (ROOT / "events").glob("*.json"))
    by_step = dict(zip(events, results, strict=True))
    assert by_step["export_manifest"]["Counts"]["input"] == by_step["prepare_manifest"]["Counts"]["Input"]
    # The image by digest, as the deployed stack's Lambda tells it.
    assert "@sha256:" in by_step["prepare_manifest"]["ImageUri"]
    assert len(by_step["model_container"]["Predictions"]) == 3
    assert sum(by_step["model_container"]["Predictions"][0]["prob"]) == pytest.approx(1, abs=1e-3)

    assert {"label_in_workbench", "collect_labels", "model_container"} <= by_step.keys()


def test_a_step_that_raises_fails_them_all(endpoint: str, checkout: Path) -> None:
    """A real handler on a real container: SAM itself ends well."""
    event = checkout / "events/split_labels.json"
    state = json.loads(event.read_bytes())
    state["State"]["LedgerS3Uri"] = "s3://labelloop-local/output/sample/no-such-object"
    event.write_text(json.dumps(state))
    done = invoke(checkout, endpoint, "SplitLabels", "SelectForHumans")
    assert done.returncode == 1
    broken, well = [json.loads(line) for line in done.stdout.splitlines() if line]
    assert broken["errorType"] == "StorageError"
    assert "s3://labelloop-local/output/sample/no-such-object" in broken["errorMessage"]
    assert "there is no such object" in broken["errorMessage"]
    assert "errorMessage" not in well
    assert done.stderr.splitlines()[-1] == "Failed: SplitLabels"


@pytest.fixture
def checkout(built: None, tmp_path: Path) -> Path:
    """The checkout, with events and SAM's settings that a test may change."""
    folder = tmp_path / "checkout"
    shutil.copytree(ROOT / "events", folder / "events")
    shutil.copytree(ROOT / "tools/sam", folder / "tools/sam")
    shutil.copy(ROOT / "samconfig.toml", folder)
    for name in ("template.yaml", "statemachine", "src", "model_container", ".aws-sam", ".sam"):
        (folder / name).symlink_to(ROOT / name)
    return folder


def invoke(folder: Path, endpoint: str, *functions: str) -> "subprocess.CompletedProcess[str]":
    """`make invoke` in a checkout; without functions `make invoke-all`."""
    return subprocess.run(
        ["tools/sam/invoke", ".sam/bin/sam", endpoint, *functions],
        cwd=folder,
        env={**os.environ, "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"},
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )


def test_the_same_seed_gives_the_same_labels_in_containers(application: Path, tmp_path: Path) -> None:
    labels = [
        run_loop(tmp_path / "process", application),
        run_loop(tmp_path / "containers", application, "--steps", "containers", "--jobs", "docker"),
    ]
    by_process = [record["category"] for record in labels[0]]
    assert len(by_process) == 240
    assert {record["category-metadata"]["human-annotated"] for record in labels[0]} == {"yes", "no"}
    for mine, theirs in zip(*labels, strict=True):
        assert mine["category"] == theirs["category"]
        assert mine["category-metadata"]["human-annotated"] == theirs["category-metadata"]["human-annotated"]


def run_loop(data: Path, application: Path, *more: str) -> list[dict[str, Any]]:
    """Label a few headlines; the records of the output manifest."""
    prepare_dataset(
        demo_headlines(240, 0), data, PreparationOptions(label_attribute="category", labeled_share=0.5)
    )
    request = json.loads((data / "request.json").read_text())
    settings = {"TargetError": 0.45, "Confidence": 0.6, "MaxRounds": 2, "Seed": 0}
    settings = {**request.get("ActiveLearning", {}), **settings}
    (data / "request.json").write_text(json.dumps({**request, "ActiveLearning": settings}))
    done = subprocess.run(
        [
            *(*LABELLOOP, "run", "--application", str(application)),
            *("--request", str(data / "request.json"), "--s3-root", str(data / "s3")),
            *("--truth", str(data / "truth.csv"), "--out", str(data / "run"), *more),
        ],
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(line) for line in (data / "run/output.manifest").read_bytes().splitlines()]
