"""`labelloop.label` with people at the workbench, and with models that are containers."""

import sys
import time
from pathlib import Path

import httpx
import pandas as pd
import pytest

import labelloop
from tests.cli.workbench_process import Person, Served
from tests.frames.conftest import CLASSES, Headlines

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys
import pandas as pd
import labelloop

labeled = labelloop.label(
    pd.read_csv(sys.argv[1]), text="title", classes=["health", "sports"], people="workbench", port=0,
    out=sys.argv[2], model="quick", target_error=0.3, batch_size=30, seed=0,
)
labeled.frame.to_csv(sys.argv[3])
"""


def test_people_label_at_the_workbench_and_the_same_call_goes_on_after_a_kill(
    headlines: Headlines, tmp_path: Path
) -> None:
    headlines.frame[:80].to_csv(tmp_path / "in.csv")
    done = tmp_path / "labeled.csv"
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "in.csv"), str(tmp_path / "out"), str(done)]
    first = Served(command)
    ann = Person(first, "Ann")
    before = list[str]()
    while not before:
        before = answer_some(ann, headlines)
    first.kill()
    second = Served(command)
    bob = Person(second, "Bob")
    answered = list[str]()
    try:
        until = time.monotonic() + 200
        while not done.exists():
            assert time.monotonic() < until, "the run does not end"
            answered += answer_some(bob, headlines)
        second.finish(bob)
    finally:
        second.kill()
        for person in (ann, bob):
            person.http.close()
    assert before
    assert not set(before) & set(answered), "what is answered stays so"
    labeled = pd.read_csv(done)
    assert labeled["label"].notna().all()
    by_people = labeled[labeled["labeled_by"] == "people"]
    assert (by_people["label"] == by_people["category"]).all()


def answer_some(person: Person, headlines: Headlines) -> list[str]:
    """Nothing while no batch is open."""
    try:
        tasks = person.post("/api/tasks/next", {"count": 3})["tasks"]
        for task in tasks:
            label = CLASSES.index(headlines.truth[task["text"]])
            person.post(f"/api/tasks/{task['id']}/answer", {"label": label})
    except httpx.HTTPError:
        return []
    return [task["text"] for task in tasks]


def test_a_container_that_fails_says_why(headlines: Headlines, tmp_path: Path) -> None:
    for program in ("train", "serve"):
        path = tmp_path / "container" / program
        path.parent.mkdir(exist_ok=True)
        path.write_text("#!/bin/sh\necho out of order >&2; exit 1\n")
        path.chmod(0o755)
    with pytest.raises(labelloop.ModelFailedError, match="out of order"):
        labelloop.label(
            headlines.frame,
            text="title",
            classes=CLASSES,
            people=headlines.ask,
            model=tmp_path / "container",
        )


def test_a_container_of_your_own_is_the_model(headlines: Headlines, tmp_path: Path) -> None:
    labeled = labelloop.label(
        headlines.frame,
        text="title",
        classes=CLASSES,
        people=headlines.ask,
        model=ROOT / "tests/local/stand_in_container",
        budget=60,
        out=tmp_path / "out",
    )
    assert labeled.report.rounds[-1].trained
    assert (tmp_path / "out/predictions").is_dir()
    assert (tmp_path / "out/logs/container.log").is_file()
