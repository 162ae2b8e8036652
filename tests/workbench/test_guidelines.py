"""Guidelines of a run on both stores; over HTTP, who may do what, and which version an answer has."""

import base64
from typing import Any

import orjson
import pytest

from labelloop.workbench.answer_export import exported
from labelloop.workbench.errors import ConflictError, RefusedError
from labelloop.workbench.guidelines import Guidelines
from labelloop.workbench.tasks import Batch, Entry, GuidelinesVersion

from .conftest import Browser, Desk, SignIn
from .test_service import answer, lease

NO_LINES = ("", "", "")


@pytest.fixture
def guidelines(desk: Desk) -> Guidelines:
    return Guidelines(desk.store, clock=desk.clock)


def save(
    desk: Desk, base: int, text: str = "new", owner: str = "olga", batch: str = "batch-1", **changed: Any
) -> GuidelinesVersion:
    said: dict[str, Any] = {"short": "Look.", "text": text, "classes": NO_LINES, **changed}
    return Guidelines(desk.store, clock=desk.clock).save(desk.workbench.batch(batch), owner, base, **said)


def test_the_first_version_is_what_the_request_says(desk: Desk, guidelines: Guidelines) -> None:
    batch = desk.open(["a"])
    first = guidelines.of(batch)
    assert (first.number, first.by, first.short, first.text) == (1, None, "Choose.", "Choose well.")
    assert first.classes == NO_LINES
    assert guidelines.versions(batch) == [first]


def test_each_save_is_a_version_and_none_is_lost(desk: Desk, guidelines: Guidelines) -> None:
    desk.open(["a"])
    save(desk, 1, "second", classes=("  grows\n on trees ", "", ""))
    save(desk, 2, "third", owner="otto")
    batch = desk.workbench.batch("batch-1")
    assert batch.guidelines == 3
    assert [(one.number, one.by, one.text) for one in guidelines.versions(batch)] == [
        (3, "otto", "third"),
        (2, "olga", "second"),
        (1, None, "Choose well."),
    ]
    assert guidelines.versions(batch)[1].classes == ("grows on trees", "", "")
    assert guidelines.of(batch).text == "third"


def test_the_second_owner_to_save_is_told_and_nothing_is_lost(desk: Desk, guidelines: Guidelines) -> None:
    batch = desk.open(["a"])
    save(desk, 1, "olga's")
    with pytest.raises(RefusedError, match="somebody has saved version 2"):
        save(desk, 1, "otto's", owner="otto")
    assert [one.text for one in guidelines.versions(batch)] == ["olga's", "Choose well."]
    save(desk, 2, "both", owner="otto")
    assert [one.text for one in guidelines.versions(batch)] == ["both", "olga's", "Choose well."]


