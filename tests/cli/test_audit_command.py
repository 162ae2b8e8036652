"""`labelloop audit` as a user calls it: from a file with labels to a certificate."""

import csv
import json
import os
import random
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from labelloop.cli.main import app
from labelloop.label_audit import forecast

from .workbench_process import Person, Served

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
LLM_LABELS = os.environ.get("LABELLOOP_LLM_LABELS")
WRONG = {0.99: 0.0, 0.9: 0.02, 0.7: 0.4}  # by the confidence that is stated
ROWS = 300


def made_rows(size: int = ROWS, seed: int = 0) -> list[dict[str, str]]:
    """Labels of which the doubtful ones are often wrong."""
    rng, rows = random.Random(seed), []
    for number in range(size):
        truth, confidence = rng.choice(["cat", "dog"]), rng.choice(list(WRONG))
        wrong = rng.random() < WRONG[confidence]
        given = ({"cat": "dog", "dog": "cat"}[truth]) if wrong else truth
        text = f'{number}: =1+1, "quoted", ümlaut\nsecond line' if number % 7 == 0 else f"text {number}"
        rows.append({"text": text, "truth": truth, "given": given, "sure": str(confidence)})
    return rows


def write(path: Path, rows: list[dict[str, str]], delimiter: str = ",") -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)


def read(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "labels.csv"
    write(path, made_rows())
    return path


@pytest.fixture(autouse=True)
def _few_forecasts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecast, "_MOST_AUDITS", 2)


def arguments(table: Path, *more: str) -> list[str]:
    given = {"--text-column": "text", "--label-column": "given", "--out": str(table.parent / "out")}
    left = [part for name, value in given.items() if name not in more for part in (name, value)]
    return ["audit", str(table), *left, *more]


def call(table: Path, *more: str) -> Result:
    return CliRunner().invoke(app, arguments(table, *more))


SIMULATED = ["--confidence-column", "sure", "--people", "simulated", "--truth-column", "truth"]
FILES = ["--confidence-column", "sure", "--people", "file"]


def in_one_line(text: str) -> str:
    return " ".join(text.split())


