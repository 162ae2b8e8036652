"""`train` and `serve` as SageMaker runs them: as programs, with files and HTTP between."""

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

CONTAINER = Path(__file__).parents[2] / "model_container"
pytestmark = pytest.mark.slow

WORDS = {
    0: ["apple", "pear", "plum", "梨子"],
    1: ["iron", "zinc", "tin", "鉄"],
    2: ["elbe", "volga", "rhône"],
}
SETTINGS = {"num_classes": "4", "label_attribute": "category"}


def examples(count: int, seed: int) -> list[dict[str, Any]]:
    """Three separable classes of a task with four: class 3 never appears."""
    rng = random.Random(seed)
    rows = []
    for number in range(count):
        label = number % 3
        text = " ".join(rng.choices(WORDS[label], k=3) + rng.choices(["the", "a", "of", "🎈"], k=2))
        rows.append({"labelloop-id": number, "source": text, "category": label if number % 2 else str(label)})
    return rows


def ambiguous_examples(count: int, seed: int) -> list[dict[str, Any]]:
    """Texts with words of two classes: a model gets some of them wrong."""
    rng = random.Random(seed)
    rows = []
    for number in range(count):
        label, other = rng.sample([0, 1, 2], 2)
        text = " ".join(
            [*rng.choices(WORDS[label], k=rng.randint(0, 2)), *rng.choices(WORDS[other], k=1), "the"]
        )
        rows.append({"labelloop-id": number, "source": text, "category": label})
    return rows


def lay_out(
    root: Path,
    hyperparameters: dict[str, str],
    train: list[Any] | None,
    validation: list[Any] | None = None,
) -> None:
    config = root / "input/config"
    config.mkdir(parents=True)
    (config / "hyperparameters.json").write_text(json.dumps(hyperparameters))
    channels = {"train": train, "validation": validation}
    given = {name: rows for name, rows in channels.items() if rows is not None}
    modes = {name: {"TrainingInputMode": "File"} for name in given}
    (config / "inputdataconfig.json").write_text(json.dumps(modes))
    for name, rows in given.items():
        folder = root / "input/data" / name
        folder.mkdir(parents=True)
        (folder / f"{name}.jsonl").write_text(
            "".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8"
        )


def train(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(CONTAINER / "train")],
        env={**os.environ, "ML_ROOT": str(root)},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("ml")
    lay_out(root, SETTINGS, examples(240, 0), ambiguous_examples(400, 5))
    done = train(root)
    assert done.returncode == 0, done.stdout + done.stderr
    (root / "printed.txt").write_text(done.stdout)
    return root


