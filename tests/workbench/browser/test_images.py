"""Images to label: nobody answers about one not seen, and each is seen as large as it takes."""

from collections.abc import Callable

import pytest
from playwright.sync_api import FloatRect

from labelloop.workbench.images import SignedImages
from labelloop.workbench.opening import Asked

from .albums import LARGE, MIDDLING, SMALL, Album
from .conftest import PHONE, NewPerson, OpenBench, Person, eventually

pytestmark = pytest.mark.slow

LOADING = "Loading the image…"
FAILED = "The image could not be shown. Reload the page. If that does not help, skip it."
WAIT = "Wait until the image is shown."


def see_image(person: Person) -> None:
    person.page.locator("#object-image").wait_for()


def size(person: Person) -> tuple[float, float]:
    box = person.page.locator("#object-image").bounding_box()
    assert box is not None
    return box["width"], box["height"]


def place(person: Person, selector: str) -> FloatRect:
    box = person.page.locator(selector).bounding_box()
    assert box is not None
    return box


def press_key(person: Person) -> None:
    person.press("2", "Enter")


def press_key_at_once(person: Person) -> None:
    person.page.evaluate("localStorage.setItem('labelloop.setting.at-once', 'on')")
    person.press("2")


def click_and_submit(person: Person) -> None:
    person.page.get_by_text("health").click(force=True)
    person.page.locator("#confirm").click(force=True)


def tap_twice(person: Person) -> None:
    person.page.locator("#confirm").dblclick(force=True)


@pytest.mark.parametrize("answer", [press_key, press_key_at_once, click_and_submit, tap_twice])
def test_no_answer_is_given_before_the_image_is_there(
    album: Album, new_person: NewPerson, answer: Callable[[Person], None]
) -> None:
    bench = album.opened(MIDDLING, MIDDLING, held=(1,))
    ada = new_person(bench)
    see_image(ada)
    ada.press("1", "Enter")
    ada.page.get_by_text(LOADING).wait_for()
    assert not ada.page.locator("#object-image").is_visible(), "the one before is gone at once"
    answer(ada)
    ada.see_hint(WAIT)
    ada.see_all_saved()
    assert bench.answered() == 1
    album.let_through()
    see_image(ada)
    ada.press("Enter")
    ada.see_hint("Choose a class first.")
    assert not ada.page.get_by_text(WAIT).is_visible()
    ada.page.evaluate("localStorage.clear()")
    ada.press("3", "Enter")
    eventually(lambda: bench.answered() == 2, "now it can be answered")


def test_an_image_on_its_way_can_be_skipped(album: Album, new_person: NewPerson) -> None:
    bench = album.opened(MIDDLING, held=(0,))
    ada = new_person(bench)
    ada.page.get_by_text(LOADING).wait_for()
    ada.press("s", "3", "Enter")
    eventually(lambda: bench.skips() == ["It cannot be read or seen"], "the skip arrives")


def test_the_page_stays_as_it_is_when_the_image_comes(album: Album, new_person: NewPerson) -> None:
    ada = new_person(album.opened(LARGE, held=(0,)))
    ada.page.get_by_text(LOADING).wait_for()
    before = place(ada, "#object"), place(ada, "#confirm")
    assert before[0]["height"] > 200
    album.let_through()
    see_image(ada)
    assert (place(ada, "#object"), place(ada, "#confirm")) == before


def test_the_time_an_answer_takes_begins_when_the_image_is_seen(album: Album, new_person: NewPerson) -> None:
    bench = album.opened(MIDDLING, held=(0,))
    ada = new_person(bench)
    ada.page.get_by_text(LOADING).wait_for()
    ada.page.evaluate("() => { const now = performance.now(); performance.now = () => now + 60_000; }")
    album.let_through()
    see_image(ada)
    ada.press("2", "Enter")
    eventually(lambda: bench.answered() == 1, "the answer arrives")
    [task] = bench.workbench.store.tasks(bench.batch_id)
    seconds = task.entries["Ada"].seconds
    assert seconds is not None
    assert seconds < 60


@pytest.mark.parametrize("content", [b"no image", b""], ids=["broken", "empty"])
def test_what_is_no_image_can_only_be_skipped(album: Album, new_person: NewPerson, content: bytes) -> None:
    bench = album.opened(content, MIDDLING)
    ada = new_person(bench)
    ada.page.get_by_text(FAILED).and_(ada.page.locator("#object-image-note")).wait_for()
    ada.press("2", "Enter")
    ada.see_hint("An image that is not shown cannot be labeled. Skip it.")
    click_and_submit(ada)
    ada.see_all_saved()
    assert bench.answered() == 0
    ada.press("s", "3", "Enter")
    see_image(ada)
    assert not ada.page.locator("#object-image-note").is_visible()
    ada.press("2", "Enter")
    eventually(lambda: bench.answered() == 1, "the next one can be answered")