def report_of(table: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((table.parent / "out/report.json").read_text())
    return report


def contents(folder: Path) -> dict[str, bytes]:
    names = ("labels.csv", "corrections.csv", "report.json", "report.html", "answers.csv")
    return {name: (folder / name).read_bytes() for name in names}


def test_it_goes_from_labels_to_a_certificate(table: Path) -> None:
    done = call(table, *SIMULATED, "--seed", "1")
    assert done.exit_code == 0, done.output
    told = in_one_line(done.output)
    assert "to certify that at most 5% of all labels are wrong" in told
    assert "Certified with 95% confidence: at most 5% of all labels are wrong." in told
    report, rows = report_of(table), made_rows()
    assert 0 < report["human_share"] < 0.9
    assert report["final_error"] <= 0.05
    certificate = report["certificate"]
    assert certificate["DatasetErrorBound"] <= 0.05
    assert certificate["ErrorBound"] > certificate["DatasetErrorBound"]
    labels = read(table.parent / "out/labels.csv")
    assert [{name: row[name] for name in rows[0]} for row in labels] == rows, "no field was changed"
    assert list(labels[0]) == [*rows[0], "label", "labeled_by", "was", "confidence", "round"]
    for row in labels:
        assert row["was"] == row["given"]
        assert row["labeled_by"] in ("people", "given")
        assert row["label"] == (row["truth"] if row["labeled_by"] == "people" else row["given"])
    kept = sum(row["labeled_by"] == "given" for row in labels)
    assert kept == report["counts"]["auto"] == certificate["AutoLabels"]
    assert report["human_share"] == pytest.approx(1 - kept / ROWS)
    wrong = sum(row["label"] != row["truth"] for row in labels)
    assert report["final_error"] == pytest.approx(wrong / ROWS)
    corrections = read(table.parent / "out/corrections.csv")
    changed = [row for row in labels if row["label"] != row["was"]]
    assert [(row["text"], row["was"], row["label"]) for row in corrections] == [
        (row["text"], row["was"], row["label"]) for row in changed
    ]


def test_intervals_contain_the_truth_and_kinds_count_what_was_looked_at(table: Path) -> None:
    assert call(table, *SIMULATED, "--seed", "1").exit_code == 0
    report, rows = report_of(table), made_rows()
    wrong = sum(row["given"] != row["truth"] for row in rows) / ROWS
    assert report["given_error"]["low"] <= wrong <= report["given_error"]["high"]
    for found in report["by_class"]:
        true = sum(row["truth"] == found["name"] for row in rows) / ROWS
        assert found["true_share"]["low"] <= true <= found["true_share"]["high"]
    assert sum(kind["objects"] for kind in report["kinds"]) == ROWS
    assert sum(kind["checked"] for kind in report["kinds"]) == report["counts"]["human"]
    worst = report["kinds"][0]
    assert worst["confidence"] == "70%"
    assert worst["share_wrong"] > 0.2
    judge = report["judge"]
    assert judge["positive"] == "dog"
    given_dogs = [row for row in rows if row["truth"] == "dog"]
    sensitivity = sum(row["given"] == "dog" for row in given_dogs) / len(given_dogs)
    assert judge["sensitivity"]["low"] <= sensitivity <= judge["sensitivity"]["high"]


def test_the_same_seed_gives_the_same_files_and_a_done_audit_is_told_again(table: Path) -> None:
    assert call(table, *SIMULATED, "--seed", "4").exit_code == 0
    first = contents(table.parent / "out")
    again = call(table, *SIMULATED, "--seed", "4")
    assert again.exit_code == 0
    assert "Certified" in again.output
    assert contents(table.parent / "out") == first
    other = call(table, *SIMULATED, "--seed", "4", "--out", str(table.parent / "other"))
    assert other.exit_code == 0
    assert contents(table.parent / "other") == first


def test_without_a_seed_it_is_secret_until_the_report_discloses_it(table: Path) -> None:
    done = call(table, *SIMULATED)
    report = report_of(table)
    assert report["seed_was_secret"]
    assert f"secret random seed, {report['seed']}, disclosed here" in in_one_line(done.output)
    given = call(table, *SIMULATED, "--seed", "4", "--out", str(table.parent / "given"))
    assert "could work out in advance which rows would be drawn" in in_one_line(given.output)


def test_other_settings_in_the_same_folder_are_refused_by_name(table: Path) -> None:
    assert call(table, *SIMULATED, "--seed", "1").exit_code == 0
    kept = contents(table.parent / "out")
    refused = call(table, *SIMULATED, "--seed", "2", "--target-error", "0.1", "--one-answer")
    assert refused.exit_code == 2
    assert "other settings: --target-error, --second-opinions, --seed." in in_one_line(refused.output)
    write(table, made_rows(seed=9))
    assert "other settings: FILE.csv." in in_one_line(call(table, *SIMULATED, "--seed", "1").output)
    assert contents(table.parent / "out") == kept


def test_a_killed_audit_goes_on_to_the_same_end(table: Path) -> None:
    seeded = [*SIMULATED, "--seed", "2"]
    killed = [sys.executable, "-m", "labelloop.cli.main", *arguments(table, *seeded)]
    answers = table.parent / "out/answers.csv"
    with subprocess.Popen(killed, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while not answers.exists() and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    plan = (table.parent / "out/plan.json").read_text()
    assert call(table, *seeded).exit_code == 0
    ended = contents(table.parent / "out")
    whole = table.parent / "whole"
    whole.mkdir()
    # Its forecasts are of fewer simulated audits here than in the process that was killed.
    (whole / "plan.json").write_text(plan)
    assert call(table, *seeded, "--out", str(whole)).exit_code == 0
    assert contents(whole) == ended


# People with files ---------------------------------------------------------------------------------------


def newest_batch(out: Path) -> Path:
    return max(out.glob("batch-*.csv"))


def fill(batch: Path, rows: list[dict[str, str]], delimiter: str = ",") -> None:
    asked = read(batch)
    for row in asked:
        row["label"] = rows[int(row["id"]) - 1]["truth"]
    write(batch, asked, delimiter)


def test_people_fill_in_files_until_it_ends_as_if_simulated(table: Path) -> None:
    rows, out = made_rows(), table.parent / "out"
    for _ in range(60):
        done = call(table, *FILES, "--seed", "1")
        assert done.exit_code == 0, done.output
        if (out / "report.json").exists():
            break
        fill(newest_batch(out), rows, delimiter=";")  # as a spreadsheet may save it
    assert call(table, *SIMULATED, "--seed", "1", "--out", str(table.parent / "simulated")).exit_code == 0
    labels = (out / "labels.csv").read_bytes()
    assert labels == (table.parent / "simulated/labels.csv").read_bytes()
    assert "given" not in read(out / "batch-001.csv", ";")[0], "what people answer is not swayed"


def test_formulas_in_texts_do_not_reach_a_spreadsheet(tmp_path: Path) -> None:
    rows = [{**row, "text": '=HYPERLINK("http://x")'} for row in made_rows(40)]
    table = tmp_path / "labels.csv"
    write(table, rows)
    assert call(table, *FILES).exit_code == 0
    assert all(row["text"].startswith("'=") for row in read(tmp_path / "out/batch-001.csv"))


def test_rows_that_nobody_answered_are_asked_again_and_nothing_is_lost(table: Path) -> None:
    rows, out = made_rows(), table.parent / "out"
    assert call(table, *FILES, "--seed", "1").exit_code == 0
    batch = out / "batch-001.csv"
    fill(batch, rows)
    asked = read(batch)
    for row in asked[3:]:
        row["label"] = ""
    write(batch, asked)
    written = batch.read_bytes()
    told = call(table, *FILES, "--seed", "1")
    assert told.exit_code == 0
    assert f"3 of {len(asked)} rows" in in_one_line(told.output)
    assert batch.read_bytes() == written
    assert not (out / "answers.csv").exists()
    fill(batch, rows)
    call(table, *FILES, "--seed", "1")
    assert len(read(out / "answers.csv")) == len(asked)


def test_who_cannot_say_is_asked_once_more_and_then_nobody_is(table: Path) -> None:
    rows, out = made_rows(), table.parent / "out"
    unclear = None
    for _ in range(60):
        assert call(table, *FILES, "--seed", "1").exit_code == 0
        if (out / "report.json").exists():
            break
        fill(newest_batch(out), rows)
        asked = read(newest_batch(out))
        unclear = unclear or asked[0]["id"]
        for row in asked:
            row["label"] = "?" if row["id"] == unclear else row["label"]
        write(newest_batch(out), asked)
    (row,) = [row for row in read(out / "labels.csv") if row["labeled_by"] == "nobody"]
    assert row["label"] == ""
    assert row["text"] == rows[int(unclear or 0) - 1]["text"]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda asked: asked[1].update(label="cow"), "row 3: 'cow' is not one of the classes. Write one of"),
        (lambda asked: asked.append(dict(asked[0])), "the id '{first}' is already in row 2"),
        (lambda asked: asked[2].update(id="9999"), "row 4: the id '9999' is not in this batch"),
    ],
)
def test_a_faulty_batch_is_refused_with_the_row_and_kept(table: Path, change: Any, fault: str) -> None:
    out = table.parent / "out"
    call(table, *FILES, "--seed", "1")
    batch = out / "batch-001.csv"
    fill(batch, made_rows())
    asked = read(batch)
    change(asked)
    write(batch, asked)
    written = batch.read_bytes()
    refused = call(table, *FILES, "--seed", "1")
    assert refused.exit_code == 2
    assert fault.format(first=asked[0]["id"]) in in_one_line(refused.output)
    assert batch.read_bytes() == written
    assert not (out / "answers.csv").exists()


