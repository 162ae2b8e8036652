"""`labelloop label-file` and `export` as a user calls them: from a CSV file to labels.csv, killed or not."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import random
import shlex
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from .forked_command import run_labelloop
from .workbench_process import Person, Served

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow
WORDS = {"metal": ["iron", "tin", "zinc"], "river": ["elbe", "volga", "tiber"]}
CLASSES = sorted(WORDS)
LABELS = ["label", "labeled_by", "confidence", "round"]
LABELLOOP = (sys.executable, "-m", "labelloop.cli.main")


@pytest.fixture
def application(tmp_path: Path) -> Path:
    """The deployed files with the tests' stand-in container in place of the Keras one."""
    folder = tmp_path / "application"
    folder.mkdir()
    for name in ("template.yaml", "statemachine"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "model_container").symlink_to(ROOT / "tests/local/stand_in_container")
    return folder


def write_rows(path: Path, size: int, *, known: Callable[[int], bool] = lambda _: True) -> list[list[str]]:
    """Rows with an id, a text, a label where it is known, and a column that is hard to keep."""
    rng, rows = random.Random(0), []
    for number in range(size):
        kind = rng.choice(CLASSES)
        text = f"{number} " + " ".join(rng.choices(WORDS[kind], k=4))
        hard = ['a "b"', "two\nlines", " é; ", "", "NULL"][number % 5]
        rows.append([f"id-{number}", text, kind if known(number) else "", hard])
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["id", "title", "kind", "other"], *rows])
    return rows


def command(source: Path, application: Path, *more: str) -> list[str]:
    return [*LABELLOOP, *arguments_for(source, application, *more)]


def arguments_for(source: Path, application: Path, *more: str) -> list[str]:
    return [
        *("label-file", str(source), "--text-column", "title", "--label-column", "kind"),
        *("--id-column", "id", "--out", str(source.parent / "out"), "--application", str(application), *more),
    ]


