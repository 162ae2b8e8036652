"""Trying again until it passes: whatever is changed on resuming, all tests together take what one run may."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from labelloop.core.randomness import SECRET_SEED
from tests.words import TOO_STRICT

from .conftest import Loop, Outcome

pytestmark = pytest.mark.slow


def begun(loop: Loop) -> list[dict[str, Any]]:
    """The tests of all executions that go on from run-1."""
    folder = loop.s3 / "bucket/out/run-1/round-000/auto-labels/tests"
    return [json.loads(path.read_bytes()) for path in sorted(folder.glob("*.json"))]


def state_of(loop: Loop, name: str) -> dict[str, Any]:
    state: dict[str, Any] = json.loads((loop.s3 / f"bucket/out/{name}/prepared/state.json").read_bytes())
    return state


def put_back_before_its_test(loop: Loop) -> None:
    """As if run-1 had been stopped just before it began a test."""
    run = loop.s3 / "bucket/out/run-1"
    first = begun(loop)[0]["Round"]
    shutil.rmtree(run / "output")
    for later in run.glob("round-*"):
        if int(later.name.removeprefix("round-")) >= first or later.name == "round-000":
            shutil.rmtree(later)


def stopped_before_its_test(loop: Loop) -> None:
    loop.data(300, clean=False)
    loop.settings(TargetError=0.2, BatchSize=0.1)
    del loop.request["ActiveLearning"]["Seed"]
    assert loop.run().execution.status == "SUCCEEDED"
    put_back_before_its_test(loop)
    loop.settings(ResumeFromS3Uri="s3://bucket/out/run-1/")


def test_a_run_draws_a_secret_seed_and_tells_it_only_at_its_end(loop: Loop) -> None:
    loop.data(300, clean=False)
    loop.settings(TargetError=0.2, BatchSize=0.1)
    del loop.request["ActiveLearning"]["Seed"]
    outcome = loop.run()
    seed = outcome.output["Seed"]
    assert SECRET_SEED.fullmatch(seed)
    report = outcome.report()
    assert (report["seed"], report["seed_was_secret"]) == (seed, True)
    assert seed in outcome.read("ReportHtmlS3Uri").decode()
    told = {path.relative_to(loop.s3).parts[3:] for path in _files_with(loop.s3, seed)}
    assert {parts[-1] for parts in told} == {"state.json", "report.json", "report.html"}
    assert not any("labeling" in parts or "training" in parts for parts in told)
    other = loop.run(name="run-2")
    assert other.output["Seed"] != seed
    assert _selected(loop, "run-1", 1) != _selected(loop, "run-2", 1), "its draws cannot be known before"
    loop.settings(Seed=seed)
    again = loop.run(name="run-3")
    assert again.lines() == _renamed(outcome.lines(), again), "once told, it repeats the run"
    assert not again.report().get("seed_was_secret")


def _files_with(root: Path, text: str) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


def _selected(loop: Loop, name: str, number: int) -> bytes:
    path = loop.s3 / f"bucket/out/{name}/round-{number:03d}/selected/selection.manifest"
    return path.read_bytes()


def _renamed(lines: list[dict[str, Any]], other: Outcome) -> list[dict[str, Any]]:
    """With the names and times of another run."""
    return [
        {**line, "category-metadata": theirs["category-metadata"]}
        for line, theirs in zip(lines, other.lines(), strict=True)
    ]


def test_however_often_one_tries_again_the_tests_share_what_one_run_may_spend(loop: Loop) -> None:
    stopped_before_its_test(loop)
    confidences = (0.9, 0.5, 0.95, 0.9)
    for number, confidence in enumerate(confidences, 2):
        loop.settings(Confidence=confidence, TargetError=0.2 + number / 100)
        outcome = loop.run(name=f"run-{number}")
        certificate = outcome.output.get("Certificate")
        spent = sum(test["Level"] for test in begun(loop))
        if certificate is not None:
            assert spent <= 1 - confidence + 1e-9
            lineage = certificate["Lineage"]
            assert lineage["Executions"] == number
            assert lineage["Tests"] == len(begun(loop))
            assert lineage["ChanceSpent"] == pytest.approx(spent)
    levels = {test["ExecutionName"]: test["Level"] for test in begun(loop)}
    assert levels["run-2"] == pytest.approx(0.09)
    assert levels["run-3"] == pytest.approx(0.9 * (0.5 - 0.09)), "what is spent is subtracted, not scaled"
    assert "run-4" not in levels, "of 5 % nothing is left"
    assert "run-5" not in levels
    report = outcome.report()
    assert report["certificate"] is None
    assert "have used up the allowed chance" in report["no_certificate_because"]
    seeds = [state_of(loop, f"run-{number}")["SecretSeed"] for number in range(1, 6)]
    assert len(set(seeds[1:])) == 4, "the draws of the others have been seen"


def test_two_executions_at_once_do_not_take_the_same_chance(loop: Loop) -> None:
    stopped_before_its_test(loop)
    aws = loop.aws()
    arns = [aws.start_execution("ActiveLearningLoop", name, loop.request) for name in ("run-2", "run-3")]
    assert [aws.wait(arn, seconds=300).status for arn in arns] == ["SUCCEEDED"] * 2
    levels = [test["Level"] for test in begun(loop)]
    assert levels[0] == pytest.approx(0.09)
    assert sum(levels) <= 0.1 + 1e-9
    assert state_of(loop, "run-2")["SecretSeed"] != state_of(loop, "run-3")["SecretSeed"]


def test_the_same_test_again_takes_nothing_more(loop: Loop) -> None:
    loop.data(300, clean=False)
    loop.settings(TargetError=0.2, BatchSize=0.1, Seed=3)
    first = [line["category"] for line in loop.run().lines()]
    (test,) = begun(loop)
    run = loop.s3 / "bucket/out/run-1"
    shutil.rmtree(run / "output")
    for later in run.glob("round-*"):
        if int(later.name.removeprefix("round-")) >= test["Round"]:
            shutil.rmtree(later)
    loop.settings(ResumeFromS3Uri="s3://bucket/out/run-1/")
    again = loop.run(loop.aws(), name="run-2")
    assert begun(loop) == [test]
    assert [line["category"] for line in again.lines()] == first


def test_what_a_test_began_with_stays_while_it_is_under_way(loop: Loop) -> None:
    loop.data(300, clean=False)
    loop.settings(TargetError=0.2, BatchSize=0.1)
    assert loop.run().execution.status == "SUCCEEDED"
    (test,) = begun(loop)
    run = loop.s3 / "bucket/out/run-1"
    shutil.rmtree(run / "output")
    for later in run.glob("round-*"):
        if int(later.name.removeprefix("round-")) > test["Round"]:
            shutil.rmtree(later)
    for name in ("labeling", "merged"):
        shutil.rmtree(run / f"round-{test['Round']:03d}" / name)
    loop.settings(ResumeFromS3Uri="s3://bucket/out/run-1/")
    changes: list[dict[str, Any]] = [{"Confidence": 0.5}, {"TargetError": TOO_STRICT}, {"Seed": 1}]
    for number, changed in enumerate(changes, 2):
        before = dict(loop.request["ActiveLearning"])
        loop.settings(**changed)
        cause = loop.run(loop.aws(), name=f"run-{number}").execution.cause or ""
        (name,) = changed
        assert f"ActiveLearning.{name}" in cause
        loop.request["ActiveLearning"] = before
    assert loop.run(loop.aws(), name="run-9").execution.status == "SUCCEEDED"