def test_a_record_of_answers_that_was_changed_is_refused(table: Path) -> None:
    out = table.parent / "out"
    call(table, *FILES, "--seed", "1")
    fill(out / "batch-001.csv", made_rows())
    call(table, *FILES, "--seed", "1")
    record = out / "answers.csv"
    record.write_text(record.read_text().replace("\n1,", "\n1,29", 1))
    refused = call(table, *FILES, "--seed", "1")
    assert refused.exit_code == 2
    assert "was changed after it was written" in in_one_line(refused.output)


# Bad input -----------------------------------------------------------------------------------------------


def fault_of(table: Path, *more: str) -> str:
    refused = call(table, *more)
    assert refused.exit_code == 2, refused.output
    assert not (table.parent / "out/answers.csv").exists()
    return in_one_line(refused.output)


def test_a_column_that_is_missing_is_told_with_those_there_are(table: Path) -> None:
    fault = fault_of(table, *SIMULATED, "--label-column", "gven")
    assert "no column 'gven'. Did you mean 'given'?" in fault
    assert "'text', 'truth', 'given', 'sure'" in fault


@pytest.mark.parametrize("content", ["", "text,given,truth,sure\n"])
def test_an_empty_file_is_refused(table: Path, content: str) -> None:
    table.write_text(content)
    assert re.search(r"is empty|no rows below", fault_of(table, *SIMULATED))