def test_of_two_owners_at_once_one_is_told(
    desk: Desk, guidelines: Guidelines, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = desk.open(["a"])
    add, between = desk.store.add_guidelines, [True]

    def adding(version: GuidelinesVersion) -> None:
        if between.pop() if between else False:
            save(desk, 1, "otto's", owner="otto")
        add(version)

    monkeypatch.setattr(desk.store, "add_guidelines", adding)
    with pytest.raises(RefusedError, match="somebody has saved version 2"):
        save(desk, 1, "olga's")
    assert [one.text for one in guidelines.versions(batch)] == ["otto's", "Choose well."]


@pytest.mark.parametrize("base", [1, 2])
def test_the_same_save_again_completes_one_that_was_interrupted(
    desk: Desk, guidelines: Guidelines, base: int
) -> None:
    batch = desk.open(["a"])
    # It stored the version, and died before the batch knew of it.
    version = {"run": "run-1", "number": 2, "at": 1.0, "by": "olga"}
    said = {"short": "Look.", "text": "new", "classes": NO_LINES}
    desk.store.add_guidelines(GuidelinesVersion.model_validate(version | said))
    assert desk.workbench.batch("batch-1").guidelines == 1
    if base == 1:
        assert save(desk, 1).at == 1.0
    else:
        with pytest.raises(RefusedError, match="nothing has changed since version 2"):
            save(desk, 2)
    assert desk.workbench.batch("batch-1").guidelines == 2
    assert len(guidelines.versions(batch)) == 2


def test_guidelines_for_other_classes_are_refused(desk: Desk) -> None:
    desk.open(["a"])
    with pytest.raises(RefusedError, match="load the page again"):
        save(desk, 1, classes=("one line",))


def test_a_heartbeat_at_the_same_time_hinders_no_save(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.open(["a"])
    write, between = desk.store.save_batch, [True]

    def writing(batch: Batch) -> Batch:
        if between.pop() if between else False:
            raise ConflictError("somebody else was faster")
        return write(batch)

    monkeypatch.setattr(desk.store, "save_batch", writing)
    save(desk, 1)
    assert desk.workbench.batch("batch-1").guidelines == 2


def test_later_batches_of_a_run_begin_with_the_newest_version(desk: Desk, guidelines: Guidelines) -> None:
    desk.open(["a"], run="execution-1", first_execution="s3://bucket/execution-1/")
    desk.workbench.close("batch-1")
    save(desk, 1, "between two rounds")
    assert desk.workbench.batch("batch-1").guidelines == 1, "it keeps what its answers were given under"
    resumed = desk.open(
        ["b"], batch_id="batch-2", run="execution-2", first_execution="s3://bucket/execution-1/"
    )
    assert (resumed.guidelines, guidelines.of(resumed).text) == (2, "between two rounds")
    other = desk.open(["c"], batch_id="batch-3", run="run-2")
    assert (other.guidelines, guidelines.of(other).text) == (1, "Choose well.")
    save(desk, 1, "of the other run", batch="batch-3")
    assert desk.workbench.batch("batch-2").guidelines == 2


def test_a_version_that_is_saved_while_a_batch_is_opened_reaches_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.open(["a"])
    desk.workbench.close("batch-1")
    add = desk.store.add_batch

    def adding(*given: Any) -> None:
        save(desk, 1)
        add(*given)

    monkeypatch.setattr(desk.store, "add_batch", adding)
    assert desk.open(["b"], batch_id="batch-2").guidelines == 2


def test_an_answer_keeps_the_version_it_was_given_under(desk: Desk) -> None:
    desk.open(["a", "b", "c"])
    first, second, third = lease(desk, "ann", 3)
    desk.workbench.answer("batch-1", first.id, "ann", 0, 1.0, guidelines=1)
    save(desk, 1)
    desk.workbench.answer("batch-1", second.id, "ann", 0, 1.0, guidelines=1)
    for number in (0, 3, -1):
        with pytest.raises(RefusedError, match=f"there is no version {number} of the guidelines"):
            desk.workbench.answer("batch-1", third.id, "ann", 0, guidelines=number)
        with pytest.raises(RefusedError, match="there is no version"):
            desk.workbench.skip("batch-1", third.id, "ann", "?", guidelines=number)
    desk.workbench.skip("batch-1", third.id, "ann", "?", guidelines=2)
    rows = [orjson.loads(line) for line in exported(desk.store, "jsonl")]
    assert sorted((row["kind"], row["guidelines"]) for row in rows) == [
        ("answer", 1),
        ("answer", 1),
        ("skip", 2),
    ]


def test_an_answer_of_a_page_that_names_no_version_is_taken(desk: Desk) -> None:
    desk.open(["a"])
    (task,) = lease(desk, "ann", 1)
    answer(desk, task, "ann", 1)
    kept = desk.store.task("batch-1", task.id)
    assert kept is not None
    assert kept.entries["ann"].guidelines is None
    assert Entry.model_validate_json('{"kind":"answer","at":1.0,"label":0}').guidelines is None


def test_a_request_for_objects_reads_no_guidelines(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.open(["a"])
    save(desk, 1)

    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(desk.store, "guidelines", never)
    monkeypatch.setattr(desk.store, "newest_guidelines", never)
    handed = desk.workbench.next_tasks("ann", 1)
    assert handed.batch is not None
    assert handed.batch.guidelines == 2
    desk.workbench.answer("batch-1", handed.tasks[0][0].id, "ann", 1, guidelines=2)


# Over HTTP --------------------------------------------------------------------------------------------

PATH = "/api/batch/batch-1/guidelines"


def body(base: int = 1, **changed: Any) -> dict[str, Any]:
    return {
        "base": base,
        "short": "Look.",
        "text": "# New\n<b>x</b>",
        "classes": ["grows", "", ""],
        **changed,
    }


def next_of(person: Browser, count: int = 1) -> dict[str, Any]:
    answered: dict[str, Any] = person.post("/api/tasks/next", {"count": count, "holding": []}).json()
    return answered


def test_a_page_gets_a_new_version_with_its_next_request(sqlite_desk: Desk, sign_in: SignIn) -> None:
    sqlite_desk.open(["a", "b"])
    olga, ann = sign_in("Olga"), sign_in("Ann")
    asked = next_of(ann)
    assert (asked["batch"], asked["guidelines"]) == ("batch-1", 1)
    first = ann.get("/api/batch").json()["batch"]["guidelines"]
    assert first == {
        "version": 1,
        "short": "Choose.",
        "html": "<p>Choose well.</p>\n",
        "classes": ["", "", ""],
    }
    assert olga.post(PATH, body()).json() == {"version": 2}
    asked = next_of(ann)
    assert asked["guidelines"] == 2
    second = ann.get("/api/batch").json()["batch"]["guidelines"]
    assert (second["version"], second["classes"]) == (2, ["grows", "", ""])
    assert second["html"] == "<h4>New</h4>\n<p>&lt;b&gt;x&lt;/b&gt;</p>\n"


def test_the_version_of_an_answer_is_checked_kept_and_shown(sqlite_desk: Desk, sign_in: SignIn) -> None:
    sqlite_desk.open(["a", "b"])
    olga, ann = sign_in("Olga"), sign_in("Ann")
    tasks = next_of(ann, 2)["tasks"]
    olga.post(PATH, body())
    paths = [f"/api/tasks/{task['id']}/answer" for task in tasks]
    refused = ann.post(paths[0], {"label": 1, "guidelines": 7})
    assert (refused.status_code, "no version 7" in refused.json()["error"]) == (409, True)
    assert ann.post(paths[0], {"label": 1, "guidelines": "x"}).status_code == 400
    assert ann.post(paths[0], {"label": 1, "guidelines": 2}).json()["accepted"]
    assert ann.post(paths[1], {"label": 1}).json()["accepted"]
    shown = olga.get(f"/answers/object?batch=batch-1&task={tasks[0]['id'].split('~')[1]}").text
    assert ", guidelines 2</span>" in shown
    assert ", guidelines" not in olga.get("/answers").text
    lines = olga.get("/api/answers.csv").text.splitlines()
    assert lines[0].endswith(",comment,guidelines")
    assert sorted(line.rsplit(",", 1)[1] for line in lines[1:]) == ["", "2"]


def test_only_owners_edit(sqlite_desk: Desk, sign_in: SignIn) -> None:
    sqlite_desk.open(["a"])
    olga = sign_in("Olga")
    rita = olga.opens(olga.post("/api/people/invite", {"name": "Rita", "role": "reviewer"}).json()["link"])
    ann = olga.shared()
    ann.post("/api/sign-in", {"name": "Ann"})
    for other in (rita, ann):
        assert other.get("/guidelines").status_code == 403
        assert other.post(PATH, body()).status_code == 403
        assert other.post("/api/guidelines/preview", {"text": "x"}).status_code == 403
        assert 'href="/guidelines"' not in other.get("/").text
    assert 'href="/guidelines"' in olga.get("/").text
    assert olga.client.post(PATH, json=body()).status_code == 403, "without the page's token"
    assert sqlite_desk.workbench.batch("batch-1").guidelines == 1


def test_the_second_owner_is_told_over_http(sqlite_desk: Desk, sign_in: SignIn) -> None:
    sqlite_desk.open(["a"])
    olga, otto = sign_in("Olga"), sign_in("Otto")
    olga.post(PATH, body())
    refused = otto.post(PATH, body(text="mine"))
    assert refused.status_code == 409
    assert refused.json()["error"] == "somebody has saved version 2 of the guidelines before you"
    page = otto.get("/guidelines").text
    assert 'data-base="2"' in page
    assert "Version 2, saved by <bdi>Olga</bdi>" in page
    assert "Version 1, from the request" in page


def test_what_is_too_long_or_strange_is_refused(sqlite_desk: Desk, sign_in: SignIn) -> None:
    sqlite_desk.open(["a"])
    olga = sign_in("Olga")
    for wrong in (
        {"base": 0},
        {"base": 10**12},
        {"text": "x" * 50_001},
        {"short": "x" * 2001},
        {"classes": ["x" * 301, "", ""]},
        {"classes": "x"},
    ):
        assert olga.post(PATH, body(**wrong)).status_code == 400, wrong
    assert olga.post(PATH, body(classes=["", ""])).status_code == 409
    assert olga.post(PATH, body(base=5)).status_code == 409
    assert olga.post("/api/batch/none/guidelines", body()).status_code == 404
    assert sqlite_desk.store.newest_guidelines("run-1", 1) == []


def test_the_page_shows_a_hostile_text_as_text(sqlite_desk: Desk, sign_in: SignIn) -> None:
    olga = sign_in("Olga")
    assert "No batch is open yet" in olga.get("/guidelines").text
    sqlite_desk.open(["a"], classes=("<b>one</b>", "two", "three"))
    hostile = "</textarea><script>alert(1)</script>"
    olga.post(PATH, body(short=hostile, text=hostile, classes=['"><script>', "", ""]))
    page = olga.get("/guidelines").text
    assert "<script>alert" not in page
    assert page.count("&lt;/textarea&gt;&lt;script&gt;alert(1)") == 4
    assert "<b>one" not in page
    assert 'value="&#34;&gt;&lt;script&gt;"' in page
    previewed = olga.post("/api/guidelines/preview", {"text": hostile}).json()
    assert previewed == {"html": "<p>&lt;/textarea&gt;&lt;script&gt;alert(1)&lt;/script&gt;</p>\n"}


def test_who_decides_reads_the_newest(sqlite_desk: Desk, sign_in: SignIn) -> None:
    sqlite_desk.open(["a", "b"], people_per_object=2, decidable=True)
    for person, label in (("ann", 0), ("bob", 1)):
        (task, *_) = lease(sqlite_desk, person, 2)
        answer(sqlite_desk, task, person, label)
    olga = sign_in("Olga")
    olga.post(PATH, body(short="Look at the second rule."))
    assert "Which is right? Look at the second rule." in olga.get("/disagreements").text


PNG = b"\x89PNG\r\n\x1a\n" + bytes(1_000)
PICTURES = "/api/guidelines/pictures"


def encoded(content: bytes) -> dict[str, str]:
    return {"base64": base64.b64encode(content).decode()}


def test_a_picture_that_an_owner_adds_is_shown_to_all(sqlite_desk: Desk, sign_in: SignIn) -> None:
    sqlite_desk.open(["a"])
    olga = sign_in("Olga")
    source = olga.post(PICTURES, encoded(PNG)).json()["source"]
    assert olga.post(PICTURES, encoded(PNG)).json()["source"] == source, "the same again is the same"
    html = olga.post("/api/guidelines/preview", {"text": f"![a cat]({source})"}).json()["html"]
    address = html.partition('src="')[2].partition('"')[0]
    ann = olga.shared()
    assert ann.get(address).status_code == 403, "who has not signed in sees nothing"
    ann.post("/api/sign-in", {"name": "Ann"})
    shown = ann.get(address)
    assert (shown.status_code, shown.content) == (200, PNG)
    assert shown.headers["content-type"] == "image/png"
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert ann.post(PICTURES, encoded(PNG)).status_code == 403
    for missing in ("0" * 32, "x", address.rpartition("/")[2].upper()):
        assert ann.get(f"/guidelines/pictures/{missing}").status_code == 404


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (encoded(PNG + bytes(45_000)), "too large"),
        (encoded(b"<svg onload=alert(1)>"), "neither a PNG nor a JPEG"),
        (encoded(b""), "neither a PNG nor a JPEG"),
        ({"base64": "not base64!"}, "not in base64"),
        ({"base64": "ü"}, "not in base64"),
        ({"base64": 7}, "the request cannot be used"),
    ],
)
def test_what_is_no_picture_is_refused(
    sqlite_desk: Desk, sign_in: SignIn, given: dict[str, Any], reason: str
) -> None:
    sqlite_desk.open(["a"])
    refused = sign_in("Olga").post(PICTURES, given)
    assert refused.status_code in (400, 409)
    assert reason in refused.json()["error"]
