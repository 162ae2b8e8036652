"""An owner changes the guidelines while people label: they are told, and nothing on their page is lost."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from .conftest import CLASSES, PHONE, Bench, NewPerson, OpenBench, Person
from .test_accessibility import axe, check

__all__ = ["axe"]
pytestmark = pytest.mark.slow
CHANGED = "The guidelines have changed."
LINE = "Bodies, and <b>what</b> ails them" + ", and what does not" * 10
TEXT = "# Rules\n- **one** [rule](https://example.com)\n\n<script>document.title = 'run'</script>"


def saved_by_olga(bench: Bench, olga: Person, text: str = TEXT) -> None:
    olga.page.goto(f"{bench.address}/guidelines")
    olga.page.get_by_label("In short").fill("Look twice.")
    olga.page.get_by_label("In full").fill(text)
    olga.page.get_by_label("health").fill(LINE)
    olga.page.get_by_role("button", name="Save").press("Enter")
    olga.page.get_by_text("Saved as version 2.").wait_for()


def test_a_change_reaches_an_open_page_and_loses_nothing(
    open_bench: OpenBench, new_person: NewPerson
) -> None:
    bench = open_bench([f"text {number}" for number in range(12)])
    ada, olga = new_person(bench), new_person(bench, "Olga")
    ada.see_object()
    ada.press("1", "Enter")
    ada.see_all_saved()
    ada.context.set_offline(True)
    ada.press("2", "Enter")
    shown = ada.see_object()
    ada.press("3")
    saved_by_olga(bench, olga)
    ada.context.set_offline(False)
    ada.page.get_by_text(CHANGED).wait_for()
    ada.see_all_saved()
    assert ada.see_object() == shown, "the object stays"
    assert ada.page.get_by_role("radio", name="health").is_checked(), "and so does what is chosen"
    assert "Look twice." in ada.page.inner_text("#instructions")
    assert "Bodies, and <b>what</b> ails" in ada.page.inner_text("#classes")
    ada.press("Enter")
    ada.page.get_by_role("button", name="Read them").click()
    dialog = ada.page.get_by_role("dialog")
    assert dialog.get_by_role("heading", name="Rules").is_visible()
    assert dialog.get_by_role("link", name="rule").get_attribute("rel") == "noopener noreferrer"
    assert "<script>document.title" in dialog.inner_text()
    ada.press("Escape", "4", "Enter")
    ada.see_all_saved()
    ada.page.reload()
    ada.see_object()
    assert ada.page.get_by_text(CHANGED).count() == 0, "it is said once"
    entries = [
        entry
        for task in bench.workbench.store.tasks(bench.batch_id)
        for entry in task.entries.values()
        if entry.kind == "answer"
    ]
    assert [one.guidelines for one in sorted(entries, key=lambda one: one.at)] == [1, 1, 2, 2]


def test_the_second_owner_keeps_the_text_and_sees_the_first_ones(
    open_bench: OpenBench, new_person: NewPerson
) -> None:
    bench = open_bench([f"text {number}" for number in range(12)])
    olga, otto = new_person(bench, "Olga"), new_person(bench, "Otto")
    otto.see_object()
    otto.page.goto(f"{bench.address}/guidelines")
    otto.page.get_by_label("In full").fill("otto's\nrules")
    saved_by_olga(bench, olga, "olga's")
    save = otto.page.get_by_role("button", name="Save")
    save.click()
    otto.page.get_by_text("somebody has saved version 2 of the guidelines before you").wait_for()
    assert otto.page.get_by_label("In full").input_value() == "otto's\nrules"
    assert otto.page.locator("#version-2").get_by_text("olga's").is_visible()
    save.click()
    otto.page.get_by_text("Saved as version 3.").wait_for()
    texts = [one.text for one in bench.workbench.store.newest_guidelines("run", 5)]
    assert texts == ["otto's\nrules", "olga's"]
    save.click()
    otto.page.get_by_text("Not saved: nothing has changed since version 3").wait_for()
    otto.page.goto(bench.address)
    otto.page.get_by_text(CHANGED).wait_for()  # who comes back later is told, too


@pytest.mark.parametrize(
    ("number", "sight"), [(40, {"color_scheme": "dark"}), (5, PHONE)], ids=["dark", "phone"]
)
def test_every_sight_of_the_guidelines(
    open_bench: OpenBench, new_person: NewPerson, axe: str, number: int, sight: dict[str, Any]
) -> None:
    more = (f"class {index}" for index in range(5, number))
    bench = open_bench(["a text", "another"], classes=(*CLASSES, *more))
    ada, olga = new_person(bench, **sight), new_person(bench, "Olga", **sight)
    ada.see_object()
    saved_by_olga(bench, olga)
    olga.page.get_by_role("button", name="Preview").click()
    olga.page.get_by_role("heading", name="Rules").wait_for()
    olga.page.get_by_text("Version 1, from the request").click()
    check(olga, axe)
    ada.press("1", "Enter", "Enter")
    ada.page.get_by_text(CHANGED).wait_for()
    ada.see_object()
    check(ada, axe)
    box = ada.page.locator(".choice", has_text="Bodies").bounding_box()
    assert box is not None
    assert box["height"] < 90, "a long line is cut, and the help has it"
    ada.press("?")
    assert ada.page.locator("#described-classes").get_by_text(LINE).is_visible()
    check(ada, axe)


def photo(folder: Path) -> Path:
    """Larger than a picture may be, in pixels and in bytes."""
    pixels = np.random.default_rng(0).integers(0, 255, (900, 1_200, 3), np.uint8)
    path = folder / "A [striped] cat.png"
    Image.fromarray(pixels).resize((2_400, 1_800)).save(path)
    return path


def test_a_picture_is_made_small_and_shown_to_who_labels(
    open_bench: OpenBench, new_person: NewPerson, tmp_path: Path
) -> None:
    bench = open_bench(["a text", "another"])
    ada, olga = new_person(bench), new_person(bench, "Olga")
    ada.see_object()
    olga.page.goto(f"{bench.address}/guidelines")
    olga.page.get_by_label("In full").fill("Like this: ")
    with olga.page.expect_file_chooser() as chooser:
        olga.page.get_by_role("button", name="Add a picture").click()
    chooser.value.set_files(photo(tmp_path))
    olga.page.get_by_text("Added. Preview shows it").wait_for()
    text = olga.page.get_by_label("In full").input_value()
    assert text.startswith("Like this: ![A striped cat](picture:")
    olga.page.get_by_role("button", name="Save").press("Enter")
    olga.page.get_by_text("Saved as version 2.").wait_for()
    ada.page.get_by_text(CHANGED).wait_for()
    ada.press("?")
    cat = ada.page.get_by_role("dialog").get_by_role("img", name="A striped cat")
    cat.wait_for()
    ada.page.wait_for_function(
        "() => [...document.querySelectorAll('dialog img')].every((it) => it.complete)"
    )
    width = cat.evaluate("it => it.naturalWidth")
    assert 200 < width <= 800
    box, dialog = cat.bounding_box(), ada.page.get_by_role("dialog").bounding_box()
    assert box is not None
    assert dialog is not None
    assert box["width"] <= dialog["width"]


def test_a_picture_can_be_dropped_on_the_text(open_bench: OpenBench, new_person: NewPerson) -> None:
    bench = open_bench(["a text", "another"])
    olga = new_person(bench, "Olga")
    olga.page.goto(f"{bench.address}/guidelines")
    olga.page.locator("#add-picture:enabled").wait_for()
    dropped = """() => {
        const canvas = Object.assign(document.createElement("canvas"), { width: 30, height: 20 });
        return new Promise((done) => canvas.toBlob((blob) => {
            const data = new DataTransfer();
            data.items.add(new File([blob], "dog.png", { type: "image/png" }));
            const text = document.getElementById("text");
            const given = { dataTransfer: data, bubbles: true, cancelable: true };
            const over = new DragEvent("dragover", given);
            text.dispatchEvent(over);
            text.dispatchEvent(new DragEvent("drop", given));
            done(over.defaultPrevented);
        }));
    }"""
    assert olga.page.evaluate(dropped)
    olga.page.get_by_text("Added. Preview shows it").wait_for()
    assert "![dog](picture:" in olga.page.get_by_label("In full").input_value()


def test_what_is_no_picture_is_told_and_the_text_stays(
    open_bench: OpenBench, new_person: NewPerson, tmp_path: Path
) -> None:
    bench = open_bench(["a text", "another"])
    olga = new_person(bench, "Olga")
    olga.page.goto(f"{bench.address}/guidelines")
    olga.page.get_by_label("In full").fill("mine")
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    with olga.page.expect_file_chooser() as chooser:
        olga.page.get_by_role("button", name="Add a picture").click()
    chooser.value.set_files(broken)
    olga.page.get_by_text("No picture: broken.png cannot be read as a picture").wait_for()
    assert olga.page.get_by_label("In full").input_value() == "mine"
