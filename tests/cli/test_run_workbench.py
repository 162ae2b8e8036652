"""`labelloop run --people workbench` as people use it: processes, HTTP, and `kill -9` at random."""

import contextlib
import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from labelloop.preparation import LabeledText, PreparationOptions, prepare_dataset

from .workbench_process import Person, Served

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow
WORDS = {"metal": ["iron", "tin", "zinc"], "river": ["elbe", "volga", "tiber"]}
CLASSES = sorted(WORDS)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rng = random.Random(0)
    rows = []
    for number in range(120):
        label = rng.choice(CLASSES)
        rows.append(LabeledText(text=f"{number} " + " ".join(rng.choices(WORDS[label], k=4)), label=label))
    options = PreparationOptions(label_attribute="category", labeled_share=0.0)
    prepare_dataset(rows, tmp_path / "data", options)
    return tmp_path / "data"


@pytest.fixture
def start(data: Path) -> Iterator[Callable[..., Served]]:
    """Starts runs; none of them outlives the test."""
    runs: list[Served] = []

    def start_one(*more: str) -> Served:
        command = [
            *(sys.executable, "-m", "labelloop.cli.main", "run", "--people", "workbench", "--port", "0"),
            *("--request", str(data / "request.json"), "--s3-root", str(data / "s3")),
            *("--out", str(data / "run"), "--model-container", str(ROOT / "tests/local/stand_in_container")),
        ]
        runs.append(Served([*command, *more]))
        return runs[-1]

    yield start_one
    for run in runs:
        run.kill()


def label(person: Person, most: int = 10_000) -> Iterator[str]:
    """Answer, knowing the truth, as long as there is something to; gives each text once it is accepted."""
    done = 0
    while done < most:
        tasks = person.post("/api/tasks/next", {"count": 5})["tasks"]
        for task in tasks[: most - done]:
            answer = CLASSES.index("metal" if task["text"].split()[1] in WORDS["metal"] else "river")
            person.post(f"/api/tasks/{task['id']}/answer", {"label": answer, "seconds": 1})
            done += 1
            yield task["text"]
        if not tasks:
            time.sleep(0.1)


def test_a_run_killed_at_random_goes_on_and_nobody_labels_anything_twice(
    data: Path, start: Callable[..., Served]
) -> None:
    answered: Counter[str] = Counter()
    rng = random.Random(1)
    run, cookies = start(), None
    for _ in range(3):
        person = Person(run, "Ann", cookies)
        answered.update(label(person, rng.randrange(5, 30)))
        cookies = person.http.cookies
        person.http.close()
        run.kill()
        run = start("--resume")
    person = Person(run, "Ann", cookies)
    with contextlib.suppress(httpx.TransportError):  # The run ends, and its workbench with it.
        answered.update(label(person))
    told = run.finish(person)
    person.http.close()
    assert "people are labeling in the workbench" in run.output + told
    assert "wrong, compared with the truth" not in told, "nobody knows the truth"
    assert set(answered.values()) == {1}
    lines = [json.loads(line) for line in (data / "run/output.manifest").read_bytes().splitlines()]
    human = [line for line in lines if line["category-metadata"]["human-annotated"] == "yes"]
    assert {line["source"] for line in human} == set(answered)
    right = [line["source"].split()[1] in WORDS[line["category-metadata"]["class-name"]] for line in human]
    assert all(right)
    report = json.loads((data / "run/report.json").read_bytes())
    assert report["counts"]["human"] == len(human) > 60
    assert sum(report["counts"][name] for name in ("human", "auto", "failed", "unlabeled")) == 120


def test_without_people_or_truth_it_says_what_is_missing(data: Path) -> None:
    command = [
        *(sys.executable, "-m", "labelloop.cli.main", "run", "--request", str(data / "request.json")),
        *("--s3-root", str(data / "s3"), "--out", str(data / "run")),
    ]
    refused = subprocess.run(command, capture_output=True, text=True)
    assert refused.returncode == 2
    assert "--truth" in refused.stderr
    assert "--people workbench" in refused.stderr
