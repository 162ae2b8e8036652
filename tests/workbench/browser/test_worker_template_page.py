"""A user's Ground Truth worker template in place of the built-in page."""

from importlib import resources
from typing import Any

import pytest
from playwright.sync_api import Route

from labelloop.storage import s3
from labelloop.workbench.images import SignedImages
from labelloop.workbench.opening import Asked, open_batch
from labelloop.workbench.worker_template import WorkerTemplate

from .conftest import CLASSES, NewPerson, OpenBench, Person, eventually

pytestmark = pytest.mark.slow

OURS = resources.files("labelloop.preparation").joinpath("worker_template.html").read_text()
TRICKS = """<script>
parent.postMessage({ kind: "choice", name: "health" }, "*"); document.title = "owned"
</script>
<style>classification-target { font-weight: bold }</style>
<crowd-form><crowd-classifier categories="['business', 'entertainment', 'health', 'science', 'technology']">
<classification-target>{{ task.input.taskObject | skip_autoescape }}</classification-target>
</crowd-classifier><crowd-button form-action="submit">Send it</crowd-button></crowd-form>"""
IMAGES = """<crowd-form><crowd-image-classifier src="{{ task.input.taskObject | grant_read_access }}"
header="What is it?" categories="{{ task.input.labels | to_json | escape }}"></crowd-image-classifier>
</crowd-form>"""
BARE = """<crowd-classifier categories="{{ task.input.labels | to_json | escape }}">
<classification-target>{{ task.input.taskObject }}</classification-target></crowd-classifier>"""
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8cfc000"
    "000301010018dd8db00000000049454e44ae426082"
)


def with_template(source: str) -> dict[str, Any]:
    return {
        "application": {"worker_templates": lambda _uri: WorkerTemplate(source)},
        "worker_template_uri": "s3://bucket/template.html",
    }


def frame_text(person: Person) -> str:
    target = person.page.frame_locator("iframe").locator("classification-target")
    target.wait_for()
    return target.inner_text()


def test_the_template_labelloop_prepares_is_labeled_by_keyboard(
    open_bench: OpenBench, new_person: NewPerson
) -> None:
    texts = ["First <b>text</b>", "Second text", "Third text"]
    bench = open_bench(texts, **with_template(OURS))
    ada = new_person(bench)
    seen: list[str] = []
    for number in range(3):
        eventually(lambda: frame_text(ada) not in seen, "the next one is shown")
        seen.append(frame_text(ada))
        ada.press("3", "Enter")
        eventually(lambda number=number: bench.answered() == number + 1, "the answer arrives")  # type: ignore[misc]
    assert sorted(seen) == texts
    assert all(given == {"Ada": 2} for given in bench.answers().values())


def test_the_frame_is_as_high_as_each_task(open_bench: OpenBench, new_person: NewPerson) -> None:
    bench = open_bench(["First text", "Second text", "Third text"], **with_template(OURS))
    ada = new_person(bench)
    for number in range(1, 4):
        frame_text(ada)
        ada.page.wait_for_timeout(300)
        submit = ada.page.frame_locator("iframe").get_by_role("button", name="Submit")
        bottom = submit.evaluate("it => it.getBoundingClientRect().bottom - innerHeight")
        assert bottom <= 0, f"task {number}: Submit is cut off"
        ada.press("3", "Enter")
        eventually(lambda number=number: bench.answered() == number, "the answer arrives")  # type: ignore[misc]


def test_it_is_labeled_inside_the_frame_too(open_bench: OpenBench, new_person: NewPerson) -> None:
    bench = open_bench(["Only text"], **with_template(OURS))
    ada = new_person(bench)
    frame = ada.page.frame_locator("iframe")
    frame.get_by_label("science").check()
    frame.get_by_role("button", name="View full instructions").click()
    frame.get_by_role("heading", name="How to choose a category").wait_for()
    frame.get_by_role("button", name="Close").click()
    frame.get_by_role("button", name="Submit").click()
    eventually(lambda: bench.answers()[0] == {"Ada": 3}, "the answer arrives")