def call(source: Path, application: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return run_labelloop(*arguments_for(source, application, "--people", "simulated", *more))


def export(*arguments: object) -> subprocess.CompletedProcess[str]:
    return run_labelloop("export", *arguments)


def read(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file, strict=True)
    assert header == ["id", "title", "kind", "other", *LABELS]
    return rows


def asked_about(folder: Path) -> list[int]:
    """The objects that people were asked about, each as often as they were."""
    return [
        json.loads(line)["labelloop-id"]
        for path in (folder / "out/s3").rglob("labeling/*/manifests/output/output.manifest")
        for line in path.read_text().splitlines()
    ]


def test_from_a_file_to_the_same_file_with_labels(tmp_path: Path, application: Path) -> None:
    source = tmp_path / "texts.csv"
    rows = write_rows(source, 600)
    done = call(source, application, "--seed", "3")
    assert done.returncode == 0, done.stderr
    assert "600 of 600 rows have a label" in done.stdout
    assert f" check {tmp_path / 'out'}" in done.stdout, "what to do next"
    labeled = read(tmp_path / "out/labels.csv")
    assert [row[:4] for row in labeled] == rows, "all columns, as they were, in the file's order"
    report = json.loads((tmp_path / "out/run/report.json").read_bytes())
    by = Counter(row[5] for row in labeled)
    assert by == {"people": report["counts"]["human"], "model": report["counts"]["auto"]}
    assert by["model"] > 300
    assert all(row[4] == row[2] for row in labeled if row[5] == "people")
    assert sum(row[4] != row[2] for row in labeled) == round(report["auto_label_error"] * by["model"])
    assert all(0 < float(row[6]) <= 1 and 1 <= int(row[7]) <= len(report["rounds"]) for row in labeled)
    # A manifest that was fetched from AWS has no ledger: it tells the same labels by the same people.
    manifest = tmp_path / "out/run/output.manifest"
    fetched = export(tmp_path / "out", "--manifest", manifest, "--out", tmp_path / "fetched.csv")
    assert fetched.returncode == 0, fetched.stderr
    assert [row[:7] for row in read(tmp_path / "fetched.csv")] == [row[:7] for row in labeled]
    missing = export(tmp_path / "out", "--manifest", tmp_path / "no.manifest")
    assert (missing.returncode, missing.stdout) == (2, "")
    assert f"there is no file {tmp_path}/no.manifest: `labelloop fetch` downloads" in missing.stderr
    (tmp_path / "out/labels.csv").unlink()
    again = call(source, application, "--seed", "3")
    assert again.returncode == 0, again.stderr
    assert read(tmp_path / "out/labels.csv") == labeled
    # What `start` sends to AWS is there, and names nobody who labels here.
    request = json.loads((tmp_path / "out/request.json").read_bytes())
    assert request["ActiveLearning"] == {"Seed": 3}


def test_a_sample_is_labeled_by_the_command_it_names(tmp_path: Path, application: Path) -> None:
    file = tmp_path / "my headlines.csv"

    def sample(*more: str) -> subprocess.CompletedProcess[str]:
        return run_labelloop("sample", file, "--rows", 300, *more)

    done = sample("--with-labels")
    assert done.returncode == 0, done.stderr
    again = sample()
    assert (again.returncode, "is there already" in again.stderr) == (2, True)
    named = shlex.split(done.stdout.splitlines()[-1])
    start = named.index("label-file")
    labeled = run_labelloop(*named[start:], "--application", application)
    assert labeled.returncode == 0, labeled.stderr
    with (tmp_path / "my headlines/labels.csv").open(newline="") as rows:
        assert sum(bool(row["label"]) for row in csv.DictReader(rows)) == 300
    file.unlink()
    unlabeled = sample()
    assert "--classes business," in unlabeled.stdout
    assert file.read_text().splitlines()[0] == "id,title"


def test_bad_rows_and_a_sample_leave_the_other_rows_as_they_were(tmp_path: Path, application: Path) -> None:
    source = tmp_path / "texts.csv"
    rows = write_rows(source, 200)
    for number in range(0, 200, 9):
        rows[number][1] = ""
    with source.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["id", "title", "kind", "other"], *rows])
    done = call(source, application, "--skip-bad-rows", "--sample", "90")
    assert done.returncode == 0, done.stderr
    labeled = read(tmp_path / "out/labels.csv")
    assert len(labeled) == 90
    numbers = [int(row[0].removeprefix("id-")) for row in labeled]
    assert numbers == sorted(numbers)
    assert [row[:4] for row in labeled] == [rows[number] for number in numbers]
    assert all(row[4] for row in labeled)


