"""Comments: people flag objects, reviewers reply. The rules on both stores, and over HTTP."""

from typing import Any

import orjson
import pytest

from labelloop.workbench.answer_export import exported
from labelloop.workbench.answer_search import AnswerSearch, Search
from labelloop.workbench.comments import LONGEST_COMMENT, MOST_COMMENTS, MOST_UNREAD, Comments
from labelloop.workbench.errors import NotFoundError, RefusedError
from labelloop.workbench.overview import Overview
from labelloop.workbench.tasks import Task

from .conftest import Browser, Desk, SignIn
from .test_people import is_consistent
from .test_service import answer, lease


@pytest.fixture
def comments(desk: Desk) -> Comments:
    return Comments(desk.store, clock=desk.clock)


def flagged(desk: Desk, comments: Comments, person: str = "ann", **fields: Any) -> Task:
    desk.open(["first", "second"], **{"decidable": True, **fields})
    (task,) = lease(desk, person, 1)
    comments.flag("batch-1", task.id, person, "is a river a body?")
    return now(desk, task)


def now(desk: Desk, task: Task) -> Task:
    current = desk.store.task(task.batch_id, task.id)
    assert current is not None
    return current


def test_a_flag_changes_no_answer_and_nothing_that_is_counted(desk: Desk, comments: Comments) -> None:
    task = flagged(desk, comments)
    assert (task.flagged_by, task.answers, task.complete) == (("ann",), {}, False)
    answer(desk, task, "ann", 1)
    comments.flag("batch-1", task.id, "ann", "  on   second thought\n")
    kept = now(desk, task)
    assert [comment.text for comment in kept.comments] == ["is a river a body?", "on second thought"]
    assert kept.answers == {"ann": 1}
    desk.workbench.undo("batch-1", task.id, "ann")
    assert len(now(desk, task).comments) == 2, "it stays when the answer is taken back"
    answer(desk, task, "ann", 2)
    answer_rest = lease(desk, "ann", 1)
    answer(desk, answer_rest[0], "ann", 2)
    assert desk.workbench.batch("batch-1").state == "closed"
    assert [orjson.loads(line)["category"] for line in desk.memory.files["batch-1/output.manifest"]] == [2, 2]
    assert is_consistent(desk)


