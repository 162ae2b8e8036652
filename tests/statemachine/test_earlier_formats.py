"""Runs begun by earlier versions of labelloop go on with this one.

`tests/fixtures/format_1/run.tar.xz` is the S3 folder of a whole run of the first format, without its models
and training channels: 240 objects, simulated people who err and stay silent, a test over three rounds.
"""

import json
import shutil
import tarfile
from pathlib import Path

import pytest

from labelloop.core.ledger import Ledger, State
from labelloop.core.records import Report, RoundRecord
from labelloop.workflow.run_files import RunFiles
from labelloop.workflow.run_state import RunState

from .conftest import Loop

pytestmark = pytest.mark.slow

FIXTURE = Path(__file__).parents[1] / "fixtures" / "format_1" / "run.tar.xz"
BEGUN = "bucket/out/begun-by-format-1"


def put_back_to(loop: Loop, round_number: int, folder: str) -> None:
    """The fixture, as if its run had been interrupted after it wrote a snapshot."""
    run = loop.s3 / BEGUN
    shutil.rmtree(run / "output")
    for later in run.glob("round-*"):
        number = int(later.name.removeprefix("round-"))
        if number > round_number:
            shutil.rmtree(later)
    if folder == "selected":
        shutil.rmtree(run / f"round-{round_number:03d}" / "labeling")
        shutil.rmtree(run / f"round-{round_number:03d}" / "merged")


@pytest.mark.parametrize(
    ("round_number", "folder"),
    [
        (1, "merged"),
        (2, "merged"),  # people disagree on a spot check
        (3, "selected"),
        (4, "selected"),  # a test has begun
        (4, "merged"),  # it goes on, and people disagree
        (6, "merged"),  # it has passed
    ],
)
def test_a_run_of_format_1_goes_on_and_keeps_all_that_it_had(
    loop: Loop, round_number: int, folder: str
) -> None:
    """What comes next is decided by this version's rules, so the rounds to come may differ."""
    with tarfile.open(FIXTURE) as fixture:
        fixture.extractall(loop.s3.parent, filter="data")
    begun = loop.s3 / BEGUN
    before = [json.loads(line) for line in (begun / "output/output.manifest").read_bytes().splitlines()]
    rounds_before = json.loads((begun / "output/report.json").read_bytes())["rounds"]
    put_back_to(loop, round_number, folder)
    snapshot = json.loads((begun / f"round-{round_number:03d}" / folder / "state.json").read_bytes())
    assert "Format" not in snapshot
    assert "Looks" in snapshot
    loop.request = snapshot["Request"]
    loop.settings(ResumeFromS3Uri="s3://bucket/out/begun-by-format-1/")
    outcome = loop.run(name="ended-by-this-version")
    ledger = Ledger.from_bytes((loop.s3 / snapshot["LedgerS3Uri"].removeprefix("s3://")).read_bytes())
    known = ledger.ids(State.HUMAN, State.VALIDATION, State.AUTO)
    after = outcome.lines()
    assert [after[number]["category"] for number in known] == [before[number]["category"] for number in known]
    assert len(known) >= 20
    assert [line["source"] for line in after] == [line["source"] for line in before]
    assert all("category" in line or "category-metadata" in line for line in after), "nothing is left open"
    report = Report.read(outcome.report())
    done = round_number if folder == "merged" else round_number - 1
    assert [record.counts.pool for record in report.rounds[:done]] == [
        record["counts"]["pool"] for record in rounds_before[:done]
    ]
    assert report.evidence is not None, "the earlier rounds' predictions are read too"
    assert RunState.model_validate(
        json.loads((outcome.s3 / "bucket/out/ended-by-this-version/prepared/state.json").read_bytes())
    ).earlier_prefixes == ["s3://bucket/out/begun-by-format-1/"]


def test_every_document_of_format_1_is_read_and_says_the_same(tmp_path: Path) -> None:
    with tarfile.open(FIXTURE) as fixture:
        fixture.extractall(tmp_path, filter="data")
    run = tmp_path / "s3" / BEGUN
    for path in run.glob("round-*/merged/round.json"):
        document = json.loads(path.read_bytes())
        assert RoundRecord.read(document).as_document() == document
    document = json.loads((run / "output/report.json").read_bytes())
    assert Report.read(document).as_document() == document
    states = sorted(run.glob("**/state.json"))
    assert len(states) == 15
    for path in states:
        state = RunState.model_validate(json.loads(path.read_bytes()))
        assert state.format == RunState.FORMAT
        assert state.files == RunFiles("s3://bucket/out/begun-by-format-1/")
        again = json.loads(json.dumps(state.as_document()))
        assert RunState.model_validate(again) == state


def test_a_document_of_a_later_format_is_refused_with_what_to_do(loop: Loop) -> None:
    with tarfile.open(FIXTURE) as fixture:
        fixture.extractall(loop.s3.parent, filter="data")
    put_back_to(loop, 1, "merged")
    path = loop.s3 / BEGUN / "round-001/merged/state.json"
    state = {**json.loads(path.read_bytes()), "Format": RunState.FORMAT + 1}
    path.write_text(json.dumps(state))
    loop.request = state["Request"]
    loop.settings(ResumeFromS3Uri="s3://bucket/out/begun-by-format-1/")
    execution = loop.run(name="ended-by-this-version").execution
    assert execution.status == "FAILED"
    assert "deploy the version that wrote it, or a newer one" in (execution.cause or "")
