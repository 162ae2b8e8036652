"""`labelloop label`: a manifest labeled in the browser, without a loop."""

import json
import re
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


def served(folder: Path, *more: str) -> Served:
    return label_process(
        *("--manifest", str(folder / "in.manifest"), "--classes", str(folder / "classes.json")),
        *("--out", str(folder / "out")),
        *more,
    )


def label_process(*arguments: str) -> Served:
    return Served([sys.executable, "-m", "labelloop.cli.main", "label", "--port", "0", *arguments])


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
        told = second.finish(again)
        assert "Everything is labeled" not in told
        assert "2 of 3 objects are labeled" in told
        assert "Skipped: 1; the output has the reason, as failure-reason." in told
        assert "Not fully answered" not in told
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


@pytest.mark.slow
def test_answers_never_go_to_another_manifest(folder: Path, first: Served) -> None:
    ann = Person(first, "Ann")
    for task in ann.post("/api/tasks/next", {"count": 5})["tasks"]:
        ann.post(f"/api/tasks/{task['id']}/answer", {"label": 0})
    assert "Everything is labeled" in first.finish(ann)
    ann.http.close()
    labeled = (folder / "out/output.manifest").read_bytes()
    same = ["label", "--manifest", str(folder / "in.manifest"), "--classes", str(folder / "classes.json")]
    other = folder / "other.manifest"
    other.write_bytes(b"\n".join([*LINES, b'{"source": "one more"}']) + b"\n")
    for arguments, named in (
        ([*same[:2], str(other), *same[3:]], "--manifest differs"),
        (
            [*same, "--title", "Another question", "--people-per-object", "2"],
            "--title, --people-per-object differ",
        ),
    ):
        refused = CliRunner().invoke(app, [*arguments, "--out", str(folder / "out")])
        assert refused.exit_code == 2
        assert named in refused.output.replace("\n", " ")
    assert (folder / "out/output.manifest").read_bytes() == labeled
    refused = CliRunner().invoke(app, [*same, "--out", str(other)])
    assert (refused.exit_code, "is a file" in refused.output.replace("\n", " ")) == (2, True)
    again = CliRunner().invoke(app, [*same, "--out", str(folder / "out")])
    assert (again.exit_code, "Everything is labeled" in again.output) == (0, True)


@pytest.mark.slow
def test_the_page_of_the_run_tells_of_the_batch_and_closes_it_early(folder: Path, first: Served) -> None:
    ann = Person(first, "Ann")
    (one, _) = ann.post("/api/tasks/next", {"count": 5})["tasks"]
    ann.post(f"/api/tasks/{one['id']}/skip", {"reason": "in Finnish"})
    page = ann.http.get("/run").text
    for untrue in ("There is nothing to label now", "Nobody has answered yet", "No object was skipped"):
        assert untrue not in page
    for true in (">Ann<", "in Finnish", 'data-action="pause"', 'data-action="close"'):
        assert true in page
    assert ann.post("/api/batch/label/pause", {}) == {"state": "paused"}
    assert ann.post("/api/batch/label/resume", {}) == {"state": "open"}
    assert ann.post("/api/batch/label/close", {}) == {"state": "closed"}
    told = first.finish(ann)
    ann.http.close()
    assert "1 of 3 objects are labeled" in told
    assert "Skipped: 1; the output has the reason, as failure-reason." in told
    assert "Not fully answered: 1." in told


@pytest.mark.slow
@pytest.mark.parametrize("from_demo", [False, True])
def test_the_way_told_asks_about_what_is_not_labeled_and_nothing_else(folder: Path, from_demo: bool) -> None:
    data = [] if from_demo else ["--manifest", str(folder / "in.manifest")]
    data += ["--demo"] if from_demo else ["--classes", str(folder / "classes.json")]
    process = label_process(*data, "--out", str(folder / "out"))
    try:
        ann = Person(process, "Ann")
        (one, other) = ann.post("/api/tasks/next", {"count": 2})["tasks"]
        ann.post(f"/api/tasks/{one['id']}/answer", {"label": 0})
        ann.post(f"/api/tasks/{other['id']}/skip", {"reason": "unclear"})
        ann.post("/api/batch/label/close", {})
        told = process.finish(ann)
        ann.http.close()
    finally:
        process.kill()
    assert ("in place of --demo" in told) == from_demo
    way = re.search(r"the same command with another --out and (--manifest \S+ --classes \S+)", told)
    assert way, told
    label_process(*way[1].split(), "--out", str(folder / "again")).kill()
    selected = (folder / "again/selection.manifest").read_bytes().splitlines()
    asked = {json.loads(line)["source"] for line in selected}
    assert (len(selected), other["text"] in asked) == (99 if from_demo else 1, True)
    assert one["text"] not in asked