def test_killed_at_any_moment_it_exports_what_there_is_and_the_same_command_goes_on(
    tmp_path: Path, application: Path
) -> None:
    source = tmp_path / "texts.csv"
    rows = write_rows(source, 600)
    rng, most = random.Random(7), 0
    for _ in range(4):
        process = subprocess.Popen(
            command(source, application, "--people", "simulated"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(rng.uniform(2.5, 6))
        running = export(tmp_path / "out") if (tmp_path / "out/request.json").exists() else None
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        if not (tmp_path / "out/request.json").exists():
            continue  # on a busy machine it was killed before the file was read
        for exported in filter(None, (running, export(tmp_path / "out"))):
            assert exported.returncode == 0, exported.stderr
            labeled = read(tmp_path / "out/labels.csv")
            assert [row[:4] for row in labeled] == rows
            given = [row for row in labeled if row[4]]
            assert len(given) >= most, "no label is lost"
            most = len(given)
            assert all("" not in row[4:] for row in given)
            assert all(row[4:] == [""] * 4 for row in labeled if not row[4])
            assert all(row[4] == row[2] for row in given if row[5] == "people")
    done = call(source, application)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "600 of 600 rows have a label" in done.stdout
    asked = asked_about(tmp_path)
    report = json.loads((tmp_path / "out/run/report.json").read_bytes())
    repeated = sum(record["repeated_answers"] for record in report["rounds"])
    assert len(asked) - len(set(asked)) == repeated, "nobody is asked twice"


def test_told_to_end_it_writes_what_is_labeled_and_refuses_other_settings(
    tmp_path: Path, application: Path
) -> None:
    source = tmp_path / "texts.csv"
    rows = write_rows(source, 600)
    # A promise so strict that the run takes all its budget.
    task = ["--budget", "300", "--target-error", "0.005"]
    process = subprocess.Popen(
        command(source, application, "--people", "simulated", *task),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    while not list((tmp_path / "out").rglob("merged/state.json")):
        time.sleep(0.05)
        assert process.poll() is None
    beside = call(source, application, *task)
    process.terminate()
    told, _ = process.communicate(timeout=300)
    assert process.returncode == 130, told
    assert "the same command continues" in told
    assert "Traceback" not in told
    labeled = read(tmp_path / "out/labels.csv")
    assert [row[:4] for row in labeled] == rows
    assert any(row[4] for row in labeled)
    assert beside.returncode == 2
    assert "another labelloop is working in" in beside.stderr
    refused = call(source, application, *task, "--merge-case")
    assert (refused.returncode, "--merge-case differs" in refused.stderr) == (2, True)
    write_rows(source, 599)
    refused = call(source, application, *task)
    assert (refused.returncode, "FILE differs" in refused.stderr) == (2, True)


def test_a_budget_is_kept_and_what_it_does_not_reach_stays_empty(tmp_path: Path, application: Path) -> None:
    source = tmp_path / "texts.csv"
    rows = write_rows(source, 400)
    done = call(source, application, "--budget", "40", "--target-error", "0.01")
    assert done.returncode == 0, done.stderr
    labeled = read(tmp_path / "out/labels.csv")
    assert [row[:4] for row in labeled] == rows
    assert 0 < len(asked_about(tmp_path)) <= 40
    assert 0 < sum(row[5] == "people" for row in labeled) <= 40
    assert any(row[4:] == ["", "", "", ""] for row in labeled)
    assert f"{sum(row[4] != '' for row in labeled)} of 400 rows have a label" in done.stdout


@pytest.fixture
def served() -> Iterator[Callable[[list[str]], Served]]:
    """Starts commands that serve the workbench; none of them outlives the test."""
    started: list[Served] = []

    def start(arguments: list[str]) -> Served:
        started.append(Served(arguments))
        return started[-1]

    yield start
    for one in started:
        one.kill()


def label(person: Person) -> None:
    """Answer, knowing the truth, whatever is asked."""
    while True:
        tasks = person.post("/api/tasks/next", {"count": 5})["tasks"]
        for task in tasks:
            answer = CLASSES.index("metal" if task["text"].split()[1] in WORDS["metal"] else "river")
            person.post(f"/api/tasks/{task['id']}/answer", {"label": answer, "seconds": 1})
        if not tasks:
            time.sleep(0.1)


def test_people_label_in_the_browser_and_known_labels_are_the_files(
    tmp_path: Path, application: Path, served: Callable[[list[str]], Served]
) -> None:
    source = tmp_path / "texts.csv"
    rows = write_rows(source, 90, known=lambda number: number % 3 == 0)
    run = served(command(source, application, "--port", "0"))
    person = Person(run, "Ann")
    with contextlib.suppress(httpx.TransportError):  # The run ends, and its workbench with it.
        label(person)
    told = run.finish(person)
    person.http.close()
    assert "30 of them have a label" in run.output
    assert "90 of 90 rows have a label" in told
    labeled = read(tmp_path / "out/labels.csv")
    assert [row[:4] for row in labeled] == rows
    for number, row in enumerate(labeled):
        if number % 3 == 0:
            assert row[4:] == [row[2], "given", "1.0", "0"]
        else:
            assert row[5] in ("people", "model")
            assert row[1].split()[1] in WORDS[row[4]]


def test_answers_of_an_open_batch_are_told_as_such_while_people_label_and_after_a_kill(
    tmp_path: Path, application: Path, served: Callable[[list[str]], Served]
) -> None:
    source = tmp_path / "texts.csv"
    write_rows(source, 90, known=lambda number: number % 3 == 0)
    run = served(command(source, application, "--port", "0"))
    person = Person(run, "Ann")
    while not (tasks := person.post("/api/tasks/next", {"count": 3})["tasks"]):
        time.sleep(0.1)
    for task in tasks:
        person.post(f"/api/tasks/{task['id']}/answer", {"label": 0, "seconds": 1})
    person.http.close()
    out = tmp_path / "out"
    told = (
        "30 of 90 rows have a label.\nAnswers in the batch that is still open: 3. They become labels when it "
        f"is closed; `labelloop answers {out}/run` writes them now.\n"
    )
    assert export(out).stdout.endswith(told)
    run.kill()
    assert export(out).stdout.endswith(told)
    assert "3 answers" in run_labelloop("answers", out / "run", "--out", tmp_path / "answers.csv").stdout
    for file in (out / "run").glob("workbench.sqlite*"):
        file.write_bytes(b"damaged")
    assert export(out).stdout.endswith("30 of 90 rows have a label.\n")


def test_who_has_nothing_to_label_is_told_before_a_run_begins(tmp_path: Path, application: Path) -> None:
    source = tmp_path / "texts.csv"
    write_rows(source, 60)
    everything = run_labelloop(*arguments_for(source, application))
    assert everything.returncode == 2
    assert "every row has a label already" in everything.stderr
    write_rows(source, 60, known=lambda number: number > 5)
    some = call(source, application)
    assert some.returncode == 2
    assert "6 of 60 rows have none" in some.stderr
    # Nothing had begun, so the folder is not bound to these settings.
    write_rows(source, 60)
    assert call(source, application).returncode == 0


def test_a_larger_budget_and_another_promise_go_on_with_all_labels(
    tmp_path: Path, application: Path, served: Callable[[list[str]], Served]
) -> None:
    source = tmp_path / "texts.csv"
    rows = write_rows(source, 600)
    first = call(source, application, "--budget", "40", "--target-error", "0.01")
    assert first.returncode == 0, first.stderr
    before = {row[0]: row[4:] for row in read(tmp_path / "out/labels.csv") if row[4]}
    assert 0 < len(before) <= 40
    more = call(source, application, "--target-error", "0.1", "--certificate-for", "dataset")
    assert more.returncode == 0, more.stderr
    assert "with other --target-error, --certificate-for, --budget" in more.stdout
    labeled = read(tmp_path / "out/labels.csv")
    assert [row[:4] for row in labeled] == rows
    assert all(row[4] for row in labeled)
    assert {row[0]: row[4:] for row in labeled if row[0] in before} == before, "no label is lost or altered"
    report = json.loads((tmp_path / "out/run/report.json").read_bytes())
    certificate = report["certificate"]
    assert (certificate["TargetError"], certificate["CertificateFor"]) == (0.1, "dataset")
    repeated = sum(record["repeated_answers"] for record in report["rounds"])
    asked = asked_about(tmp_path)
    assert len(asked) - len(set(asked)) == repeated, "nobody is asked twice"
    request = json.loads((tmp_path / "out/request.json").read_bytes())
    assert request["ActiveLearning"] == {"TargetError": 0.1, "CertificateFor": "dataset"}
    people_look_again(tmp_path / "out", served)


def people_look_again(out: Path, served: Callable[[list[str]], Served]) -> None:
    """They are asked about the labels in doubt, the first of which they now find wrong."""
    before = read(out / "labels.csv")
    with (out / "run/check.csv").open(encoding="utf-8-sig", newline="") as file:
        doubtful = list(csv.DictReader(file))
    checking = served([*LABELLOOP, "check", str(out), "--port", "0"])
    person = Person(checking, "Ann")
    lines = [int(one["line"]) - 1 for one in doubtful]
    (first, *_) = lines
    wrong = CLASSES[1 - CLASSES.index(before[first][4])]
    seen: set[int] = set()
    while len(seen) < len(lines):
        for task in person.post("/api/tasks/next", {"count": 5})["tasks"]:
            assert set(task) & {"label", "guess", "line"} <= {"guess"}
            assert task.get("guess") is None, "they do not see the label that is there"
            (line,) = [number for number in lines if before[number][1] == task["text"]]
            label = wrong if line == first else before[line][4]
            person.post(f"/api/tasks/{task['id']}/answer", {"label": CLASSES.index(label), "seconds": 1})
            seen.add(line)
    told = checking.finish(person)
    person.http.close()
    for labeler, looked_at in Counter(before[line][5] for line in lines).items():
        changed = int(labeler == before[first][5])
        by = "the model" if labeler == "model" else labeler
        labels = "1 label" if looked_at == 1 else f"{looked_at} labels"
        assert f"Of {labels} by {by}, people changed {changed}." in told
    after = read(out / "labels.csv")
    for number, (old, new) in enumerate(zip(before, after, strict=True)):
        if number not in seen:
            assert new == old
        else:
            assert new[:4] == old[:4]
            assert new[4:6] == [wrong if number == first else old[4], "checked"]
            assert new[7] == old[7], "the round is that of the label they looked at"
    again = run_labelloop("check", out)
    assert again.returncode == 0, again.stderr
    assert "people changed 1" in again.stdout


def fill_in(path: Path, known: dict[str, str], *, but: int = 0) -> None:
    """As a spreadsheet would save it: all rows of a batch answered, but the first so many."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        delimiter = ";" if ";" in file.readline() else ","
        file.seek(0)
        header, *rows = csv.reader(file, delimiter=delimiter)
    label, text = header.index("label"), header.index("text")
    for row in rows[but:]:
        row[label] = known[row[text]]
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file, delimiter=";").writerows([header, *rows])


def test_people_with_a_spreadsheet_label_a_batch_at_a_time(tmp_path: Path, application: Path) -> None:
    source = tmp_path / "texts.csv"
    rows = write_rows(source, 300)
    known = {row[1]: row[2] for row in rows}
    write_rows(source, 300, known=lambda number: number < 6)
    arguments = arguments_for(source, application, "--people", "file", "--batch-size", "60", "--seed", "1")

    def go_on() -> subprocess.CompletedProcess[str]:
        return run_labelloop(*arguments)

    first = go_on()
    assert first.returncode == 0, first.stderr
    (batch,) = (tmp_path / "out").glob("to-label-*.csv")
    assert f"to {batch}. In its column “label”, write one of" in first.stdout
    assert "6 of 300 rows have a label" in first.stdout
    again = go_on()
    assert "have none yet" in again.stdout, "the same command says what is missing"
    fill_in(batch, known, but=3)
    partly = go_on()
    assert partly.returncode == 0, partly.stderr
    assert "3 rows have none yet" in partly.stdout
    wrong = batch.read_text(encoding="utf-8-sig").replace(";metal", ";mettle", 1)
    batch.write_text(wrong, encoding="utf-8-sig")
    refused = go_on()
    assert (refused.returncode, "'mettle' is not one of the classes" in refused.stderr) == (2, True)
    seen = set[Path]()
    while new := set((tmp_path / "out").glob("to-label-*.csv")) - seen:
        for path in new:
            fill_in(path, known)
        seen |= new
        done = go_on()
        assert done.returncode == 0, done.stderr
    assert "Certificate: " in done.stdout
    assert len(seen) > 1
    labeled = read(tmp_path / "out/labels.csv")
    assert [row[1] for row in labeled] == [row[1] for row in rows]
    by = Counter(row[5] for row in labeled)
    assert by["model"] > 100
    assert (by["given"], by[""]) == (6, 0)
    assert all(row[4] == known[row[1]] for row in labeled if row[5] == "people")
    repeated = sum(
        one["repeated_answers"]
        for one in json.loads((tmp_path / "out/run/report.json").read_bytes())["rounds"]
    )
    asked = asked_about(tmp_path)
    assert len(asked) - len(set(asked)) == repeated, "nobody is asked twice"