def test_a_key_of_two_digits_is_refused_at_the_first(album: Album, new_person: NewPerson) -> None:
    ada = new_person(album.opened(MIDDLING, held=(0,), classes=tuple(f"class {n}" for n in range(12))))
    ada.page.get_by_text(LOADING).wait_for()
    ada.press("1")
    ada.see_hint(WAIT)


def test_an_image_fetched_ahead_appears_at_once(album: Album, new_person: NewPerson) -> None:
    ada = new_person(album.opened(*[LARGE] * 3))
    see_image(ada)
    ada.see_in_page(
        "performance.getEntriesByType('resource').filter(it => it.name.includes('/image?')).length === 3"
    )
    # Within the task that the key begins nothing can have been fetched.
    states = ada.page.evaluate(
        """() => ["1", "Enter", "1", "Enter"].map(key => {
            document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
            const image = document.querySelector("#object-image");
            return image.checkVisibility() && image.complete && image.width > 200;
        })"""
    )
    assert states == [True] * 4


def test_enter_confirms_after_a_zoom_by_mouse(album: Album, new_person: NewPerson) -> None:
    bench = album.opened(*[LARGE] * 3)
    ada = new_person(bench)
    for number, target in enumerate(("#object-image", "#zoom"), start=1):
        see_image(ada)
        fitted = size(ada)
        ada.page.click(target)
        assert size(ada) > fitted
        ada.press("2", "Enter")
        eventually(lambda number=number: bench.answered() == number, "the answer arrives")  # type: ignore[misc]
    see_image(ada)
    assert size(ada) == fitted, "the next one is fitted again"


def test_the_button_to_zoom_works_by_keyboard(album: Album, new_person: NewPerson) -> None:
    ada = new_person(album.opened(LARGE))
    see_image(ada)
    fitted = size(ada)
    button = ada.page.get_by_role("button", name="Zoom in")
    ada.press("Tab")
    assert button.evaluate("it => it === document.activeElement")
    ada.press("Space")
    assert size(ada) > fitted
    ada.press("Enter")
    assert size(ada) == fitted


def test_a_small_image_is_enlarged(album: Album, new_person: NewPerson) -> None:
    ada = new_person(album.opened(SMALL))
    see_image(ada)
    fitted = size(ada)
    assert fitted == (256, 256)
    assert (
        ada.page.locator("#object-image").evaluate("it => getComputedStyle(it).imageRendering") == "pixelated"
    )
    ada.press("z")
    assert size(ada) == (512, 512)
    ada.press("z")
    assert size(ada) == fitted


def test_a_large_image_is_fitted_and_shown_in_full(album: Album, new_person: NewPerson) -> None:
    ada = new_person(album.opened(LARGE))
    see_image(ada)
    width, height = size(ada)
    assert width / height == pytest.approx(4 / 3, rel=0.01)
    assert height <= place(ada, "#object-image-frame")["height"]
    ada.press("z")
    assert size(ada) == (1600, 1200)


def test_a_zoomed_image_scrolls_by_keyboard(album: Album, new_person: NewPerson) -> None:
    bench = album.opened(LARGE)
    ada = new_person(bench)
    see_image(ada)
    ada.press("z")
    frame = ada.page.get_by_role("region", name="The image")
    for key, position in (("ArrowRight", "scrollLeft"), ("ArrowDown", "scrollTop")):
        center = frame.evaluate(f"it => it.{position}")
        assert center > 100, "it begins at the center"

        def scrolls(key: str = key, position: str = position, center: float = center) -> bool:
            # Chromium may lose an arrow key that is pressed before the last change is painted.
            ada.press(key)
            return bool(frame.evaluate(f"it => it.{position}") > center)

        eventually(scrolls, f"{key} scrolls")
    ada.press("2", "Enter")
    eventually(lambda: bench.answered() == 1, "its keys answer all the same")


def test_a_text_after_a_zoomed_image_has_the_focus(open_bench: OpenBench, new_person: NewPerson) -> None:
    images = SignedImages(lambda _ref: LARGE)
    asked = [Asked(number, None, "s3://bucket/0.png") for number in range(3)]
    bench = open_bench(
        [*asked, *(Asked(number, "A text", None) for number in range(3, 6))],
        application={"image_urls": images.url},
        routers=[images.router],
    )
    ada = new_person(bench)
    ada.see_object()
    for answered in range(1, 7):
        assert ada.page.evaluate("document.activeElement.id") == "object"
        if answered < 6:
            ada.page.locator("#object-image, #object-text").and_(
                ada.page.locator(":visible")
            ).first.wait_for()
            ada.press("z", "2", "Enter")
            eventually(lambda answered=answered: bench.answered() == answered, "the answer arrives")  # type: ignore[misc]