def test_a_task_has_the_focus_once_it_is_shown(open_bench: OpenBench, new_person: NewPerson) -> None:
    bench = open_bench(["First text", "Second text"], **with_template(OURS))
    ada = new_person(bench)
    frame = ada.page.frame_locator("iframe")
    seen: list[str] = []
    for number in (1, 2):
        eventually(lambda: frame_text(ada) not in seen, "the next one is shown")
        seen.append(frame_text(ada))
        eventually(
            lambda: bool(frame.locator("html").evaluate("() => document.hasFocus()")), "it has the focus"
        )
        ada.press("Tab")
        first = frame.get_by_label("business")
        assert first.evaluate("it => it === document.activeElement"), "Tab goes on inside it"
        ada.press("3", "Enter")
        eventually(lambda number=number: bench.answered() == number, "the answer arrives")  # type: ignore[misc]


def test_an_open_help_keeps_the_focus(open_bench: OpenBench, new_person: NewPerson) -> None:
    bench = open_bench(["First text"], **with_template(OURS))
    ada = new_person(bench)
    frame_text(ada)
    ada.press("?")
    ada.page.get_by_role("heading", name="Help").wait_for()
    assert ada.page.evaluate("document.activeElement.id") == "help-title"
    ada.press("Escape")
    ada.page.keyboard.press("3")
    assert ada.page.frame_locator("iframe").get_by_label("health").is_checked()


def test_there_is_one_button_to_submit(open_bench: OpenBench, new_person: NewPerson) -> None:
    ada = new_person(open_bench(["text"], **with_template(OURS)))
    ada.page.frame_locator("iframe").get_by_role("button", name="Submit").wait_for()
    assert not ada.page.is_visible("#confirm")
    assert ada.page.get_by_role("button", name="Skip").is_visible()


def test_a_template_without_a_button_has_the_workbenchs(open_bench: OpenBench, new_person: NewPerson) -> None:
    bench = open_bench(["text"], **with_template(BARE))
    ada = new_person(bench)
    ada.page.frame_locator("iframe").get_by_label("health").check()
    ada.page.get_by_role("button", name="Confirm").click()
    eventually(lambda: bench.answers()[0] == {"Ada": 2}, "the answer arrives")


def test_submitting_without_a_class_tells_what_is_missing(
    open_bench: OpenBench, new_person: NewPerson
) -> None:
    ada = new_person(open_bench(["long words " * 2_000], **with_template(OURS)))
    ada.page.frame_locator("iframe").get_by_role("button", name="Submit").click()
    ada.see_hint("Choose a class first.")
    ada.press("3", "9")
    ada.see_hint("No class has the key 9.")
    assert ada.page.frame_locator("iframe").locator("input:checked").count() == 0


def test_no_script_but_ours_runs_in_the_frame(open_bench: OpenBench, new_person: NewPerson) -> None:
    confirm = "<script>parent.postMessage({ kind: 'confirm' }, '*')</script>"
    hostile = confirm + "<img src=x onerror=\"document.title = 'owned'\">text"
    bench = open_bench([hostile], **with_template(TRICKS))
    ada = new_person(bench)
    assert frame_text(ada) == "text"
    ada.page.wait_for_timeout(300)
    assert ada.page.is_disabled("#confirm"), "nothing was chosen"
    frame = ada.page.frame_locator("iframe")
    assert frame.locator("html").evaluate("() => document.title") == "The task"
    assert frame.locator("html").evaluate("() => self.origin") == "null"
    assert frame.locator("classification-target").evaluate("it => getComputedStyle(it).fontWeight") == "700"
    frame.get_by_label("business").check()
    frame.get_by_role("button", name="Send it").click()
    eventually(lambda: bench.answers()[0] == {"Ada": 0}, "the answer arrives")


def test_images_are_shown_in_the_template_and_in_the_built_in_page(
    open_bench: OpenBench, new_person: NewPerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "read_bytes", lambda _uri: PIXEL)
    images = SignedImages()
    application = {"image_urls": images.url, "worker_templates": lambda _uri: WorkerTemplate(IMAGES)}
    bench = open_bench(
        [Asked(0, None, "s3://bucket/a.png")],
        application=application,
        routers=[images.router],
        worker_template_uri="s3://bucket/template.html",
    )
    ada = new_person(bench)
    image = ada.page.frame_locator("iframe").locator("img")
    image.wait_for()
    eventually(lambda: bool(image.evaluate("it => it.naturalWidth === 1")), "the image is loaded")
    ada.press("2", "Enter")
    eventually(lambda: bench.answers()[0] == {"Ada": 1}, "the answer arrives")


