"""`labelloop run` as a user calls it: a process, its exit code, its files; the model learns at once."""

import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from labelloop.cli import run
from labelloop.cli.run_folder import RunFolder, RunRecord
from labelloop.core.errors import RequestError
from labelloop.local import container_libraries
from labelloop.local.application import Application
from labelloop.preparation import LabeledText, PreparationOptions, prepare_dataset
from tests.foundation_model.stand_in import StandIn

from .forked_command import run_labelloop

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


@pytest.fixture
def application(tmp_path: Path) -> Path:
    """The deployed files with the tests' stand-in container in place of the Keras one."""
    folder = tmp_path / "application"
    folder.mkdir()
    for name in ("template.yaml", "statemachine"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "model_container").symlink_to(ROOT / "tests/local/stand_in_container")
    (folder / "blazingtext_container").symlink_to(ROOT / "blazingtext_container")
    return folder


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    return prepare(tmp_path, 600)


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """So few texts that the run is soon over."""
    return prepare(tmp_path, 60)


def prepare(folder: Path, size: int) -> Path:
    rng = random.Random(0)
    words = {"metal": ["iron", "tin", "zinc"], "river": ["elbe", "volga", "tiber"]}
    labels = [rng.choice(sorted(words)) for _ in range(size)]
    rows = [LabeledText(text=" ".join(rng.choices(words[label], k=4)), label=label) for label in labels]
    options = PreparationOptions(label_attribute="category", labeled_share=0.2)
    prepare_dataset(rows, folder / "data", options)
    return folder / "data"


def command(prepared: Path, application: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "labelloop.cli.main", *arguments_for(prepared, application, *more)]


def arguments_for(prepared: Path, application: Path, *more: str) -> list[str]:
    return [
        *("run", "--request", str(prepared / "request.json"), "--s3-root", str(prepared / "s3")),
        *("--truth", str(prepared / "truth.csv"), "--out", str(prepared / "run")),
        *("--application", str(application), *more),
    ]