@pytest.mark.slow
def test_images_are_shown_out_of_the_folder_that_stands_for_s3(folder: Path) -> None:
    image = b"\x89PNG\r\n\x1a\n and so on"
    (folder / "s3/bucket").mkdir(parents=True)
    (folder / "s3/bucket/one.png").write_bytes(image)
    (folder / "in.manifest").write_text('{"source-ref": "s3://bucket/one.png"}\n')
    process = served(folder, "--s3-root", str(folder / "s3"))
    try:
        ann = Person(process, "Ann")
        (task,) = ann.post("/api/tasks/next", {"count": 5})["tasks"]
        shown = ann.http.get(task["image_url"])
        assert (shown.content, shown.headers["content-type"]) == (image, "image/png")
        assert ann.http.get(task["image_url"].replace("one.png", "two.png")).status_code == 403
        batch = ann.http.get("/api/run").json()
        assert (batch["batch"]["state"], batch["progress"]["total"]) == ("open", 1)
        ann.http.close()
    finally:
        process.kill()


@pytest.mark.parametrize(
    ("reference", "more", "says"),
    [
        ("s3://bucket/one.png", [], "set --s3-root"),
        ("s3://bucket/one.png", ["--s3-root", "s3"], "there is no file for s3://bucket/one.png"),
        ("s3://../in.manifest", ["--s3-root", "s3"], "there is no file for s3://../in.manifest"),
        ("s3://bucket/\0.png", ["--s3-root", "s3"], "there is no file for"),
        (f"s3://bucket/{'x' * 300}.png", ["--s3-root", "s3"], "there is no file for"),
    ],
)
def test_an_image_that_cannot_be_shown_is_told_before_anybody_labels(
    folder: Path, monkeypatch: pytest.MonkeyPatch, reference: str, more: list[str], says: str
) -> None:
    monkeypatch.chdir(folder)
    Path("images.manifest").write_text(json.dumps({"source-ref": reference}) + "\n")
    arguments = ["--manifest", "images.manifest", "--classes", "classes.json", *more]
    refused = CliRunner().invoke(app, ["label", *arguments])
    assert refused.exit_code == 2
    assert says in " ".join(refused.output.split())


def test_all_images_that_people_could_not_see_are_listed_at_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    bucket = Path("s3/bucket")
    bucket.mkdir(parents=True)
    (bucket / "good.png").write_bytes(b"\x89PNG")
    (bucket / "empty.png").touch()
    (bucket / "scan.tiff").write_bytes(b"II*")
    names = ["good.png", "gone.png", "empty.png", "scan.tiff"]
    lines = [json.dumps({"source-ref": f"s3://bucket/{name}"}) for name in names]
    Path("images.manifest").write_text("\n".join(lines) + "\n")
    given = ["--manifest", "images.manifest", "--classes", "classes.json", "--s3-root", "s3"]
    refused = CliRunner().invoke(app, ["label", *given])
    told = " ".join(refused.output.split())
    assert refused.exit_code == 2
    for problem in (
        "3 images cannot be shown",
        "there is no file for s3://bucket/gone.png",
        "the file for s3://bucket/empty.png is empty",
        "s3://bucket/scan.tiff is image/tiff, but browsers show image/png",
    ):
        assert problem in told
    assert "good.png" not in told


@pytest.mark.parametrize(
    "unreachable", ["192.0.2.1", "no such host"], ids=["of another machine", "no host at all"]
)
def test_a_start_without_an_address_leaves_the_folder_to_others(folder: Path, unreachable: str) -> None:
    given = ["--manifest", str(folder / "in.manifest"), "--classes", str(folder / "classes.json")]
    arguments = ["label", *given, "--out", str(folder / "out")]
    refused = CliRunner().invoke(app, [*arguments, "--host", unreachable])
    assert refused.exit_code == 2
    assert "use an address of this machine for --host" in " ".join(refused.output.split())
    (folder / "in.manifest").write_bytes(LINES[1] + b"\n")
    assert CliRunner().invoke(app, arguments).exit_code == 0, "it is nobody's yet"


@pytest.mark.slow
def test_what_people_disagree_about_is_told_at_the_end(folder: Path) -> None:
    process = served(folder, "--people-per-object", "2")
    people = [Person(process, name) for name in ("Ann", "Ben")]
    try:
        for label, person in enumerate(people):
            for task in person.post("/api/tasks/next", {"count": 5})["tasks"]:
                person.post(
                    f"/api/tasks/{task['id']}/answer", {"label": label if "iron" in task["text"] else 0}
                )
        told = process.finish(*people)
    finally:
        process.kill()
        for person in people:
            person.http.close()
    assert "Everything is labeled" in told
    assert "People disagreed about 1 object:" in told
    first = json.loads((folder / "out/output.manifest").read_bytes().splitlines()[0])
    assert 0.5 <= first["category-metadata"]["confidence"] < 0.99


