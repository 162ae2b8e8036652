"""`make invoke` fails when a handler raises, where SAM itself ends well. SAM is a stand-in here."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def invoke(tmp_path: Path, answer: str, *functions: str) -> "subprocess.CompletedProcess[str]":
    sam = tmp_path / "sam"
    sam.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/told\n{answer}\n')
    sam.chmod(0o755)
    return subprocess.run(
        [ROOT / "tools/sam/invoke", sam, "http://172.17.0.1:1", *functions],
        capture_output=True,
        text=True,
        check=False,
        env=dict(os.environ),
    )


def test_each_function_is_invoked_on_its_event_against_the_stand_ins(tmp_path: Path) -> None:
    done = invoke(tmp_path, "echo '{\"ok\": 1}'", "AutoLabel", "PrepareManifest")
    assert (done.returncode, done.stdout) == (0, '{"ok": 1}\n{"ok": 1}\n')
    endpoint = "--parameter-overrides ParameterKey=AwsEndpointUrl,ParameterValue=http://172.17.0.1:1"
    assert (tmp_path / "told").read_text().splitlines() == [
        f"local invoke AutoLabel --event events/auto_label.json {endpoint}",
        f"local invoke PrepareManifest --event events/prepare_manifest.json {endpoint}",
    ]


def test_without_a_name_every_function_with_an_event_is_invoked(tmp_path: Path) -> None:
    assert invoke(tmp_path, "echo '{\"ok\": 1}'").returncode == 0
    told = (tmp_path / "told").read_text().splitlines()
    events = sorted(path.name for path in (ROOT / "events").glob("*.json"))
    assert [line.split()[4] for line in told] == [f"events/{name}" for name in events]
    assert all((ROOT / line.split()[4]).is_file() for line in told)


@pytest.mark.parametrize(
    "answer",
    ['echo \'{"errorMessage": "no", "errorType": "X"}\'', "exit 1", "true"],
    ids=["error", "sam", "silence"],
)
def test_an_error_of_one_function_fails_them_all_and_the_rest_is_tried(tmp_path: Path, answer: str) -> None:
    done = invoke(tmp_path, answer, "AutoLabel", "MergeLabels")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "Failed: AutoLabel MergeLabels"


@pytest.mark.parametrize("more", [[], ["", "AutoLabel"]])
def test_without_stand_ins_it_says_how_to_start_them(more: list[str]) -> None:
    command = [str(ROOT / "tools/sam/invoke"), "false", *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "make local-aws" in done.stderr


def test_a_step_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    done = invoke(tmp_path, "echo '{\"ok\": 1}'", "AutoLable")
    assert done.returncode == 2
    assert "no sample event for AutoLable (events/auto_lable.json)" in done.stderr
    assert "AutoLabel CollectLabels" in done.stderr
    assert not (tmp_path / "told").exists()