def test_one_row_is_nothing_to_draw_from(table: Path) -> None:
    write(table, made_rows(1))
    assert "has one row" in fault_of(table, *SIMULATED)


def test_a_target_that_allows_no_wrong_label_is_told_with_the_smallest_that_does(table: Path) -> None:
    fault = fault_of(table, *SIMULATED, "--target-error", "0.001")
    assert "people would have to label all 300" in fault
    assert "The smallest target that can save answers is 0.00333" in fault


def test_labels_outside_the_classes_name_their_line(table: Path) -> None:
    fault = fault_of(table, *SIMULATED, "--classes", "cat,bird")
    assert "line" in fault
    assert "'dog' is not one of the classes" in fault


def test_one_label_everywhere_needs_the_classes(table: Path) -> None:
    write(table, [{**row, "given": "cat"} for row in made_rows()])
    assert "--classes cat,..." in fault_of(table, *FILES)
    done = call(table, *FILES, "--classes", "cat,dog")
    assert done.exit_code == 0
    assert "the same label everywhere" in done.output


def test_equal_confidences_are_told(table: Path) -> None:
    write(table, [{**row, "sure": "1"} for row in made_rows()])
    done = call(table, *SIMULATED)
    assert done.exit_code == 0
    assert "is 1 everywhere" in in_one_line(done.output)


def test_the_truth_cannot_be_the_labels_that_are_given(table: Path) -> None:
    assert "they must be two columns" in fault_of(table, *FILES, "--truth-column", "given")
    assert "--truth-column" in fault_of(table, "--people", "simulated")


def test_sizes_that_cannot_be_are_refused(table: Path) -> None:
    assert "--batch-size is a share" in fault_of(table, *FILES, "--batch-size", "0")
    assert "--max-human-labels is a share" in fault_of(table, *FILES, "--max-human-labels", "-1")


def test_several_sources_may_state_a_confidence_or_not(table: Path) -> None:
    rows, rng = made_rows(), random.Random(5)
    other = {"cat": "dog", "dog": "cat"}
    write(
        table,
        [
            {**row, "rule": row["truth"] if rng.random() < 0.8 else other[row["truth"]], "rule sure": "0.8"}
            for row in rows
        ],
    )
    both = [*SIMULATED, "--label-column", "given", "--label-column", "rule"]
    assert "'' for a source that states none" in fault_of(table, *both)
    assert call(table, *both, "--confidence-column", "").exit_code == 0
    report = report_of(table)
    assert report["label_columns"] == ["given", "rule"]
    assert report["final_error"] <= 0.05


def test_a_budget_leaves_rows_to_nobody(table: Path) -> None:
    done = call(table, *SIMULATED, "--max-human-labels", "40")
    assert done.exit_code == 0
    counts = report_of(table)["counts"]
    told = " ".join(done.output.split())
    share = f"{counts['human'] / counts['input']:.1%}"
    assert f"People labeled {counts['human']} of {counts['input']} rows ({share})" in told
    assert f"{counts['unlabeled']} rows have no label." in told
    labels = read(table.parent / "out/labels.csv")
    nobody = [row for row in labels if row["labeled_by"] == "nobody"]
    report = report_of(table)
    assert report["answers"] <= 40
    assert len(nobody) == report["counts"]["unlabeled"] > 0
    assert all(not row["label"] and row["was"] for row in nobody)


def test_rows_that_cannot_be_used_are_named(table: Path) -> None:
    rows = made_rows()
    rows[4]["text"] = " "
    write(table, rows)
    assert "empty text" in fault_of(table, *SIMULATED)


def test_a_folder_with_other_files_is_left_alone(table: Path) -> None:
    (table.parent / "out").mkdir()
    (table.parent / "out/thesis.docx").write_text("mine")
    assert "holds thesis.docx, which audit did not write" in fault_of(table, *SIMULATED)


def test_columns_of_ours_that_are_there_already_are_not_overwritten(table: Path) -> None:
    write(table, [{**row, "label": "mine"} for row in made_rows(60)])
    assert call(table, *SIMULATED, "--target-error", "0.2").exit_code == 0
    rows = read(table.parent / "out/labels.csv")
    assert all(row["label"] == "mine" and row["audit_label"] for row in rows)


def test_labels_too_bad_for_the_promise_are_told_early(table: Path) -> None:
    rng = random.Random(0)
    write(table, [{**row, "given": rng.choice(["cat", "dog"])} for row in made_rows()])
    done = call(table, "--people", "simulated", "--truth-column", "truth", "--certificate-for", "all")
    told = in_one_line(done.output)
    assert done.exit_code == 0
    assert "nearly all of the 300 rows" in told
    assert "--certificate-for dataset" in told
    assert report_of(table)["final_error"] <= 0.05