@pytest.mark.slow
def test_an_owner_decides_what_people_disagree_about_before_it_ends(folder: Path) -> None:
    process = served(folder, "--people-per-object", "2")
    process.kill()
    process = served(folder, "--people-per-object", "2", "--adjudicate")
    people = [Person(process, name) for name in ("Ann", "Ben")]
    try:
        for label, person in enumerate(people):
            for task in person.post("/api/tasks/next", {"count": 5})["tasks"]:
                answer = {"label": label if "iron" in task["text"] else 0}
                person.post(f"/api/tasks/{task['id']}/answer", answer)
        page = people[0].http.get("/disagreements").text
        [disputed] = re.findall(r'data-task="([^"]*)"', page)
        people[0].post(f"/api/tasks/{disputed}/decide", {"label": 1})
        told = process.finish(*people)
    finally:
        process.kill()
        for person in people:
            person.http.close()
    assert "Everything is labeled" in told
    assert "disagreed" not in told
    first = json.loads((folder / "out/output.manifest").read_bytes().splitlines()[0])
    assert first["category"] == 1
    assert first["category-metadata"]["adjudicated"] == "yes"


@pytest.mark.slow
def test_a_disagreement_that_makes_no_label_is_not_told_of_one(folder: Path) -> None:
    process = served(folder, "--people-per-object", "3")
    people = [Person(process, name) for name in ("Ann", "Ben")]
    try:
        for label, person in enumerate(people):
            for task in person.post("/api/tasks/next", {"count": 5})["tasks"]:
                person.post(f"/api/tasks/{task['id']}/answer", {"label": label})
        people[0].post("/api/batch/label/close", {})
        told = process.finish(*people)
    finally:
        process.kill()
        for person in people:
            person.http.close()
    assert "Not fully answered: 2." in told
    assert "People disagreed" not in told


@pytest.mark.parametrize(
    "faulty", [b"{", b'{"source-ref": "s3://bucket/missing.png"}'], ids=["no JSON", "no image"]
)
def test_what_was_refused_can_be_fixed_with_the_same_out(folder: Path, faulty: bytes) -> None:
    given = ["--manifest", str(folder / "in.manifest"), "--classes", str(folder / "classes.json")]
    arguments = ["label", *given, "--out", str(folder / "out")]
    (folder / "in.manifest").write_bytes(faulty + b"\n")
    assert CliRunner().invoke(app, arguments).exit_code == 2
    assert not list((folder / "out").glob("*.partial"))
    (folder / "in.manifest").write_bytes(LINES[1] + b"\n")
    again = CliRunner().invoke(app, arguments)
    assert (again.exit_code, "Everything is labeled" in again.output) == (0, True)


@pytest.mark.parametrize("there", ["workbench.sqlite", "output.manifest", "run.json"])
def test_a_folder_with_something_else_in_it_is_refused_and_left_as_it_is(folder: Path, there: str) -> None:
    (folder / "out").mkdir()
    (folder / "out" / there).write_bytes(b"whoever's")
    # Nothing to ask: were it not refused, it would end all the same.
    (folder / "in.manifest").write_bytes(LINES[1] + b"\n")
    given = ["--manifest", str(folder / "in.manifest"), "--classes", str(folder / "classes.json")]
    refused = CliRunner().invoke(app, ["label", *given, "--out", str(folder / "out")])
    assert refused.exit_code == 2
    assert f"{there} of something else" in " ".join(refused.output.split())
    assert [path.name for path in (folder / "out").iterdir()] == [there]
    assert (folder / "out" / there).read_bytes() == b"whoever's"


@pytest.mark.parametrize("option", ["--manifest", "--classes"])
def test_the_demo_takes_nobodys_data_for_its_own(folder: Path, option: str) -> None:
    # A file as the folder: were the demo to begin, it would end there.
    given = [option, str(folder / "in.manifest"), "--out", str(folder / "in.manifest")]
    refused = CliRunner().invoke(app, ["label", "--demo", *given])
    assert refused.exit_code == 2
    assert "--demo has its own data" in refused.output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "--demo"),
        (["--manifest", "missing", "--classes", "classes.json"], "there is no file missing"),
        (["--manifest", "broken", "--classes", "classes.json"], "line 1"),
        (["--manifest", "in.manifest", "--classes", "in.manifest"], "it is no JSON"),
        (["--manifest", "in.manifest", "--classes", "names.json"], 'has no list "labels"'),
        (["--manifest", "in.manifest", "--classes", "bare.json"], 'entry 1 of "labels" has no "label"'),
    ],
)
def test_bad_input_gets_one_clear_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    monkeypatch.chdir(folder)
    (folder / "broken").write_text("{")
    (folder / "names.json").write_text('["metal", "river"]')
    (folder / "bare.json").write_text('{"labels": ["metal", "river"]}')
    refused = CliRunner().invoke(app, ["label", *arguments])
    assert refused.exit_code == 2
    assert says in " ".join(refused.output.split())


@pytest.mark.slow
def test_two_do_not_work_in_one_folder(folder: Path, first: Served) -> None:
    ann = Person(first, "Ann")
    given = ["--manifest", str(folder / "in.manifest"), "--classes", str(folder / "classes.json")]
    second = CliRunner().invoke(app, ["label", *given, "--out", str(folder / "out")])
    assert second.exit_code == 2
    said = " ".join(second.output.split())
    assert f"another labelloop is working in {folder / 'out'}: stop it first" in said
    assert ann.post("/api/tasks/next", {"count": 5})["tasks"], "the first goes on"
    ann.http.close()