def test_a_flag_and_an_answer_at_once_are_both_kept(
    desk: Desk, comments: Comments, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.open(["a", "b"])
    (task,) = lease(desk, "ann", 1)
    write, between = desk.store.write, [True]

    def writing(*given: Any) -> None:
        if between.pop() if between else False:
            answer(desk, task, "ann", 1)
        write(*given)

    monkeypatch.setattr(desk.store, "write", writing)
    comments.flag("batch-1", task.id, "ann", "odd")
    assert (now(desk, task).answers, now(desk, task).flagged_by) == ({"ann": 1}, ("ann",))


def test_only_who_has_an_object_flags_it(desk: Desk, comments: Comments) -> None:
    task = flagged(desk, comments)
    with pytest.raises(RefusedError, match="somebody else"):
        comments.flag("batch-1", task.id, "bob", "mine?")
    with pytest.raises(NotFoundError):
        comments.flag("batch-1", "no task", "ann", "x")
    desk.workbench.pause_person("ann")
    with pytest.raises(RefusedError, match="paused"):
        comments.flag("batch-1", task.id, "ann", "x")
    desk.workbench.resume_person("ann")
    desk.workbench.close("batch-1")
    with pytest.raises(RefusedError, match="closed"):
        comments.flag("batch-1", task.id, "ann", "x")
    assert len(now(desk, task).comments) == 1


def test_comments_are_bounded(desk: Desk, comments: Comments) -> None:
    task = flagged(desk, comments)
    for number in range(MOST_COMMENTS - 1):
        comments.flag("batch-1", task.id, "ann", str(number) + "x" * 2 * LONGEST_COMMENT)
    with pytest.raises(RefusedError, match="too many comments"):
        comments.flag("batch-1", task.id, "ann", "one more")
    assert max(len(comment.text) for comment in now(desk, task).comments) == LONGEST_COMMENT


def test_a_reply_is_unread_until_it_is_seen(desk: Desk, comments: Comments) -> None:
    task = flagged(desk, comments)
    assert comments.unread("ann") == []
    for text in ("no", "no, it is  water"):
        comments.reply("batch-1", task.id, "olga", "ann", text)
    (unread,) = comments.unread("ann")
    assert (unread.comment, unread.reply.text) == ("is a river a body?", "no, it is water")
    assert (unread.reply.by, unread.shown.text) == ("olga", "first" if task.object_id == 0 else "second")
    assert comments.unread("bob") == []
    comments.seen("batch-1", task.id, "ann")
    assert comments.unread("ann") == []
    assert len(now(desk, task).comments) == 3


def test_who_replies_to_whom(desk: Desk, comments: Comments) -> None:
    task = flagged(desk, comments)
    for to in ("bob", "olga", ""):
        with pytest.raises(RefusedError, match="has not flagged"):
            comments.reply("batch-1", task.id, "olga", to, "hello")
    with pytest.raises(RefusedError, match="write something"):
        comments.reply("batch-1", task.id, "olga", "ann", " \n ")
    with pytest.raises(NotFoundError):
        comments.reply("batch-1", "no task", "olga", "ann", "hello")
    assert desk.store.members() == []


def test_in_a_test_nobody_replies_before_the_batch_is_closed(desk: Desk, comments: Comments) -> None:
    task = flagged(desk, comments, decidable=False)
    with pytest.raises(RefusedError, match="test of the certificate"):
        comments.reply("batch-1", task.id, "olga", "ann", "it is metal")
    desk.workbench.close("batch-1")
    comments.reply("batch-1", task.id, "olga", "ann", "read the second rule")
    assert len(comments.unread("ann")) == 1
    assert now(desk, task).sealed


def test_only_the_newest_replies_wait(desk: Desk, comments: Comments) -> None:
    desk.open([str(number) for number in range(MOST_UNREAD + 5)], decidable=True)
    tasks: list[Task] = []
    while some := lease(desk, "ann", 20):
        for task in some:
            tasks.append(task)
            comments.flag("batch-1", task.id, "ann", "odd")
            if len(tasks) < MOST_UNREAD + 5:
                answer(desk, task, "ann", 1)
        if len(tasks) == MOST_UNREAD + 5:
            break
    for task in tasks:
        comments.reply("batch-1", task.id, "olga", "ann", "yes")
    assert [one.task.id for one in comments.unread("ann")] == [task.id for task in tasks[5:]]


def test_a_reply_to_a_batch_that_is_gone_is_no_more(desk: Desk, comments: Comments) -> None:
    member = desk.store.member("ann")
    desk.store.save_member(member.model_copy(update={"unread": (("gone", "task"),)}))
    assert comments.unread("ann") == []


def test_what_is_flagged_is_found_and_exported(desk: Desk, comments: Comments) -> None:
    task = flagged(desk, comments)
    comments.reply("batch-1", task.id, "olga", "ann", "=no")
    search = AnswerSearch(desk.store, {})
    assert search.find(Search(kind="flagged")).hits == []
    answer(desk, task, "ann", 1)
    assert [one.task.id for one in search.find(Search(kind="flagged")).hits] == [task.id]
    rows = [orjson.loads(line) for line in exported(desk.store, "jsonl")]
    assert [(row["kind"], row["person"], row["class"], row["comment"]) for row in rows] == [
        ("answer", "ann", "metal", None),
        ("flag", "ann", None, "is a river a body?"),
        ("reply", "olga", None, "=no"),
    ]
    assert b"'=no" in b"".join(exported(desk.store, "csv"))
    assert Overview(desk.store, clock=desk.clock)()["flagged"] == 1


# Over HTTP -------------------------------------------------------------------------------------------------


@pytest.fixture
def olga(sqlite_desk: Desk, sign_in: SignIn) -> Browser:
    sqlite_desk.open(["first", "second"], decidable=True, people_per_object=2)
    return sign_in("Olga")


def annotator(olga: Browser, name: str) -> Browser:
    browser = olga.shared()
    browser.post("/api/sign-in", {"name": name})
    return browser


def test_a_person_flags_and_reads_the_reply_and_nobody_else_does(sqlite_desk: Desk, olga: Browser) -> None:
    ann, bob = annotator(olga, "Ann"), annotator(olga, "Bob")
    hostile = "<script>alert(1)</script>\u202e"
    (task,) = ann.post("/api/tasks/next", {"count": 1}).json()["tasks"]
    bob.post("/api/tasks/next", {"count": 2})
    assert ann.post(f"/api/tasks/{task['id']}/flag", {"comment": hostile}).json() == {"accepted": True}
    own_id = task["id"].partition("~")[2]
    text = olga.get(f"/answers/object?batch=batch-1&task={own_id}").text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;[U+202E]" in text
    assert "<script>alert" not in text
    assert "Reply to <bdi>Ann</bdi>" in text
    reply = {"to": "Ann", "comment": "yes"}
    for other in (ann, bob):
        assert other.post(f"/api/tasks/{task['id']}/reply", reply).status_code == 403
    assert olga.client.post(f"/api/tasks/{task['id']}/reply", json=reply).status_code == 403
    assert olga.post(f"/api/tasks/{task['id']}/reply", reply).json() == {"accepted": True}
    (got,) = ann.get("/api/replies").json()["replies"]
    assert (got["task"], got["reply"], got["by"]) == (task["id"], "yes", "Olga")
    assert bob.get("/api/replies").json() == {"replies": []}
    bob.post(f"/api/tasks/{task['id']}/reply-seen", {})
    assert len(ann.get("/api/replies").json()["replies"]) == 1
    ann.post(f"/api/tasks/{task['id']}/reply-seen", {})
    assert ann.get("/api/replies").json() == {"replies": []}
    for path in ("/api/replies", "/api/batch"):
        assert olga.get(path).status_code == 200
        assert "yes" not in bob.get(path).text


def test_the_page_says_why_nobody_can_reply(sqlite_desk: Desk, sign_in: SignIn) -> None:
    sqlite_desk.open(["first", "second"])
    olga = sign_in("Olga")
    (task,) = lease(sqlite_desk, "ann", 1)
    Comments(sqlite_desk.store).flag("batch-1", task.id, "ann", "")
    address = f"/answers/object?batch=batch-1&task={task.id}"
    text = olga.get(address).text
    assert "nobody replies before this batch is closed" in text
    assert "(flagged without a comment)" in text
    assert 'class="reply"' not in text
    sqlite_desk.workbench.close("batch-1")
    assert 'class="reply"' in olga.get(address).text


@pytest.mark.parametrize("body", [{"comment": "x" * 3000}, {"comment": 7}, []])
def test_malformed_comments_are_explained(olga: Browser, body: Any) -> None:
    (task,) = olga.post("/api/tasks/next", {"count": 1}).json()["tasks"]
    assert olga.post(f"/api/tasks/{task['id']}/flag", body).status_code == 400


def test_the_run_page_leads_to_what_is_flagged(sqlite_desk: Desk, olga: Browser) -> None:
    assert "kind=flagged" not in olga.get("/run").text
    for person in ("ann", "bob"):
        [task] = [task for task in lease(sqlite_desk, person, 2) if task.object_id == 0]
        Comments(sqlite_desk.store).flag("batch-1", task.id, person, "")
        answer(sqlite_desk, task, person, 1)
    sqlite_desk.clock.now += 10
    assert '<a class="plain" href="/answers?kind=flagged">See 1 flagged object</a>' in olga.get("/run").text