# People at the workbench, the documentation, and labels of a language model ------------------------------


def handed_to(person: Person) -> list[dict[str, Any]]:
    """The next task, if there is one; none between two batches, nor when the work is over."""
    try:
        handed: list[dict[str, Any]] = person.post("/api/tasks/next", {"count": 1})["tasks"]
    except httpx.HTTPError:
        return []
    return handed


def first_task(person: Person) -> dict[str, Any]:
    """The page asks for it again until the batch is open."""
    for _ in range(200):
        if handed := handed_to(person):
            return handed[0]
        time.sleep(0.05)
    raise AssertionError("no batch was opened")


@pytest.mark.slow
def test_people_at_the_workbench_go_on_after_a_kill(table: Path) -> None:
    rows = made_rows(24)
    write(table, rows)
    truth = {row["text"]: ["cat", "dog"].index(row["truth"]) for row in rows}
    command = [
        *(sys.executable, "-m", "labelloop.cli.main"),
        *arguments(table, "--seed", "1", "--port", "0", "--target-error", "0.1", "--batch-size", "8"),
    ]
    first = Served(command)
    ann = Person(first, "Ann")
    task = first_task(ann)
    ann.post(f"/api/tasks/{task['id']}/answer", {"label": truth[task["text"]]})
    first.kill()
    second = Served(command)
    bob = Person(second, "Bob")
    answered: list[str] = []
    try:
        until = time.monotonic() + 300
        while not (table.parent / "out/labels.csv").exists():
            assert time.monotonic() < until, "the audit does not end"
            for one in handed_to(bob):
                answered.append(one["text"])
                bob.post(f"/api/tasks/{one['id']}/answer", {"label": truth[one["text"]]})
        told = second.finish(bob)
    finally:
        second.kill()
        for person in (ann, bob):
            person.http.close()
    assert task["text"] not in answered, "what is answered stays so"
    assert "Compared with" not in told
    assert report_of(table)["counts"]["unlabeled"] == 0
    for row in read(table.parent / "out/labels.csv"):
        if row["labeled_by"] == "people":
            assert row["label"] == row["truth"]


def documented_commands() -> list[list[str]]:
    page = (ROOT / "docs/audit.md").read_text()
    blocks = re.findall(r"```(?:bash|sh)\n(.*?)```", page, re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [shlex.split(line) for line in lines if line.startswith("labelloop audit")]


def test_the_commands_of_the_documentation_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rng = random.Random(0)
    names = {"cat": "agrees", "dog": "disagrees"}
    write(
        tmp_path / "headlines.csv",
        [
            {
                "text": row["text"],
                "llm_label": names[row["given"]],
                "llm_confidence": row["sure"],
                "truth": names[row["truth"]],
            }
            for row in made_rows()
        ],
    )
    verdicts = {"cat": "no", "dog": "yes"}
    write(
        tmp_path / "verdicts.csv",
        [
            {
                "question": f"question {rng.random()}",
                "answer": row["text"],
                "verdict": verdicts[row["given"]],
                "truth": verdicts[row["truth"]],
            }
            for row in made_rows()
        ],
    )
    commands = documented_commands()
    assert len(commands) >= 3
    for command in commands:
        done = CliRunner().invoke(app, command[1:])
        assert done.exit_code == 0, (command, done.output)


@pytest.mark.slow
@pytest.mark.skipif(not LLM_LABELS, reason="set LABELLOOP_LLM_LABELS to the folder with stance.csv")
def test_labels_of_a_language_model_are_kept_where_they_can_be(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        app,
        [
            *("audit", str(Path(LLM_LABELS or "") / "stance.csv"), "--text-column", "text"),
            *("--label-column", "llm_label", "--confidence-column", "llm_confidence"),
            *("--certificate-for", "dataset", "--target-error", "0.05", "--confidence", "0.95"),
            *(
                "--people",
                "simulated",
                "--truth-column",
                "truth",
                "--seed",
                "0",
                "--out",
                str(tmp_path / "out"),
            ),
        ],
    )
    assert done.exit_code == 0, done.output
    report = json.loads((tmp_path / "out/report.json").read_text())
    assert report["human_share"] < 0.85
    assert report["certificate"]["DatasetErrorBound"] <= 0.05
