"""An owner decides what people disagree about, with keys alone."""

from typing import Any

import pytest

from labelloop.workbench.opening import Asked

from .albums import LARGE, SMALL, Album
from .answered import TEXTS, dispute, disputed_bench
from .conftest import CLASSES, PHONE, Bench, NewPerson, OpenBench, Person
from .test_answers_page import go

pytestmark = pytest.mark.slow


def decided(bench: Bench) -> dict[int, int]:
    return {
        task.object_id: task.decided.label
        for task in bench.workbench.store.tasks(bench.batch_id)
        if task.decided
    }


def open_page(person: Person) -> None:
    person.page.goto(f"{person.bench.address}/disagreements")


def test_keys_decide_and_names_come_after(open_bench: OpenBench, new_person: NewPerson) -> None:
    bench = disputed_bench(open_bench)
    olga = new_person(bench, "Olga")
    open_page(olga)
    page = olga.page
    assert page.inner_text(".object-text") == TEXTS[4]
    told = page.inner_text("main")
    assert "technology" in told
    assert "Ben" not in told
    assert "62%" not in told
    olga.press("Enter")
    page.get_by_text("Choose a class first.").wait_for()
    go(olga, "5", "Enter")
    assert decided(bench) == {4: 4}
    assert "That was the last one." in page.inner_text("main")
    page.goto(f"{bench.address}/answers?kind=decided")
    assert "decided: technology" in page.inner_text("#answers")


def test_of_twelve_classes_each_has_two_digits(open_bench: OpenBench, new_person: NewPerson) -> None:
    classes = (*CLASSES, *(f"class {number}" for number in range(6, 13)))
    asked = [Asked(number, f"text {number}", None) for number in range(3)]
    bench = open_bench(asked, people_per_object=2, decidable=True, adjudicate=True, classes=classes)
    dispute(bench)
    olga = new_person(bench, "Olga")
    open_page(olga)
    assert "3 objects to decide." in olga.page.inner_text("main")
    go(olga, "1", "2", "Enter")
    go(olga, "n")
    olga.press("1")
    olga.page.get_by_text("Typed 1").wait_for()
    olga.press("Enter")
    go(olga, "Enter")
    assert sorted(decided(bench).values()) == [0, 11]
    olga.page.get_by_role("link", name="Look again").click()
    olga.page.get_by_text("1 object to decide.").wait_for()


def test_a_held_key_decides_nothing_more(open_bench: OpenBench, new_person: NewPerson) -> None:
    bench = disputed_bench(open_bench)
    olga = new_person(bench, "Olga")
    open_page(olga)
    olga.press("2")
    held = "{key: 'Enter', repeat: true, bubbles: true}"
    olga.page.evaluate(f"document.body.dispatchEvent(new KeyboardEvent('keydown', {held}))")
    assert decided(bench) == {}


def test_what_is_refused_is_told(open_bench: OpenBench, new_person: NewPerson) -> None:
    bench = disputed_bench(open_bench)
    olga = new_person(bench, "Olga")
    open_page(olga)
    bench.workbench.close(bench.batch_id)
    olga.press("2", "Enter")
    olga.page.get_by_text("this batch is closed already").wait_for()


def bottom(person: Person, part: str) -> float:
    box = person.page.locator(part).bounding_box()
    assert box is not None
    return box["y"] + box["height"]


@pytest.mark.parametrize("context", [{}, PHONE], ids=["desk", "phone"])
def test_a_large_image_and_what_people_said_are_seen_together(
    album: Album, new_person: NewPerson, context: dict[str, Any]
) -> None:
    bench = album.opened(LARGE, LARGE, people_per_object=2, decidable=True, adjudicate=True)
    dispute(bench)
    olga = new_person(bench, "Olga", **context)
    open_page(olga)
    olga.page.wait_for_function("() => document.querySelector('#object-image')?.width > 0")
    view = olga.page.viewport_size
    assert view is not None
    assert bottom(olga, "#object-image-box") < view["height"]
    assert bottom(olga, ".said") < view["height"]
    if not context:
        assert bottom(olga, "#decide button") < view["height"], "and where it is decided"


def test_an_image_to_decide_is_enlarged_as_where_people_label(album: Album, new_person: NewPerson) -> None:
    bench = album.opened(SMALL, people_per_object=2, decidable=True, adjudicate=True)
    dispute(bench)
    olga = new_person(bench, "Olga")
    open_page(olga)
    image = olga.page.locator("#object-image")
    width = "it => it.getBoundingClientRect().width"
    assert image.evaluate(width) == 256
    olga.press("z")
    assert image.evaluate(width) == 512
    olga.press("Z")
    assert image.evaluate(width) == 256
    olga.press("b")
    olga.page.get_by_text("brightness 120 %", exact=True).wait_for()
    assert image.evaluate("it => it.style.filter") == "brightness(120%) contrast(100%)"
    go(olga, "z", "2", "Enter")
    assert decided(bench) == {0: 1}


def test_nothing_is_decided_before_the_image_is_there(album: Album, new_person: NewPerson) -> None:
    bench = album.opened(SMALL, held=(0,), people_per_object=2, decidable=True, adjudicate=True)
    dispute(bench)
    olga = new_person(bench, "Olga")
    olga.page.goto(f"{bench.address}/disagreements", wait_until="domcontentloaded")
    olga.press("1", "Enter")
    olga.page.locator("#hint").get_by_text("Loading the image…").wait_for()
    assert not decided(bench)
    album.let_through()
    olga.page.locator("#object-image").wait_for()
    go(olga, "Enter")
    assert decided(bench) == {0: 0}


@pytest.mark.parametrize("content", [b"no image", b""])
def test_an_image_that_is_broken_is_left_for_later(
    album: Album, new_person: NewPerson, content: bytes
) -> None:
    bench = album.opened(content, people_per_object=2, decidable=True, adjudicate=True)
    dispute(bench)
    olga = new_person(bench, "Olga")
    open_page(olga)
    broken = "The image could not be shown. Reload the page. If that does not help, leave it for later."
    olga.page.get_by_text(broken).wait_for()
    olga.press("1", "Enter")
    olga.page.locator("#hint").get_by_text(broken).wait_for()
    assert not decided(bench)


def test_a_long_text_and_what_people_said_are_seen_together(
    open_bench: OpenBench, new_person: NewPerson
) -> None:
    long = ["so it goes, on and on, " * 300] * 2
    bench = open_bench(long, people_per_object=2, decidable=True, adjudicate=True)
    dispute(bench)
    olga = new_person(bench, "Olga")
    olga.page.set_viewport_size({"width": 1280, "height": 800})
    open_page(olga)
    assert bottom(olga, ".object-text") < 800
    assert bottom(olga, "#decide button") < 800
