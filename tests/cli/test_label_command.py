"""`labelloop label`: a manifest labeled in the browser, without a loop."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from labelloop.cli.main import app

from .workbench_process import Person, Served

LINES = [
    b'{"source": "iron and tin", "big": 12345678901234567890}',
    b'{"source": "elbe", "category": 1, "category-metadata": {"human-annotated": "yes"}}',
    b'{"source": "<script>alert(1)</script>"}',
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in.manifest").write_bytes(b"\n".join(LINES) + b"\n")
    (tmp_path / "classes.json").write_text('{"labels": [{"label": "metal"}, {"label": "river"}]}')
    return tmp_path


def served(folder: Path) -> Served:
    return Served(
        [
            *(sys.executable, "-m", "labelloop.cli.main", "label", "--port", "0"),
            *("--manifest", str(folder / "in.manifest"), "--classes", str(folder / "classes.json")),
            *("--out", str(folder / "out")),
        ]
    )


@pytest.fixture
def first(folder: Path) -> Iterator[Served]:
    process = served(folder)
    yield process
    process.kill()


@pytest.mark.slow
def test_what_has_no_label_is_asked_and_the_lines_stay_the_users(folder: Path, first: Served) -> None:
    ann = Person(first, "Ann")
    (one, other) = ann.post("/api/tasks/next", {"count": 5})["tasks"]
    ann.post(f"/api/tasks/{one['id']}/answer", {"label": 0})
    first.kill()
    second = served(folder)
    try:
        again = Person(second, "Ann")
        (left,) = again.post("/api/tasks/next", {"count": 5})["tasks"]
        assert left["id"] == other["id"], "what is answered stays so"
        again.post(f"/api/tasks/{left['id']}/skip", {"reason": "no headline"})
        assert "All is labeled" in second.finish()
    finally:
        second.kill()
        for person in (ann, again):
            person.http.close()
    lines = (folder / "out/output.manifest").read_bytes().splitlines()
    assert lines[1] == LINES[1]
    assert sum(line.startswith(given[:-1]) for line, given in zip(lines, LINES, strict=True)) >= 2
    labeled = [json.loads(line) for line in lines]
    assert sorted(line.get("category", -1) for line in labeled) == [-1, 0, 1]
    failed = next(line for line in labeled if "category" not in line)
    assert failed["category-metadata"]["failure-reason"] == "skipped: no headline"
    assert all("labelloop-id" not in line for line in labeled)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "--demo"),
        (["--manifest", "missing", "--classes", "classes.json"], "there is no file missing"),
        (["--manifest", "broken", "--classes", "classes.json"], "line 1"),
        (["--manifest", "in.manifest", "--classes", "in.manifest"], "label category file"),
    ],
)
def test_bad_input_gets_one_clear_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    monkeypatch.chdir(folder)
    (folder / "broken").write_text("{")
    refused = CliRunner().invoke(app, ["label", *arguments])
    assert refused.exit_code == 2
    assert says in refused.output
