"""The container in docs/bring-your-own-model.md, as it stands there, through the whole loop."""

import http.client
import json
import random
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from labelloop.local.container_process import ProcessContainer
from labelloop.preparation import LabeledText, PreparationOptions, prepare_dataset
from labelloop.workflow.request import ActiveLearning

PAGE = (Path(__file__).parents[2] / "docs/bring-your-own-model.md").read_text()
WORDS = {"metal": ["iron", "tin", "zinc"], "river": ["elbe", "volga", "tiber"]}


@pytest.fixture
def container(tmp_path: Path) -> Path:
    folder = tmp_path / "my-container"
    folder.mkdir()
    programs = [block for block in _blocks("python") if block.startswith("#!")]
    for program in programs:
        name = program.split('"""', 1)[1].split(":")[0]
        (folder / name).write_text(program)
    assert sorted(path.name for path in folder.iterdir()) == ["serve", "train"]
    return folder


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.slow
def test_it_labels_through_the_whole_loop(container: Path, tmp_path: Path) -> None:
    rng = random.Random(0)
    labels = [rng.choice(sorted(WORDS)) for _ in range(600)]
    rows = [LabeledText(text=" ".join(rng.choices(WORDS[label], k=4)), label=label) for label in labels]
    data = tmp_path / "data"
    prepare_dataset(rows, data, PreparationOptions(label_attribute="category", labeled_share=0.0))
    request = json.loads((data / "request.json").read_text())
    (data / "request.json").write_text(
        json.dumps({**request, "ActiveLearning": {"StartSize": 0.2, "TargetError": 0.1}})
    )
    done = subprocess.run(
        [
            *(sys.executable, "-m", "labelloop.cli.main", "run"),
            *("--request", str(data / "request.json"), "--s3-root", str(data / "s3")),
            *("--truth", str(data / "truth.csv"), "--out", str(tmp_path / "run")),
            *("--model-container", str(container)),
        ],
        capture_output=True,
        text=True,
        timeout=1800,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report: dict[str, Any] = json.loads((tmp_path / "run/report.json").read_text())
    assert report["counts"]["auto"] > 300
    assert report["auto_label_error"] < 0.05
    assert report["certificate"] is not None
    assert all(record["unreadable_by_model"] == 0 for record in report["rounds"])


@pytest.mark.slow
def test_it_answers_line_by_line_and_names_what_it_cannot_read(container: Path, tmp_path: Path) -> None:
    root = tmp_path / "ml"
    for name in ("input/config", "input/data/train", "model", "output"):
        (root / name).mkdir(parents=True)
    settings = {"num_classes": "3", "label_attribute": "category", "seed": "0"}
    (root / "input/config/hyperparameters.json").write_text(json.dumps(settings))
    examples = [{"source": "iron tin", "category": 0}, {"source": "elbe volga", "category": 2}]
    (root / "input/data/train/train.jsonl").write_text("".join(json.dumps(e) + "\n" for e in examples))
    programs = ProcessContainer(container)
    training = programs.train(root, {}, tmp_path / "log")
    assert training.wait(300)
    assert training.exit_code() == 0, (tmp_path / "log").read_text()
    server, port = programs.serve(root, {}, tmp_path / "log")
    try:
        _wait_until_ready(port)
        status, body = _ask(port, "POST", "/invocations", b'{"source": "volga"}\n{"text": 1}\n')
    finally:
        server.terminate()
        ended = server.wait(300)
        server.kill()
    assert status == 200
    good, bad = map(json.loads, body.splitlines())
    assert good["label"] == ["__label__0", "__label__2"]
    assert good["prob"][1] > 0.5
    assert sum(good["prob"]) == pytest.approx(1)
    assert bad == {"error": "no text under 'source'"}
    assert ended
    assert server.exit_code() == 0


@pytest.mark.slow
def test_a_failed_training_says_why(container: Path, tmp_path: Path) -> None:
    (tmp_path / "output").mkdir()
    training = ProcessContainer(container).train(tmp_path, {}, tmp_path / "log")
    assert training.wait(300)
    assert training.exit_code() == 1
    assert "hyperparameters.json" in (tmp_path / "output/failure").read_text()


def test_the_request_block_on_the_page_is_valid() -> None:
    block = next(block for block in _blocks("json") if block.startswith('"ActiveLearning"'))
    settings = ActiveLearning.model_validate(json.loads("{" + block + "}")["ActiveLearning"])
    assert settings.model.holdout_share == 0


def _ask(port: int, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    try:
        connection.request(method, path, body)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def _wait_until_ready(port: int) -> None:
    until = time.monotonic() + 300
    while True:
        try:
            assert _ask(port, "GET", "/ping")[0] == 200
            return
        except OSError:
            assert time.monotonic() < until, "the server does not listen"
            time.sleep(0.05)