def call(prepared: Path, application: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return run_labelloop(*arguments_for(prepared, application, *more))


def report_of(prepared: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((prepared / "run/report.json").read_text())
    return report


def test_a_run_leaves_labels_report_and_history_and_says_what_it_did(
    prepared: Path, application: Path
) -> None:
    done = call(prepared, application)
    assert done.returncode == 0, done.stderr
    assert "were labeled by people" in done.stdout
    assert "training the model" in done.stdout
    # What the steps log is for the files beside the run.
    assert not [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("{")]
    assert any(
        line.startswith("{")
        for path in (prepared / "run/logs").rglob("*.log")
        for line in path.read_text().splitlines()
    )
    report = report_of(prepared)
    lines = [json.loads(line) for line in (prepared / "run/output.manifest").read_text().splitlines()]
    people = [line["category-metadata"]["human-annotated"] for line in lines]
    assert report["counts"] == {
        "input": 600,
        "human": people.count("yes"),
        "auto": people.count("no"),
        "failed": 0,
        "unlabeled": 0,
    }
    assert report["counts"]["auto"] > 300
    truth = [row.rsplit(",", 1)[1] for row in (prepared / "truth.csv").read_text().splitlines()[1:]]
    wrong = sum(
        line["category-metadata"]["class-name"] != label
        for line, label in zip(lines, truth, strict=True)
        if line["category-metadata"]["human-annotated"] == "no"
    )
    assert report["auto_label_error"] == wrong / report["counts"]["auto"]
    assert report["human_label_error"] == 0
    # Drawn for the test, some stand for all that the model labeled.
    evidence = report["evidence"]
    assert (evidence["basis"], evidence["stood_for"]) == ("all objects", report["counts"]["auto"])
    trained = [record for record in report["rounds"] if record["trained"]]
    assert trained[0]["seconds"]["CreateTrainingJob"] > 0
    history = json.loads((prepared / "run/history.json").read_text())
    assert history["loop"][0]["type"] == "ExecutionStarted"


def test_a_request_written_for_mechanical_turk_runs_here_unchanged(few: Path, application: Path) -> None:
    path = few / "request.json"
    request = json.loads(path.read_text())
    request["HumanTaskConfig"]["WorkteamArn"] = (
        "arn:aws:sagemaker:us-east-1:394669845002:workteam/public-crowd/default"
    )
    path.write_text(json.dumps(request))
    done = call(few, application, "--policy", "blog")
    assert done.returncode == 0, done.stderr
    assert "Amazon Mechanical Turk has closed. Who answers instead: simulated" in done.stdout


def test_a_model_of_some_skill_is_played_where_none_can_be_asked(few: Path, application: Path) -> None:
    path = few / "request.json"
    request = json.loads(path.read_text())
    request["ActiveLearning"] = {
        **request.get("ActiveLearning", {}),
        "Labeler": "given",
        "FoundationModel": {"ModelId": "us.amazon.nova-lite-v1:0"},
    }
    path.write_text(json.dumps(request))
    refused = call(few, application)
    assert refused.returncode == 2
    assert "ActiveLearning.FoundationModel is asked on AWS" in refused.stderr
    assert not (few / "run/report.json").exists()
    done = call(few, application, "--model-skill", "0.8")
    assert done.returncode == 0, done.stderr
    assert "asking the foundation model" in done.stdout
    assert report_of(few)["foundation_model"]["labels"] == 60


def test_a_model_on_a_server_of_ones_own_is_asked_and_no_answer_is_paid_for_twice(
    few: Path, application: Path
) -> None:
    path = few / "request.json"
    request = json.loads(path.read_text())
    request["ActiveLearning"] = {"Labeler": "given", "FoundationModel": {"ModelId": "llama3.2"}}
    path.write_text(json.dumps(request))
    with (few / "truth.csv").open(encoding="utf-8", newline="") as lines:
        truth = {row["source"]: row["label"] for row in csv.DictReader(lines)}
    with StandIn(truth, skill=0.9).serving() as server:
        server.models = ["llama3.2"]
        done = call(few, application, "--model-server", server.url)
        assert done.returncode == 0, done.stderr
        assert {chat.model for chat in server.chats} == {"llama3.2"}
        assert sorted({chat.text for chat in server.chats}) == sorted(truth)
        sent = len(server.chats)
        assert sent == len(truth)
    assert report_of(few)["foundation_model"]["labels"] == 60
    refused = call(few, application, "--model-server", "http://127.0.0.1:9/v1")
    assert refused.returncode == 2
    assert "127.0.0.1:9" in refused.stderr


def test_json_prints_the_report_alone(few: Path, application: Path) -> None:
    done = call(few, application, "--json", "--policy", "blog", "--seed", "3")
    assert json.loads(done.stdout) == report_of(few)
    assert (report_of(few)["policy"], report_of(few)["seed"]) == ("blog", 3)


def test_a_run_killed_at_any_moment_is_resumed_and_nobody_is_asked_twice(
    prepared: Path, application: Path
) -> None:
    rng = random.Random(5)
    more: list[str] = []
    for _ in range(3):
        process = subprocess.Popen(
            command(prepared, application, *more), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(rng.uniform(2.5, 6))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        if (prepared / "run/run.json").exists():
            more = ["--resume"]
    done = call(prepared, application, *more)
    assert done.returncode == 0, done.stdout + done.stderr
    counts = report_of(prepared)["counts"]
    assert counts["input"] == counts["human"] + counts["auto"] == 600
    outputs = (prepared / "s3").rglob("labeling/*/manifests/output/output.manifest")
    asked = [json.loads(line)["source"] for path in outputs for line in path.read_text().splitlines()]
    ids = [
        json.loads(line)["labelloop-id"]
        for path in (prepared / "s3").rglob("labeling/*/manifests/output/output.manifest")
        for line in path.read_text().splitlines()
    ]
    assert len(ids) == len(asked)
    # But where people and model differed in a test.
    repeated = sum(record["repeated_answers"] for record in report_of(prepared)["rounds"])
    assert len(ids) - len(set(ids)) == repeated
    again = call(prepared, application, "--resume")
    assert again.returncode == 0
    assert "were labeled by people" in again.stdout


def test_a_run_that_is_told_to_end_ends_in_good_order(prepared: Path, application: Path) -> None:
    process = subprocess.Popen(
        command(prepared, application), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    while not (prepared / "run/run.json").exists():
        time.sleep(0.05)
    time.sleep(1)
    process.terminate()
    told, _ = process.communicate(timeout=300)
    assert process.returncode == 130
    assert "the same command with --resume continues" in told.replace("\n", " ")
    assert "Traceback" not in told


def test_an_unfinished_run_is_not_overwritten(prepared: Path, application: Path) -> None:
    process = subprocess.Popen(command(prepared, application), stdout=subprocess.DEVNULL)
    while not (prepared / "run/run.json").exists():
        time.sleep(0.05)
    beside = call(prepared, application, "--resume")
    process.kill()
    process.wait()
    assert beside.returncode == 2
    assert "another labelloop is working in" in beside.stderr
    done = call(prepared, application)
    assert done.returncode == 2
    assert "--resume" in done.stderr


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--request", "missing.json"], "missing.json cannot be read"),
        (["--truth", "missing.csv"], "there is no truth file missing.csv"),
        (["--s3-root", "missing"], "there is no folder missing"),
        (["--resume", "--out", "nowhere"], "there is no run to resume"),
        (["--application", "nowhere"], "template.yaml"),
    ],
)
def test_what_is_missing_is_said_in_one_sentence(
    prepared: Path, application: Path, more: list[str], message: str
) -> None:
    done = call(prepared, application, *more)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


def test_bad_lines_are_listed_nothing_is_spent_and_a_mended_request_is_the_one_that_is_resumed(
    prepared: Path, application: Path
) -> None:
    path, manifest = prepared / "request.json", next((prepared / "s3").rglob("input.manifest"))
    request, content = json.loads(path.read_text()), manifest.read_bytes()
    manifest.write_bytes(content.replace(b"{", b"", 1))
    done = call(prepared, application)
    assert done.returncode == 1
    assert "line 1: it is not JSON" in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    manifest.write_bytes(content)
    elsewhere = {**request, "OutputConfig": {"S3OutputPath": "s3://labelloop-data/elsewhere/"}}
    path.write_text(json.dumps(elsewhere))
    refused = call(prepared, application, "--resume")
    assert (refused.returncode, "the same OutputConfig" in refused.stderr) == (2, True)
    path.write_text(json.dumps({**request, "ActiveLearning": {"Seed": 5}}))
    assert call(prepared, application, "--resume").returncode == 0, "mended, it goes on"
    assert report_of(prepared)["seed"] == 5


def test_runs_that_begin_in_one_second_keep_apart(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class OneSecond(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "OneSecond":
            return cls(2026, 1, 2, 3, 4, 5, tzinfo=tz)

    names: list[str] = []
    monkeypatch.setattr(run, "datetime", OneSecond)
    monkeypatch.setattr(run, "run_loop", lambda _1, _2, _3, name, *_: names.append(name))
    record = RunRecord(json.loads((prepared / "request.json").read_text()), str(prepared / "s3"))
    for _ in range(2):
        run.execute(Console(quiet=True), Application.found(ROOT, None), RunFolder(prepared / "run"), record)
    assert len(set(names)) == 2


def test_a_missing_library_is_found_before_anything_is_spent(
    prepared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(container_libraries, "find_spec", lambda _name: None)
    folder, request = RunFolder(prepared / "run"), json.loads((prepared / "request.json").read_text())
    record = RunRecord(request, str(prepared / "s3"), str(prepared / "truth.csv"))
    with pytest.raises(RequestError, match=r"labelloop\[local,model\]"):
        run.execute(Console(quiet=True), Application.found(ROOT, None), folder, record)
    assert folder.load() is None, "there is no run to resume"
    own = Application.found(ROOT, ROOT / "tests/local/stand_in_container")
    own.require_libraries()


def test_labels_that_the_input_brings_by_machine_are_told_apart_and_not_promised(
    prepared: Path, application: Path
) -> None:
    manifest = next((prepared / "s3").rglob("input.manifest"))
    lines = [json.loads(line) for line in manifest.read_text().splitlines()]
    labeled = [line for line in lines if "category" in line]
    for number, line in enumerate(labeled[:60]):
        line["category-metadata"]["human-annotated"] = "no"
        if number < 15:  # a quarter is wrong
            line["category"] = 1 - line["category"]
            line["category-metadata"]["class-name"] = ["metal", "river"][line["category"]]
    manifest.write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = call(prepared, application)
    assert done.returncode == 0, done.stderr
    report = report_of(prepared)
    assert report["machine_labels_in_input"] == 60
    assert report["machine_input_label_error"] == 0.25
    assert report["auto_label_error"] <= 0.05, "of the model's own labels"
    by_model = report["counts"]["auto"] - 60
    told = " ".join(done.stdout.split())
    assert f"labeled by the model {by_model} " in told
    assert "by machine, in the input 60 10.0% 25.00%" in told
    assert "60 labels by machine came with the input: they were not tested, and the certificate does" in told
    page = (prepared / "run/report.html").read_text()
    assert "60 labels by machine came with the input" in page
    assert f"labeled by the model: {by_model:,}" in page
    assert "labeled by machine in the input: 60" in page
    # As `export` tells it: they were in the file.
    exported = run_labelloop("export", prepared)
    assert exported.returncode == 0, exported.stderr
    by = [row.rsplit(",", 3)[1] for row in (prepared / "labels.csv").read_text().splitlines()[1:]]
    assert (by.count("given"), by.count("model")) == (len(labeled), by_model)


def test_options_override_what_the_request_promises(few: Path, application: Path) -> None:
    options = ["--target-error", "0.2", "--confidence", "0.8", "--certificate-for", "dataset"]
    done = call(few, application, *options, "--max-human-labels", "30", "--batch-size", "7")
    assert done.returncode == 0, done.stderr
    settings = report_of(few)["settings"]
    names = ("TargetError", "Confidence", "CertificateFor", "MaxHumanLabels", "BatchSize")
    assert [settings[name] for name in names] == [0.2, 0.8, "dataset", 30, 7]
    refused = call(few, application, "--target-error", "5")
    assert refused.returncode == 2
    assert "--target-error" in refused.stderr
    assert "'5' is not a share above 0 and below 1, such as 0.05 or 5%" in refused.stderr


def test_blazingtext_labels_by_one_option(prepared: Path, application: Path) -> None:
    done = call(prepared, application, "--model", "blazingtext")
    assert done.returncode == 0, done.stderr
    report = report_of(prepared)
    assert report["counts"]["auto"] > 200
    assert report["auto_label_error"] <= 0.05
    logs = [log.read_text() for log in sorted((prepared / "run/logs").glob("training-job-*"))]
    assert logs
    assert all("#validation_accuracy" in log for log in logs), "trained by the stand-in"


def test_a_labeling_backend_of_ones_own_needs_no_truth(
    prepared: Path, application: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own.py").write_text("""
import json
from labelloop.backends import AnswersAtOnce

class Rule(AnswersAtOnce):
    def answer(self, state, selection, time):
        for line in selection:
            words = json.loads(line)["source"].split()
            yield self.labeled(line, int(words[0] in ("elbe", "volga", "tiber")), state, time)
""")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    path = prepared / "request.json"
    request = json.loads(path.read_text())
    path.write_text(json.dumps({**request, "ActiveLearning": {"LabelingBackend": "own:Rule"}}))
    without_truth = [part for part in command(prepared, application) if part != "--truth"]
    without_truth.remove(str(prepared / "truth.csv"))
    done = subprocess.run(without_truth, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "LabelAtOnce" in (prepared / "run/history.json").read_text()
    counts = report_of(prepared)["counts"]
    assert counts["input"] == counts["human"] + counts["auto"] == 600


def test_blazingtext_and_a_container_of_ones_own_exclude_each_other(
    prepared: Path, application: Path
) -> None:
    own = str(ROOT / "tests/local/stand_in_container")
    done = call(prepared, application, "--model", "blazingtext", "--model-container", own)
    assert done.returncode == 2
    assert "leave out either --model blazingtext or --model-container" in done.stderr
