"""`labelloop simulate` as a user calls it: what it says of a policy, and that finished runs are kept."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from labelloop.cli.main import app

ROOT = Path(__file__).parents[2]
CONTAINER = ["--model-container", str(ROOT / "tests/local/stand_in_container")]
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


def arguments(table: Path, *more: str) -> list[str]:
    return [
        *("simulate", str(table), "--text-column", "text", "--label-column", "kind", "--delimiter", ";"),
        *("--out", str(table.parent / "out"), *more),
    ]


def call(table: Path, *more: str) -> Result:
    return CliRunner().invoke(app, arguments(table, *more))


def start(table: Path, *more: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "labelloop.cli.main", *arguments(table, *more)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def result_of(table: Path) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((table.parent / "out/simulation.json").read_text())
    return result


def report_of(table: Path, run: dict[str, Any]) -> dict[str, Any]:
    page = table.parent / "out" / run["report"]
    report: dict[str, Any] = json.loads(page.with_suffix(".json").read_text())
    return report


def in_one_line(text: str) -> str:
    return " ".join(text.split())


def test_policies_and_seeds_stand_side_by_side(table: Path) -> None:
    more = ["--policy", "default", "--policy", "blog", "--seeds", "2", "--query-strategy", "entropy"]
    done = call(table, *more, "--json")
    assert done.exit_code == 0, done.output
    result = result_of(table)
    assert json.loads(done.stdout) == result
    assert [(run["policy"], run["seed"]) for run in result["runs"]] == [
        ("default", 0),
        ("default", 1),
        ("blog", 0),
        ("blog", 1),
    ]
    for run in result["runs"]:
        report = report_of(table, run)
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
    assert again.exit_code == 0, again.output
    assert again.stdout.count("This run is already done.") == 4
    assert "2 of 2" in again.stdout
    assert "auto-labels" in again.stdout
    assert "…" not in again.stdout, "nothing is cut off"
    rows = [line.split() for line in again.stdout.splitlines() if line.startswith(("default ", "blog "))]
    ends = {(run["policy"], str(run["seed"])): f"{run['seconds']:.0f}" for run in result["runs"]}
    assert {(row[0], row[1]): row[-1] for row in rows if row[1] != "mean"} == ends, "the last column too"
    assert all((table.parent / "out" / page).stat().st_mtime_ns == when for page, when in pages.items())


def test_the_result_names_the_model(table: Path) -> None:
    done = call(table, *FEW)
    assert done.exit_code == 0, done.output
    told = in_one_line(done.stdout)
    assert "Of 60 rows, by the quick model" in told
    assert "--real-model" in told
    result = result_of(table)
    assert result["model"].startswith("quick model")
    report = report_of(table, result["runs"][0])
    assert report["settings"]["Model"] == {"Name": result["model"]}
    assert result["model"] in report["execution"]
    page = (table.parent / "out" / result["runs"][0]["report"]).read_text()
    assert result["model"] in page


def test_a_run_is_told_round_by_round(table: Path) -> None:
    done = call(table)
    rounds = report_of(table, result_of(table)["runs"][0])["rounds"]
    lines = [line for line in done.stdout.splitlines() if "] round " in line]
    assert len(lines) == len(rounds) > 2
    assert "round  1: no model yet; people were asked about" in lines[0]
    for line, record in zip(lines, rounds, strict=True):
        assert f"people were asked about {record['sent_to_people']:,} →" in line
        assert line.endswith(f"{record['counts']['auto']:,} auto, {record['counts']['pool']:,} open")


def test_the_report_says_what_a_report_of_a_labeling_run_says(table: Path) -> None:
    assert call(table).exit_code == 0
    report = report_of(table, result_of(table)["runs"][0])
    evidence = report["evidence"]
    trained = [record["round"] for record in report["rounds"] if record["trained"]]
    assert [entry["round"] for entry in evidence["accuracy_by_round"]] == trained
    examples = [example for group in evidence["examples"].values() for example in group]
    assert examples
    for example in examples:
        text, label = table.read_text().splitlines()[example["line"]].split(";")
        assert example["source"] == text
        assert example["truth"] == sorted(WORDS).index(label)


@pytest.mark.slow
def test_people_who_err_are_measured_against_the_file(table: Path) -> None:
    done = call(table, "--error-rate", "0.2", "--start-size", "0.5", "--sample", "300")
    assert done.exit_code == 0, done.output
    run = result_of(table)["runs"][0]
    assert run["rows"] == 300
    assert 0.1 < run["human_label_error"] < 0.3
    rounds = report_of(table, run)["rounds"]
    assert run["repeated_answers"] == sum(record["repeated_answers"] for record in rounds)


def test_rows_that_nobody_labels_within_a_budget_have_their_reason(table: Path) -> None:
    done = call(table, "--max-human-labels", "50", "--start-size", "40")
    assert done.exit_code == 0, done.output
    run = result_of(table)["runs"][0]
    assert run["unlabeled"] == 600 - run["human_labels"] - run["auto_labels"] > 0
    failures = report_of(table, run)["failures"]
    assert list(failures["by_reason"].values()) == [run["unlabeled"]]
    assert run["stopped_because"] in next(iter(failures["by_reason"]))


def test_options_reach_the_request(table: Path) -> None:
    more = ["--certificate-for", "class", "--no-review-disagreements", "--max-human-labels", "500"]
    done = call(table, *more, "--validation-size", "0.5", "--wrong-label-cost", "3", *FEW)
    assert done.exit_code == 0, done.output
    report = json.loads((table.parent / "out/runs/default-seed-0/report.json").read_text())
    expected = {
        "CertificateFor": "class",
        "ReviewDisagreements": False,
        "MaxHumanLabels": 500,
        "ValidationSize": 0.5,
        "WrongLabelCost": 3,
    }
    assert expected.items() <= report["settings"].items()


def test_runs_of_another_simulation_are_not_mixed_in(table: Path) -> None:
    soon_over = ["--policy", "blog", "--sample", "60"]
    assert call(table, *soon_over).exit_code == 0
    changed = call(table, *soon_over, "--target-error", "0.1")
    assert changed.exit_code == 2
    assert "other settings of the run: choose another --out" in in_one_line(changed.stderr)
    assert "other model: choose another --out" in in_one_line(call(table, *soon_over, *CONTAINER).stderr)
    table.write_text(table.read_text() + "elbe;river\n")
    assert "other file" in call(table, *soon_over).stderr


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--text-column", "title"], "has no column 'title'"),
        (["--policy", "blog", "--start-size", "0.1"], "Policy blog fixes StartSize"),
        (["--query-strategy", "guess"], "QueryStrategy"),
        (["--query-strategy", "nowhere:Strategy"], "nowhere"),
        (["--target-error", "1.5"], "'1.5' is not a share above 0 and below 1"),
        (["--model-container", "nowhere"], "there is no nowhere/train"),
        (["--real-model", *CONTAINER], "leave out either it or --model-container"),
        (["--real-model", "--application", "nowhere"], "nowhere/template.yaml"),
        (["--application", "nowhere"], "add --real-model"),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(table: Path, more: list[str], message: str) -> None:
    done = call(table, *more)
    assert done.exit_code == 2
    assert message in in_one_line(done.stderr)
    assert not (table.parent / "out").exists()


def test_a_strategy_that_the_model_cannot_serve_is_told_with_the_model(table: Path) -> None:
    done = call(table, "--query-strategy", "bald", "--target-error", "0.01")
    assert done.exit_code == 2
    assert "with the quick model" in in_one_line(done.stderr)
    assert "disagreement" in done.stderr


def test_rows_without_a_label_are_refused(table: Path) -> None:
    table.write_text(table.read_text() + "elbe volga;\n")
    done = call(table)
    assert done.exit_code == 2
    assert "1 of the 601 rows have no label" in in_one_line(done.stderr)


def test_a_folder_of_something_else_is_left_alone(table: Path) -> None:
    foreign = table.parent / "out/thesis.txt"
    foreign.parent.mkdir()
    foreign.write_text("years of work")
    done = call(table)
    assert done.exit_code == 2
    assert "holds thesis.txt" in in_one_line(done.stderr)
    assert [path.name for path in foreign.parent.iterdir()] == ["thesis.txt"]


@pytest.mark.slow
def test_a_container_labels_a_run_and_its_log_is_kept(table: Path) -> None:
    done = call(table, *CONTAINER)
    assert done.exit_code == 0, done.output
    result = result_of(table)
    assert result["model"] == f"container {CONTAINER[1]} without a sentence encoder" or (
        result["model"] == f"container {CONTAINER[1]}"
    )
    run = result["runs"][0]
    assert run["certificate"] is not None
    assert run["auto_labels"] > 300
    report = report_of(table, run)
    log = (table.parent / "out/runs/default-seed-0/logs/container.log").read_text()
    assert log.count("training simulation for 2 classes") == sum(each["trained"] for each in report["rounds"])


@pytest.fixture
def told_table(tmp_path: Path) -> Path:
    """Texts that say little of their class, and two columns that say more: `rule` of half of the rows."""
    rng = random.Random(0)
    rows = []
    for number in range(600):
        label, other = rng.sample(sorted(WORDS), 2)
        words = [rng.choice(WORDS[label if rng.random() < 0.6 else other]) for _ in range(3)]
        right = rng.random() < 0.85
        llm, sure = (label, rng.uniform(0.7, 1)) if right else (other, rng.uniform(0.5, 0.9))
        rule = "" if number % 2 else label if rng.random() < 0.9 else other
        rows.append(f"{' '.join(words)};{label};{llm};{sure:.2f};{rule}\n")
    path = tmp_path / "words.csv"
    path.write_text("text;kind;llm kind;sure;rule\n" + "".join(rows))
    return path


PRIORS = [
    *("--prior-column", "llm kind", "--prior-confidence-column", "sure"),
    *("--prior-column", "rule", "--prior-confidence-column", ""),
]


@pytest.mark.slow
def test_the_quick_model_sees_prior_labels(told_table: Path) -> None:
    shares = []
    for number, priors in enumerate(([], PRIORS)):
        out = ["--out", str(told_table.parent / f"out-{number}")]
        done = call(told_table, "--certificate-for", "dataset", "--target-error", "0.1", *priors, *out)
        assert done.exit_code == 0, done.output
        result = json.loads((told_table.parent / f"out-{number}/simulation.json").read_bytes())
        assert result["runs"][0]["final_error"] <= 0.1
        shares.append(result["runs"][0]["human_share"])
    assert shares[1] < 0.7 * shares[0]


@pytest.mark.parametrize("said", [lambda rng: rng.choice(sorted(WORDS)), lambda _: "metal"])
def test_prior_labels_that_say_nothing_cost_nothing(
    table: Path, said: Callable[[random.Random], str]
) -> None:
    rng = random.Random(1)
    header, *rows = table.read_text().splitlines()
    table.write_text("\n".join([f"{header};rule", *(f"{row};{said(rng)}" for row in rows)]) + "\n")
    asked = []
    for number, priors in enumerate(([], ["--prior-column", "rule"])):
        out = table.parent / f"out-{number}"
        done = call(table, *priors, "--out", str(out))
        assert done.exit_code == 0, done.output
        run = json.loads((out / "simulation.json").read_bytes())["runs"][0]
        asked.append((run["human_labels"], run["auto_label_error"]))
    assert asked[0] == asked[1]


@pytest.mark.slow
def test_a_container_gets_prior_labels(told_table: Path, tmp_path: Path) -> None:
    container, kept = tmp_path / "container", tmp_path / "kept"
    container.mkdir()
    kept.mkdir()
    for name in ("train", "serve"):
        content = Path(CONTAINER[1], name).read_text()
        keep = f"import os, shutil; shutil.copytree(os.environ['ML_ROOT'], {str(kept)!r}, dirs_exist_ok=True)"
        (container / name).write_text(f"{keep}\n{content}" if name == "train" else content)
    done = call(told_table, "--model-container", str(container), *PRIORS)
    assert done.exit_code == 0, done.output
    parameters = json.loads((kept / "input/config/hyperparameters.json").read_bytes())
    assert parameters["prior_labels"] == '["llm-kind", "rule"]'
    for channel in ("train", "pool"):
        for line in (kept / f"input/data/{channel}/{channel}.jsonl").read_text().splitlines():
            record = json.loads(line)
            assert record["llm-kind"] in (0, 1)
            assert 0.5 <= record["llm-kind-metadata"]["confidence"] <= 1
            assert ("rule" in record) == (record["labelloop-id"] % 2 == 0)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--prior-column", "nowhere"], "nowhere"),
        (["--prior-column", "kind"], "kind"),
        (["--prior-column", "text"], "text"),
        (PRIORS[:2] + PRIORS[2:4] * 2, "There are 1 --prior-column and 2 --prior-confidence-column"),
    ],
)
def test_prior_columns_that_cannot_be_used_are_one_error(
    told_table: Path, options: list[str], problem: str
) -> None:
    done = call(told_table, *options)
    assert done.exit_code == 2
    assert problem in in_one_line(done.stderr)
    assert "Traceback" not in done.output


def test_how_prior_columns_were_read_is_told_and_kept(told_table: Path) -> None:
    few = ["--sample", "60", "--start-size", "0.9"]
    done = call(told_table, *few, *PRIORS)
    assert done.exit_code == 0, done.output
    assert "'rule'" in in_one_line(done.stdout)
    assert call(told_table, *few, *PRIORS).stdout.count("This run is already done.") == 1
    other = call(told_table, *few, *PRIORS[:4])
    assert other.exit_code == 2
    assert "other columns" in in_one_line(other.stderr)


@pytest.mark.slow
def test_a_container_that_fails_says_why(table: Path, tmp_path: Path) -> None:
    container = tmp_path / "broken"
    container.mkdir()
    (container / "train").write_text("import sys; sys.exit(3)")
    (container / "serve").write_text("")
    done = call(table, "--model-container", str(container))
    assert done.exit_code == 1
    assert "exit code: 3, log:" in in_one_line(done.stderr)


@pytest.mark.slow
def test_a_killed_simulation_goes_on_by_the_same_command(table: Path) -> None:
    process = start(table, "--seeds", "2", *CONTAINER)
    wait_for(table.parent / "out/runs/default-seed-1", process)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    runs = table.parent / "out/runs"
    before = (runs / "default-seed-0/report.json").read_bytes()
    done = call(table, "--seeds", "2", *CONTAINER)
    assert done.exit_code == 0, done.output
    assert done.stdout.count("This run is already done.") == 1
    assert (runs / "default-seed-0/report.json").read_bytes() == before
    for run in result_of(table)["runs"]:
        assert run["human_labels"] + run["auto_labels"] == 600
        assert run["seconds"] is not None, "a run that was interrupted has been run from its beginning"


@pytest.mark.slow
@pytest.mark.parametrize("model", [[], CONTAINER], ids=["quick", "container"])
def test_whoever_interrupts_it_is_told_how_it_goes_on(table: Path, model: list[str]) -> None:
    process = start(table, "--seeds", "200", *model)
    wait_for(table.parent / "out/runs/default-seed-1", process)
    process.send_signal(signal.SIGINT)
    told, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted. What has ended is kept: the same command does the other runs." in in_one_line(told)
    assert "Traceback" not in told
    assert not (table.parent / "out/runs/default-seed-1/report.json").exists()


def wait_for(path: Path, process: "subprocess.Popen[str]") -> None:
    while not path.exists():
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.02)