def test_an_image_that_failed_in_an_earlier_batch_hinders_no_answer(
    open_bench: OpenBench, new_person: NewPerson
) -> None:
    images = SignedImages(lambda _ref: b"no image")
    application = {"image_urls": images.url, "worker_templates": lambda _uri: WorkerTemplate(OURS)}
    bench = open_bench(
        [Asked(0, None, "s3://bucket/0.png")],
        application=application,
        routers=[images.router],
        run_state_uri="s3://bucket/state.json",
    )
    ada = new_person(bench)
    ada.page.locator("#object-image-note.notice").wait_for()
    ada.press("s", "1", "Enter")
    ada.see_panel("Nothing to label now")
    fields = {"id": "run-round-002", "worker_template_uri": "s3://bucket/template.html"}
    fresh = {"state": "open", "closed_because": None, "closing_since": None, "total": 0, "version": 0}
    store = bench.workbench.store
    later = bench.workbench.batch(bench.batch_id).model_copy(update={**fields, **fresh})
    open_batch(store, later, [Asked(1, "A text", None)])
    assert frame_text(ada) == "A text"
    ada.press("3", "Enter")
    eventually(lambda: [task.answers for task in store.tasks(later.id)] == [{"Ada": 2}], "the answer arrives")


def test_a_template_that_breaks_is_told(open_bench: OpenBench, new_person: NewPerson) -> None:
    bench = open_bench(["text"], **with_template("{{ task.input.taskObject | shout }}"))
    ada = new_person(bench)
    ada.page.get_by_role("alert").get_by_text("unknown filter 'shout'").wait_for()
    ada.see_panel("This cannot be shown")


def test_the_categories_are_those_of_the_classes() -> None:
    WorkerTemplate(TRICKS).check(CLASSES)


LEAVING = [
    '<meta http-equiv="refresh" content="0;url=/static/icon.svg">A text',
    '<a id="trap" href="/static/icon.svg">A text</a>',
    '<svg width="300" height="60"><a id="trap" href="/static/icon.svg"><text y="30">A text</text></a></svg>',
    '<base href="https://example.com/"><iframe src="/static/icon.svg"></iframe>A text',
]


@pytest.mark.parametrize("text", LEAVING, ids=["refresh", "link", "drawn link", "frame"])
def test_a_text_cannot_make_its_frame_leave(open_bench: OpenBench, new_person: NewPerson, text: str) -> None:
    bench = open_bench([text], **with_template(TRICKS))
    ada = new_person(bench)
    assert "A text" in ada.page.frame_locator("iframe").locator("classification-target").inner_html()
    trap = ada.page.frame_locator("iframe").locator("#trap")
    if trap.count():
        trap.click()
    ada.page.wait_for_timeout(500)
    assert ada.page.frames[1].url.endswith("/task-frame")
    assert "A text" in ada.page.frame_locator("iframe").locator("classification-target").inner_html()
    ada.press("3", "Enter")
    eventually(lambda: bench.answered() == 1, "keys work")


def test_no_key_answers_a_task_whose_frame_has_left(open_bench: OpenBench, new_person: NewPerson) -> None:
    bench = open_bench(["A text"], **with_template(TRICKS))
    ada = new_person(bench)
    frame_text(ada)
    kept: list[Route] = []
    ada.page.route("**/task-frame", lambda route: kept.append(route))
    ada.page.frames[1].evaluate("() => { location.href = '/static/icon.svg' }")
    eventually(lambda: bool(ada.page.evaluate("1") and kept), "the frame is opened again")
    ada.page.evaluate("document.activeElement.blur()")
    ada.press("3")
    ada.see_hint("Wait until the task is shown.")
    ada.press("Enter")
    assert bench.answered() == 0
    kept[0].continue_()
    assert frame_text(ada) == "A text"
    ada.page.wait_for_timeout(100)
    ada.press("3", "Enter")
    eventually(lambda: bench.answered() == 1, "it is shown again, and can be answered")


def test_a_key_that_is_held_inside_the_frame_answers_once(
    open_bench: OpenBench, new_person: NewPerson
) -> None:
    bench = open_bench([f"Text {number}" for number in range(30)], **with_template(OURS))
    ada = new_person(bench)
    frame_text(ada)
    ada.page.evaluate("localStorage.setItem('labelloop.setting.at-once', 'on')")
    for _ in range(15):
        ada.page.keyboard.down("2")
        ada.page.wait_for_timeout(30)
    ada.page.keyboard.up("2")
    ada.see_all_saved()
    assert bench.answered() == 1