@pytest.mark.parametrize("share", [(0.5, 0.5), (0.8, 0.75)], ids=["center", "corner"])
def test_a_tap_zooms_to_where_it_is(album: Album, new_person: NewPerson, share: tuple[float, float]) -> None:
    ada = new_person(album.opened(LARGE), **PHONE)
    see_image(ada)
    before = place(ada, "#object-image")
    x, y = before["x"] + share[0] * before["width"], before["y"] + share[1] * before["height"]
    ada.page.touchscreen.tap(x, y)
    ada.page.get_by_role("region", name="The image").wait_for()
    after = place(ada, "#object-image")
    assert after["width"] == 1600
    assert (x - after["x"]) / after["width"] == pytest.approx(share[0], abs=0.01)
    assert (y - after["y"]) / after["height"] == pytest.approx(share[1], abs=0.01)


def test_an_image_grows_in_steps_and_moves_by_drag(album: Album, new_person: NewPerson) -> None:
    bench = album.opened(LARGE)
    ada = new_person(bench)
    see_image(ada)
    fitted, _ = size(ada)
    ada.press("+")
    assert size(ada)[0] == pytest.approx(1.5 * fitted, abs=2)
    ada.page.get_by_role("button", name="A step larger").click()
    assert size(ada)[0] == pytest.approx(2.25 * fitted, abs=2)
    frame, scrolled = ada.page.locator("#object-image-frame"), "it => [it.scrollLeft, it.scrollTop]"
    left, top = frame.evaluate(scrolled)
    box, mouse = place(ada, "#object-image-frame"), ada.page.mouse
    mouse.move(box["x"] + 300, box["y"] + 200)
    mouse.down()
    mouse.move(box["x"] + 270, box["y"] + 180, steps=3)
    mouse.up()
    assert frame.evaluate(scrolled) == pytest.approx([left + 30, top + 20], abs=2)
    assert size(ada)[0] == pytest.approx(2.25 * fitted, abs=2), "a drag is no click"
    ada.press("-", "-")
    assert size(ada)[0] == pytest.approx(fitted, abs=2)
    ada.press("-")
    assert size(ada)[0] == pytest.approx(fitted, abs=2), "the whole image is the smallest"


def test_brightness_and_contrast_stay_for_the_next_image(album: Album, new_person: NewPerson) -> None:
    bench = album.opened(MIDDLING, MIDDLING)
    ada = new_person(bench)
    see_image(ada)
    shown = "it => getComputedStyle(it).filter"
    ada.press("b", "b", "c", "v", "v")
    assert ada.page.locator("#object-image").evaluate(shown) == "brightness(1.4) contrast(0.8)"
    ada.press("2", "Enter")
    eventually(lambda: bench.answered() == 1, "its keys answer all the same")
    see_image(ada)
    assert ada.page.locator("#object-image").evaluate(shown) == "brightness(1.4) contrast(0.8)"
    ada.page.get_by_text("Brightness 140 %, contrast 80 %").click()
    ada.page.get_by_label("Brightness", exact=True).fill("50")
    assert ada.page.locator("#object-image").evaluate(shown) == "brightness(0.5) contrast(0.8)"
    ada.press("r")
    assert ada.page.locator("#object-image").evaluate(shown) == "none"


def test_two_fingers_enlarge_an_image_between_them(album: Album, new_person: NewPerson) -> None:
    ada = new_person(album.opened(LARGE), **PHONE)
    see_image(ada)
    before = place(ada, "#object-image")
    x, y = before["x"] + 0.5 * before["width"], before["y"] + 0.5 * before["height"]
    touch = ada.context.new_cdp_session(ada.page)

    def fingers(kind: str, *shifts: float) -> None:
        points = [{"x": x + shift, "y": y, "id": number} for number, shift in enumerate(shifts)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    fingers("touchStart", -20, 20)
    fingers("touchMove", -30, 30)
    fingers("touchMove", -50, 50)
    fingers("touchEnd")
    after = place(ada, "#object-image")
    assert after["width"] == pytest.approx(2.5 * before["width"], rel=0.05)
    assert (x - after["x"]) / after["width"] == pytest.approx(0.5, abs=0.02)