@pytest.fixture(scope="module")
def served(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The trained model's folder alone, taken elsewhere, and served."""
    root = tmp_path_factory.mktemp("elsewhere")
    (trained / "model").rename(root / "model")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    environment = {"ML_ROOT": str(root), "BIND_HOST": "127.0.0.1", "SAGEMAKER_BIND_TO_PORT": str(port)}
    process = subprocess.Popen([sys.executable, str(CONTAINER / "serve")], env={**os.environ, **environment})
    address = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 60
    while True:
        try:
            if httpx.get(f"{address}/ping").status_code == 200:
                break
        except httpx.TransportError:
            assert process.poll() is None
            assert time.monotonic() < deadline
        time.sleep(0.1)
    yield address
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0


@pytest.fixture
def ask(served: str) -> Callable[[bytes], httpx.Response]:
    def post(body: bytes, content_type: str = "application/jsonlines") -> httpx.Response:
        return httpx.post(
            f"{served}/invocations", content=body, headers={"Content-Type": content_type}, timeout=60
        )

    return post


Ask = Callable[..., httpx.Response]


def test_what_was_learned_is_served_and_an_unseen_class_still_has_its_place(ask: Ask) -> None:
    unseen = examples(90, 1)
    body = "\n".join(json.dumps({"source": row["source"]}) for row in unseen).encode()
    answers = [json.loads(line) for line in ask(body).text.splitlines()]
    assert len(answers) == 90
    best = [int(answer["label"][0].removeprefix("__label__")) for answer in answers]
    assert sum(label == int(row["category"]) for label, row in zip(best, unseen, strict=True)) >= 85
    for answer in answers:
        assert sorted(answer["label"]) == [f"__label__{index}" for index in range(4)]
        assert answer["prob"] == sorted(answer["prob"], reverse=True)
        assert sum(answer["prob"]) == pytest.approx(1, abs=1e-4)


def test_serving_gives_the_very_accuracy_that_training_reported(ask: Ask, trained: Path) -> None:
    reported = re.search(r"validation:accuracy=([0-9.]+)", (trained / "printed.txt").read_text())
    rows = ambiguous_examples(400, 5)
    body = "\n".join(json.dumps({"source": row["source"]}) for row in rows).encode()
    best = [json.loads(line)["label"][0] for line in ask(body).text.splitlines()]
    right = sum(label == f"__label__{row['category']}" for label, row in zip(best, rows, strict=True))
    assert reported
    assert 0.4 < float(reported[1]) < 0.95, "a model that is always right would prove nothing"
    assert right / 400 == pytest.approx(float(reported[1]), abs=1e-4)


def test_one_record_and_many_give_the_same_answers(ask: Ask) -> None:
    lines = [json.dumps({"source": row["source"]}).encode() for row in examples(40, 2)]
    together = ask(b"\n".join(lines)).text.splitlines()
    apart = [ask(line).text.strip() for line in lines]
    for one, other in zip(together, apart, strict=True):
        assert json.loads(one)["label"] == json.loads(other)["label"]
        assert json.loads(one)["prob"] == pytest.approx(json.loads(other)["prob"], abs=1e-5)


def test_a_bad_line_has_an_error_and_the_others_their_answers_in_order(ask: Ask) -> None:
    lines = [
        b'{"source":"apple pear"}',
        b"{broken",
        b'{"text":"x"}',
        b'{"source":"zinc\xe2\x80\xa8tin iron"}',
        b"[]",
    ]
    answers = [json.loads(line) for line in ask(b"\n".join(lines)).text.splitlines()]
    assert ["error" in answer for answer in answers] == [False, True, True, False, True]
    assert answers[0]["label"][0] == "__label__0"
    assert answers[3]["label"][0] == "__label__1"


def test_what_is_no_request_is_refused(ask: Ask, served: str) -> None:
    assert ask(b"a,b", "text/csv").status_code == 415
    assert ask(b"").status_code == 400
    assert ask(b"x" * (6 * 1024 * 1024 + 1)).status_code == 413
    parameters = httpx.get(f"{served}/execution-parameters").json()
    assert parameters["BatchStrategy"] == "MULTI_RECORD"
    assert parameters["MaxPayloadInMB"] == 6


@pytest.mark.parametrize(
    ("hyperparameters", "rows", "message"),
    [
        ({"label_attribute": "category"}, examples(6, 0), "'num_classes' is missing"),
        ({**SETTINGS, "epoch": "3"}, examples(6, 0), "'epoch' is unknown"),
        ({**SETTINGS, "epochs": "many"}, examples(6, 0), "'epochs' must be a whole number"),
        (SETTINGS, None, "channel 'train' is missing"),
        (SETTINGS, [{"source": "x"}], "holds no usable record"),
        (SETTINGS, [{"source": "x", "category": 4}], "from 0 to 3"),
        (SETTINGS, [{"source": "x", "category": 1.5}], "class index"),
    ],
)
def test_a_mistake_of_the_users_is_one_sentence_in_the_failure_file(
    tmp_path: Path, hyperparameters: dict[str, str], rows: list[Any] | None, message: str
) -> None:
    lay_out(tmp_path, hyperparameters, rows)
    done = train(tmp_path)
    assert done.returncode == 1
    failure = (tmp_path / "output/failure").read_text()
    assert message in failure
    assert "Traceback" not in failure


def test_the_same_seed_trains_the_same_model(tmp_path: Path) -> None:
    def model(name: str, seed: str) -> list[Any]:
        root = tmp_path / name
        lay_out(root, {**SETTINGS, "seed": seed, "epochs": "2"}, examples(60, 0))
        assert train(root).returncode == 0
        sys.path.insert(0, str(CONTAINER))
        from text_classifier.classifier import TextClassifier

        probabilities: list[Any] = (
            TextClassifier.load(root / "model").probabilities(["apple the", "tin"]).tolist()
        )
        return probabilities

    first = model("a", "1")
    assert first == model("b", "1")
    assert first != model("c", "2")


def test_sigterm_in_training_leaves_a_model_or_says_why_not(tmp_path: Path) -> None:
    lay_out(tmp_path, {**SETTINGS, "epochs": "1000"}, examples(2000, 0))
    process = subprocess.Popen(
        [sys.executable, str(CONTAINER / "train")],
        env={**os.environ, "ML_ROOT": str(tmp_path), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "epoch 2 of" in line:
            break
    process.send_signal(signal.SIGTERM)
    process.stdout.read()
    process.stdout.close()
    assert process.wait(60) == 0
    assert (tmp_path / "model/contract.json").exists()
