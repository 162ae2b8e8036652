"""`labelloop simulate` as a user calls it: what it says of a policy, and that finished runs are kept."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow
CONTAINER = ROOT / "tests/local/stand_in_container"
# A run that is over at once.
FEW = ["--sample", "60", "--start-size", "0.9"]
WORDS = {"metal": ["iron", "tin", "zinc"], "river": ["elbe", "volga", "tiber"]}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rng = random.Random(0)
    labels = [rng.choice(sorted(WORDS)) for _ in range(600)]
    rows = [f"{' '.join(rng.choices(WORDS[label], k=4))};{label}\n" for label in labels]
    path = tmp_path / "words.csv"
    path.write_text("text;kind\n" + "".join(rows))
    return path


def command(table: Path, *more: str) -> list[str]:
    return [
        *(sys.executable, "-m", "labelloop.cli.main", "simulate", str(table)),
        *("--text-column", "text", "--label-column", "kind", "--delimiter", ";"),
        *("--model-container", str(CONTAINER), "--out", str(table.parent / "out"), *more),
    ]


def call(table: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(table, *more), capture_output=True, text=True, timeout=300)


def result_of(table: Path) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((table.parent / "out/simulation.json").read_text())
    return result


def test_policies_and_seeds_stand_side_by_side(table: Path) -> None:
    more = ["--policy", "default", "--policy", "blog", "--seeds", "2", "--query-strategy", "entropy"]
    done = call(table, *more, "--json")
    assert done.returncode == 0, done.stderr
    result = result_of(table)
    assert json.loads(done.stdout) == result
    assert [(run["policy"], run["seed"]) for run in result["runs"]] == [
        ("default", 0),
        ("default", 1),
        ("blog", 0),
        ("blog", 1),
    ]
    for run in result["runs"]:
        report = json.loads((table.parent / "out" / run["report"]).with_suffix(".json").read_text())
        assert report["query_strategy"] == ("entropy" if run["policy"] == "default" else "random")
        assert report["human_labels_in_input"] == 0
        assert run["human_labels"] + run["auto_labels"] == 600 == run["rows"]
        assert (run["certificate"] is not None) == (run["policy"] == "default")
        assert (table.parent / "out" / run["report"]).is_file()
    default, blog = result["means"]
    assert default["human_labels"] == sum(run["human_labels"] for run in result["runs"][:2]) / 2
    assert (default["certified"], blog["certified"]) == (2, 0)
    # Kept: told again, not run again.
    pages = {
        run["report"]: (table.parent / "out" / run["report"]).stat().st_mtime_ns for run in result["runs"]
    }
    again = call(table, *more)
    assert again.returncode == 0, again.stderr
    assert again.stdout.count("This run is already done.") == 4
    assert "2 of 2" in again.stdout
    assert all((table.parent / "out" / page).stat().st_mtime_ns == when for page, when in pages.items())
    assert not list((table.parent / "out").glob("runs/*/s3"))


def test_people_who_err_are_measured_against_the_file(table: Path) -> None:
    done = call(table, "--error-rate", "0.2", "--start-size", "0.5", "--sample", "300")
    assert done.returncode == 0, done.stderr
    run = result_of(table)["runs"][0]
    assert run["rows"] == 300
    assert 0.1 < run["human_label_error"] < 0.3
    report = json.loads((table.parent / "out" / run["report"]).with_suffix(".json").read_text())
    assert run["repeated_answers"] == sum(record["repeated_answers"] for record in report["rounds"])


def test_options_reach_the_request(table: Path) -> None:
    more = ["--certificate-for", "class", "--no-review-disagreements", "--max-human-labels", "500"]
    done = call(table, *more, "--validation-size", "0.5", "--wrong-label-cost", "3", *FEW)
    assert done.returncode == 0, done.stderr
    report = json.loads((table.parent / "out/runs/default-seed-0/report.json").read_text())
    expected = {
        "CertificateFor": "class",
        "ReviewDisagreements": False,
        "MaxHumanLabels": 500,
        "ValidationSize": 0.5,
        "WrongLabelCost": 3,
    }
    assert expected.items() <= report["settings"].items()


def test_a_killed_simulation_goes_on_by_the_same_command(table: Path) -> None:
    process = subprocess.Popen(
        command(table, "--seeds", "2"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    runs = table.parent / "out/runs"
    while not (runs / "default-seed-1/run.json").exists() and process.poll() is None:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    before = (runs / "default-seed-0/report.json").read_bytes()
    done = call(table, "--seeds", "2")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("This run is already done.") == 1
    assert (runs / "default-seed-0/report.json").read_bytes() == before
    first, second = result_of(table)["runs"]
    assert first["seconds"] is not None
    assert second["seconds"] is None, "of a resumed run only the last part's time is known"
    assert second["human_labels"] + second["auto_labels"] == 600


def test_runs_of_another_simulation_are_not_mixed_in(table: Path) -> None:
    soon_over = ["--policy", "blog", "--sample", "60"]
    assert call(table, *soon_over).returncode == 0
    changed = call(table, *soon_over, "--target-error", "0.1")
    assert changed.returncode == 2
    assert "other settings of the run: choose another --out" in " ".join(changed.stderr.split())
    table.write_text(table.read_text() + "elbe;river\n")
    assert "other file" in call(table, *soon_over).stderr


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--text-column", "title"], "has no column 'title'"),
        (["--policy", "blog", "--start-size", "0.1"], "Policy blog fixes StartSize"),
        (["--query-strategy", "guess"], "QueryStrategy"),
        (["--target-error", "1.5"], "TargetError"),
        (["--model-container", "nowhere"], "there is no nowhere/train"),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(table: Path, more: list[str], message: str) -> None:
    done = call(table, *more)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert not (table.parent / "out/runs").exists()


def test_rows_without_a_label_are_refused(table: Path) -> None:
    table.write_text(table.read_text() + "elbe volga;\n")
    done = call(table)
    assert done.returncode == 2
    assert "1 of the 601 rows have no label" in done.stderr


def test_a_folder_of_something_else_is_left_alone(table: Path) -> None:
    foreign = table.parent / "out/thesis.txt"
    foreign.parent.mkdir()
    foreign.write_text("years of work")
    done = call(table)
    assert done.returncode == 2
    assert "holds thesis.txt" in done.stderr
    assert [path.name for path in foreign.parent.iterdir()] == ["thesis.txt"]
