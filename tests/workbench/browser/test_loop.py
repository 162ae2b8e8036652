"""A round labeled by keyboard through the pages, inside a real run of the loop."""

import json
import random
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from labelloop.preparation import LabeledText, PreparationOptions, prepare_dataset

from .conftest import Bench, NewPerson, eventually

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
WORDS = {"metal": ["iron", "tin", "zinc"], "river": ["elbe", "volga", "tiber"]}
CLASSES = sorted(WORDS)


def prepare(folder: Path, objects: int) -> None:
    rng = random.Random(0)
    rows = []
    for number in range(objects):
        label = rng.choice(CLASSES)
        rows.append(LabeledText(text=f"{number} " + " ".join(rng.choices(WORDS[label], k=4)), label=label))
    prepare_dataset(rows, folder, PreparationOptions(label_attribute="category", labeled_share=0.0))


def test_a_round_of_a_real_run_is_labeled_by_keyboard(tmp_path: Path, new_person: NewPerson) -> None:
    prepare(tmp_path / "data", 12)
    log = tmp_path / "log"
    command = [
        *(sys.executable, "-m", "labelloop.cli.main", "run", "--people", "workbench", "--port", "0"),
        *("--request", str(tmp_path / "data/request.json"), "--s3-root", str(tmp_path / "data/s3")),
        *("--out", str(tmp_path / "run"), "--model-container", str(ROOT / "tests/local/stand_in_container")),
    ]
    with log.open("w") as file:
        run = subprocess.Popen(command, stdout=file, stderr=file)
    try:
        eventually(lambda: "/enter?key=" in log.read_text(), "it prints its address")
        address, key = re.findall(r"(http://127\.0\.0\.1:\d+)/enter\?key=(\S+)", log.read_text())[0]
        ada = new_person(Bench(address, key, None, ""))  # type: ignore[arg-type]
        for _ in range(12):
            text = ada.see_object()
            ada.press("1" if text.split()[1] in WORDS["metal"] else "2", "Enter")
        ada.page.get_by_role("heading", name="That was all. Thank you").wait_for()
        assert run.wait(300) == 0, log.read_text()
    finally:
        run.send_signal(signal.SIGKILL)
        run.wait()
    lines = [json.loads(line) for line in (tmp_path / "run/output.manifest").read_bytes().splitlines()]
    assert len(lines) == 12
    assert {line["category-metadata"]["human-annotated"] for line in lines} == {"yes"}
    assert all(line["source"].split()[1] in WORDS[line["category-metadata"]["class-name"]] for line in lines)
