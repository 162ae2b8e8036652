"""Labeling by keyboard, alone and with others."""

from typing import Any

import pytest

from labelloop.workbench.opening import Asked

from .conftest import PHONE, Bench, NewPerson, OpenBench, Person, eventually

pytestmark = pytest.mark.slow

GONE = """text => document.querySelector("#work").hidden
    || document.querySelector("#object-text").textContent !== text"""
HEADLINES = [f"Headline number {number}" for number in range(12)]


def label_all(person: Person, key_of: dict[str, str]) -> int:
    """Answer what comes until nothing is left, by keyboard alone; the number of answers."""
    given = 0
    while (text := next_or_nothing(person)) is not None:
        person.press(key_of[text], "Enter")
        given += 1
        person.see_in_page(GONE, text)
    return given


def next_or_nothing(person: Person) -> str | None:
    person.page.wait_for_selector("#work:not([hidden]), [data-mark='done'], #panel-title:text('Nothing')")
    return person.see_object() if person.page.is_visible("#work") else None


def keys_for(bench: Bench) -> dict[str, str]:
    return {text: str(1 + number % 5) for text, number in bench.texts().items()}


def test_a_batch_is_labeled_by_keyboard_alone(open_bench: OpenBench, new_person: NewPerson) -> None:
    bench = open_bench(HEADLINES)
    ada = new_person(bench)
    assert label_all(ada, keys_for(bench)) == len(HEADLINES)
    assert bench.answers() == {number: {"Ada": number % 5} for number in range(len(HEADLINES))}
    assert bench.workbench.batch(bench.batch_id).state == "closed"
    ada.see_panel("That was all. Thank you")


def test_two_people_at_once_never_get_the_same_object(open_bench: OpenBench, new_person: NewPerson) -> None:
    bench = open_bench(HEADLINES)
    people = [new_person(bench, "Ada"), new_person(bench, "Grace")]
    seen: list[str] = []
    while bench.answered() < len(HEADLINES):
        for person in people:
            if not person.page.is_visible("#work"):
                continue
            seen.append(person.see_object())
            before = bench.answered()
            person.press("1", "Enter")
            eventually(lambda before=before: bench.answered() > before, "the answer arrives")  # type: ignore[misc]
    assert sorted(seen) == sorted(HEADLINES)
    by_person = [name for answers in bench.answers().values() for name in answers]
    assert set(by_person) == {"Ada", "Grace"}
    assert len(by_person) == len(HEADLINES)


def test_an_object_for_two_people_is_shown_to_each_of_them_once(
    open_bench: OpenBench, new_person: NewPerson
) -> None:
    bench = open_bench(HEADLINES[:4], people_per_object=2)
    for name in ("Ada", "Grace"):
        assert label_all(new_person(bench, name), dict.fromkeys(HEADLINES, "2")) == 4
    assert bench.answers() == {number: {"Ada": 1, "Grace": 1} for number in range(4)}


def test_the_next_object_is_there_without_waiting_for_the_workbench(
    open_bench: OpenBench, new_person: NewPerson
) -> None:
    bench = open_bench(HEADLINES)
    ada = new_person(bench)
    first = ada.see_object()
    ada.hold_more()
    ada.context.set_offline(True)
    ada.press("1", "Enter")
    assert ada.see_object() != first


def test_backspace_takes_the_last_answer_back(open_bench: OpenBench, new_person: NewPerson) -> None:
    bench = open_bench(HEADLINES[:3])
    ada = new_person(bench)
    first = ada.see_object()
    ada.press("1", "Enter")
    eventually(lambda: bench.answered() == 1, "the answer arrives")
    ada.press("Backspace")
    ada.page.get_by_text("Taken back.").wait_for(state="attached")
    assert ada.see_object() == first
    assert bench.answered() == 0
    ada.press("3", "Enter")
    eventually(lambda: bench.answers()[bench.texts()[first]] == {"Ada": 2}, "the second answer counts")


def test_undo_shows_the_earlier_choice_and_enter_keeps_it(
    open_bench: OpenBench, new_person: NewPerson
) -> None:
    bench = open_bench(HEADLINES[:3])
    ada = new_person(bench)
    first = ada.see_object()
    ada.press("4", "Enter")
    eventually(lambda: bench.answered() == 1, "the answer arrives")
    for _ in ("at once", "after a reload"):
        ada.press("Backspace")
        ada.see_hint("You had chosen science.")
        assert ada.see_object() == first
        assert ada.page.locator("#classes input:checked").input_value() == "3"
        ada.press("Enter")
        eventually(lambda: bench.answers()[bench.texts()[first]] == {"Ada": 3}, "it counts as before")
        ada.see_all_saved()
        ada.page.reload()
        ada.see_object()
    ada.press("s", "2", "Enter")
    ada.see_all_saved()
    ada.press("Backspace")
    ada.see_hint("You had skipped it: None of the classes fits.")
    assert ada.page.locator("#classes input:checked").count() == 0


def test_every_one_of_many_quick_backspaces_takes_an_answer_back(
    open_bench: OpenBench, new_person: NewPerson
) -> None:
    bench = open_bench([f"Headline number {number}" for number in range(30)])
    ada = new_person(bench)
    first = ada.see_object()
    for number in range(12):
        ada.see_object()
        ada.press("1", "Enter")
        eventually(lambda number=number: bench.answered() == number + 1, "the answer arrives")  # type: ignore[misc]
    ada.press(*["Backspace"] * 12)
    eventually(lambda: bench.answered() == 0, "all are taken back")
    eventually(lambda: ada.see_object() == first, "the first one is shown again")


@pytest.mark.parametrize("at_once", [True, False], ids=["answers at once", "with Enter"])
def test_a_key_that_is_held_answers_once(
    open_bench: OpenBench, new_person: NewPerson, *, at_once: bool
) -> None:
    bench = open_bench([f"Headline number {number}" for number in range(30)])
    ada = new_person(bench)
    ada.see_object()
    if at_once:
        ada.page.evaluate("localStorage.setItem('labelloop.setting.at-once', 'on')")
    else:
        ada.press("2")
        ada.page.locator("#confirm").focus()
    key = "2" if at_once else "Enter"
    for _ in range(20):
        ada.page.keyboard.down(key)
        ada.page.wait_for_timeout(20)
    ada.page.keyboard.up(key)
    ada.see_all_saved()
    assert bench.answered() == 1
    assert bench.skips() == []
    if not at_once:
        return
    ada.press("2")
    eventually(lambda: bench.answered() == 2, "pressed again, it answers again")


def test_of_a_few_objects_everybody_at_work_gets_some(open_bench: OpenBench, new_person: NewPerson) -> None:
    bench = open_bench(HEADLINES[:3] * 2)
    people = [new_person(bench, name) for name in ("Ada", "Bob", "Cy")]
    for one in people:
        one.see_object()
    ada, bob, cy = people
    for one in (ada, bob):
        one.press("1", "Enter")
    eventually(lambda: bench.answered() == 2, "the answers arrive")
    cy.see_object()


def test_undo_outlives_a_reload(open_bench: OpenBench, new_person: NewPerson) -> None:
    bench = open_bench(HEADLINES[:3])
    ada = new_person(bench)
    first = ada.see_object()
    ada.press("1", "Enter")
    eventually(lambda: bench.answered() == 1, "the answer arrives")
    ada.page.reload()
    ada.see_object()
    ada.press("Backspace")
    ada.page.get_by_text("Taken back.").wait_for(state="attached")
    assert ada.see_object() == first


def test_s_skips_with_a_reason(open_bench: OpenBench, new_person: NewPerson) -> None:
    bench = open_bench(HEADLINES[:3])
    ada = new_person(bench)
    ada.see_object()
    ada.press("s", "3", "Enter")
    eventually(lambda: bench.skips() == ["It cannot be read or seen"], "the skip arrives")
    ada.press("s", "5", "Tab", *"in Klingon", "Enter")
    eventually(lambda: "in Klingon" in bench.skips(), "one's own words arrive")


def test_escape_leaves_the_object_unskipped(open_bench: OpenBench, new_person: NewPerson) -> None:
    bench = open_bench(HEADLINES[:3])
    ada = new_person(bench)
    first = ada.see_object()
    ada.press("s", "Escape")
    assert ada.see_object() == first
    ada.press("2", "Enter")
    eventually(lambda: bench.answers()[bench.texts()[first]] == {"Ada": 1}, "it can still be answered")
    assert bench.skips() == []


def test_enter_without_a_class_answers_nothing(open_bench: OpenBench, new_person: NewPerson) -> None:
    bench = open_bench(HEADLINES[:3])
    ada = new_person(bench)
    first = ada.see_object()
    ada.press("Enter")
    hint = ada.page.get_by_text("Choose a class first.")
    ada.see_hint("Choose a class first.")
    ada.page.locator("#confirm").click(force=True)
    ada.press("Enter")
    assert hint.count() == 1, "it does not pile up"
    assert ada.see_object() == first
    assert ada.page.is_disabled("#confirm")
    assert bench.answered() == 0
    ada.press("2")
    assert not hint.is_visible(), "it is gone once a class is chosen"
    ada.press("Enter")
    eventually(lambda: bench.answers()[bench.texts()[first]] == {"Ada": 1}, "the answer arrives")


def test_a_key_may_answer_at_once(open_bench: OpenBench, new_person: NewPerson) -> None:
    bench = open_bench(HEADLINES[:3])
    ada = new_person(bench)
    first = ada.see_object()
    ada.press("?")
    ada.page.get_by_label("answers at once").check()
    ada.press("Escape", "4")
    eventually(lambda: bench.answers()[bench.texts()[first]] == {"Ada": 3}, "one key is enough")


def test_long_instructions_are_read_from_the_top(open_bench: OpenBench, new_person: NewPerson) -> None:
    ada = new_person(open_bench(HEADLINES[:3], full_instructions="Read this line.\n" * 200))
    ada.see_object()
    for _ in range(2):
        ada.press("?")
        assert ada.page.evaluate("document.getElementById('help').scrollTop") == 0
        assert ada.page.evaluate("document.activeElement.id") == "help-title"
        ada.press("Space", "End")
        ada.page.wait_for_timeout(300)
        assert not ada.page.get_by_label("answers at once").is_checked()
        ada.press("Escape")


def test_single_keys_can_be_turned_off(open_bench: OpenBench, new_person: NewPerson) -> None:
    """WCAG 2.1.4: who speaks to the computer must not trigger them."""
    bench = open_bench(HEADLINES[:3])
    ada = new_person(bench)
    ada.see_object()
    ada.press("?")
    ada.page.get_by_label("Use single keys as shortcuts").uncheck()
    ada.press("Escape", "1", "s")
    assert ada.page.is_disabled("#confirm")
    assert not ada.page.is_visible("#skip-dialog")
    ada.page.get_by_label("health").check()
    ada.page.get_by_role("button", name="Confirm").click()
    eventually(lambda: bench.answered() == 1, "the mouse still works")


def test_many_classes_have_two_digits_and_a_box_to_find_them(
    open_bench: OpenBench, new_person: NewPerson
) -> None:
    classes = tuple(f"class {number}" for number in range(1, 24))
    bench = open_bench(HEADLINES[:3], classes=classes)
    ada = new_person(bench)
    first = ada.see_object()
    ada.press("1", "7", "Enter")
    eventually(lambda: bench.answers()[bench.texts()[first]] == {"Ada": 16}, "two digits name a class")
    second = ada.see_object()
    ada.press("/", *"S 23", "Enter", "Enter")
    eventually(lambda: bench.answers()[bench.texts()[second]] == {"Ada": 22}, "a part of its name finds it")


TWELVE = tuple(f"class {number}" for number in range(1, 13))


def test_a_class_of_two_digits_answers_to_its_number_too(
    open_bench: OpenBench, new_person: NewPerson
) -> None:
    bench = open_bench(HEADLINES[:4], classes=TWELVE)
    ada = new_person(bench)
    for number, keys in enumerate((("0", "5", "1", "Enter"), ("5", "Enter"), ("1", "2", "Enter"))):
        text = ada.see_object()
        ada.press(*keys)
        eventually(lambda number=number: bench.answered() == number + 1, "the answer arrives")  # type: ignore[misc]
        assert bench.answers()[bench.texts()[text]] == {"Ada": (0, 4, 11)[number]}, keys


def test_half_a_key_is_seen_and_waits_for_the_other_half(
    open_bench: OpenBench, new_person: NewPerson
) -> None:
    bench = open_bench(HEADLINES[:3], classes=TWELVE)
    ada = new_person(bench)
    first = ada.see_object()
    ada.press("?")
    ada.page.get_by_label("answers at once").check()
    ada.press("Escape", "1")
    half = ada.page.get_by_text("1… Type the next digit, or press Enter for 01.")
    ada.see_hint("1… Type the next digit, or press Enter for 01.")
    ada.press("Backspace")
    assert not half.is_visible(), "it can be taken back"
    ada.press("1", "1")
    eventually(lambda: bench.answers()[bench.texts()[first]] == {"Ada": 10}, "the whole key answers")
    assert not half.is_visible()


@pytest.mark.parametrize("keys", [("0",), ("1", "5"), ("0", "0")], ids="".join)
def test_a_key_of_no_class_never_confirms_the_choice_before(
    open_bench: OpenBench, new_person: NewPerson, keys: tuple[str, ...]
) -> None:
    bench = open_bench(HEADLINES[:3], classes=TWELVE)
    ada = new_person(bench)
    first = ada.see_object()
    ada.press("0", "5", *keys, "Enter")
    if keys != ("0",):
        ada.see_hint("Choose a class first.")
        ada.press(*keys)
    ada.see_hint(f"No class has the key {''.join(keys)}.")
    assert ada.page.locator("#classes input:checked").count() == 0
    assert ada.see_object() == first
    assert bench.answered() == 0


def test_a_click_after_half_a_key_is_what_counts(open_bench: OpenBench, new_person: NewPerson) -> None:
    bench = open_bench(HEADLINES[:3], classes=TWELVE)
    ada = new_person(bench)
    first = ada.see_object()
    ada.press("1")
    ada.page.get_by_label("class 7").check()
    ada.press("Enter")
    eventually(lambda: bench.answers()[bench.texts()[first]] == {"Ada": 6}, "the click was the last word")


def test_a_name_that_no_class_has_is_told_and_stays(open_bench: OpenBench, new_person: NewPerson) -> None:
    ada = new_person(open_bench(HEADLINES[:3], classes=TWELVE))
    ada.see_object()
    ada.press("/", *"clasp", "Enter")
    ada.see_hint("No class matches “clasp”.")
    assert ada.page.input_value("#filter") == "clasp"
    assert ada.page.evaluate("document.activeElement.id") == "filter"
    ada.press("Backspace", "s", "Enter")
    assert ada.page.locator("#classes input:checked").input_value() == "0", "it can be mended"


def test_tab_begins_at_the_first_class_for_each_object(open_bench: OpenBench, new_person: NewPerson) -> None:
    bench = open_bench(HEADLINES[:4])
    ada = new_person(bench)
    focused = "document.activeElement.value"
    ada.see_object()
    ada.press("Tab", "ArrowDown", "ArrowDown")
    assert ada.page.evaluate(focused) == "2"
    for number, keys in enumerate((("Enter",), ("4", "Enter"), ("Space", "ArrowUp", "Enter")), start=1):
        ada.press(*keys)
        eventually(lambda number=number: bench.answered() == number, "the answer arrives")  # type: ignore[misc]
        ada.press("Tab")
        assert ada.page.evaluate(focused) == "0", keys


def test_a_very_long_class_name_leaves_the_others_as_they_are(
    open_bench: OpenBench, new_person: NewPerson
) -> None:
    classes = ("business", "all that is about " * 20, "health", "x" * 200)
    ada = new_person(open_bench(HEADLINES[:3], classes=classes))
    ada.see_object()
    heights = ada.page.locator(".choice").evaluate_all("all => all.map(it => it.offsetHeight)")
    assert max(heights[0], heights[2]) < 60
    assert max(heights) < 160


@pytest.mark.parametrize("shown", [False, True])
def test_the_guess_is_hidden_unless_the_owner_shows_it(
    open_bench: OpenBench, new_person: NewPerson, shown: bool
) -> None:
    bench = open_bench([Asked(0, "About stocks", None, guess=(3, 0.876))], show_guess=shown)
    ada = new_person(bench)
    ada.see_object()
    assert ada.page.locator(".guess").all_inner_texts() == (["model: 88%"] if shown else [])
    assert ada.page.is_disabled("#confirm"), "a guess is never chosen for anybody"


def test_a_label_that_there_was_before_is_confirmed_by_enter_and_corrected_by_a_key(
    open_bench: OpenBench, new_person: NewPerson
) -> None:
    bench = open_bench([Asked(number, f"Text {number}", None, prior=(3, 0.87)) for number in range(2)])
    ada = new_person(bench)
    ada.see_object()
    ada.see_hint("Labeled so before: confirm it, or correct it.")
    assert ada.page.locator(".choice:has(input:checked)").inner_text().split("\n")[0] == "science"
    assert ada.page.locator(".guess").all_inner_texts() == ["before: 87%"]
    ada.press("Enter")
    eventually(lambda: bench.answered() == 1, "it is confirmed")
    ada.press("1", "Enter")
    eventually(lambda: bench.answered() == 2, "it is corrected")
    assert sorted(label for answers in bench.answers().values() for label in answers.values()) == [0, 3]


def test_a_pause_and_a_resumption_reach_the_page(open_bench: OpenBench, new_person: NewPerson) -> None:
    bench = open_bench(HEADLINES[:1])
    bench.workbench.pause(bench.batch_id)
    ada = new_person(bench)
    ada.see_panel("Paused")
    bench.workbench.resume(bench.batch_id)
    assert ada.see_object() == HEADLINES[0]


def test_an_answer_too_late_is_told(open_bench: OpenBench, new_person: NewPerson) -> None:
    bench = open_bench(HEADLINES[:3])
    ada = new_person(bench)
    ada.see_object()
    tasks = bench.workbench.store.tasks
    # The page asks for more right after the first, and would learn from that answer that the batch is closed.
    eventually(
        lambda: all(task.is_leased_to("Ada") for task in tasks(bench.batch_id)), "it asks for all there are"
    )
    bench.workbench.close(bench.batch_id)
    ada.press("1", "Enter")
    ada.page.get_by_role("alert").get_by_text("One answer was not taken: this batch is closed").wait_for()
    ada.see_panel("That was all. Thank you")


def test_who_does_not_have_the_key_is_told_where_it_is(open_bench: OpenBench, new_person: NewPerson) -> None:
    bench = open_bench(HEADLINES[:3])
    ada = new_person(bench)
    stranger = ada.context.browser.new_context().new_page()  # type: ignore[union-attr]
    stranger.goto(bench.address)
    stranger.get_by_role("heading", name="Open the whole address").wait_for()
    stranger.goto(bench.entrance)
    stranger.locator("#name:focus").wait_for()
    stranger.keyboard.type("Grace")
    assert stranger.input_value("#name") == "Grace"
    stranger.context.close()


ANIMALS = ("hand-reared pets", "pets", "stray pets", "hand tools")
MANY = (*ANIMALS, *(f"class number {number}" for number in range(120)))


def test_a_class_among_many_is_found_by_words_in_any_order_and_by_arrows(
    open_bench: OpenBench, new_person: NewPerson
) -> None:
    bench = open_bench(HEADLINES[:3], classes=MANY)
    ada = new_person(bench)
    ada.see_object()
    ada.press("/", "Enter")
    ada.see_hint("Type a part of the name, or choose with the arrow keys.")
    ada.press(*"pets hand")
    found = ada.page.locator("#classes .choice:visible .name")
    assert found.all_inner_texts() == ["hand-reared pets"]
    ada.press(*["Backspace"] * 5)
    assert found.all_inner_texts() == ["hand-reared pets", "pets", "stray pets"]
    marked = ada.page.locator("#classes .marked .name")
    assert marked.all_inner_texts() == ["hand-reared pets"]
    ada.press("ArrowDown", "ArrowDown")
    assert marked.all_inner_texts() == ["stray pets"]
    ada.press("ArrowDown", "ArrowUp", "Enter")
    assert ada.page.locator("#classes input:checked").input_value() == "2"
    ada.press("Enter")
    eventually(lambda: bench.answered() == 1, "what was highlighted is the answer")
    assert {"Ada": 2} in bench.answers().values()


def test_each_button_has_its_word_on_one_line_in_a_narrow_window(
    open_bench: OpenBench, new_person: NewPerson
) -> None:
    ada = new_person(open_bench(HEADLINES[:3]))
    ada.page.set_viewport_size({"width": 390, "height": 800})
    ada.see_object()
    for button in ("#undo", "#skip", "#flag", "#confirm"):
        box = ada.page.locator(button).bounding_box()
        assert box is not None
        assert box["height"] < 60, button


def test_a_hint_beside_many_classes_leaves_the_buttons_on_one_line(
    open_bench: OpenBench, new_person: NewPerson
) -> None:
    bench = open_bench(HEADLINES[:3], classes=MANY)
    ada = new_person(bench)
    ada.page.set_viewport_size({"width": 1280, "height": 800})
    ada.see_object()
    ada.press("/", *"stray", "Enter", "Enter")
    eventually(lambda: bench.answered() == 1, "the answer arrives")
    ada.press("Backspace")
    ada.see_hint("You had chosen stray pets.")
    for button in ("#undo", "#confirm"):
        box = ada.page.locator(button).bounding_box()
        assert box is not None
        assert box["height"] < 60, button
        assert box["y"] + box["height"] <= 800, button


def test_a_long_name_of_a_class_is_not_broken_within_a_word_on_a_phone(
    open_bench: OpenBench, new_person: NewPerson
) -> None:
    names = ("Business", "Entertainment", *TWELVE[2:])
    ada = new_person(open_bench(HEADLINES[:3], classes=names), **PHONE)
    ada.page.set_viewport_size({"width": 378, "height": 844})
    ada.see_object()
    lines = ada.page.locator("#classes .name").evaluate_all(
        "names => names.slice(0, 2).map(name => { const range = document.createRange();"
        " range.selectNodeContents(name);"
        " return new Set([...range.getClientRects()].map(({ top }) => Math.round(top))).size })"
    )
    assert lines == [1, 1]


@pytest.mark.parametrize("context", [{}, PHONE], ids=["desk", "phone"])
def test_the_text_stays_in_sight_beside_many_classes(
    open_bench: OpenBench, new_person: NewPerson, context: dict[str, Any]
) -> None:
    ada = new_person(
        open_bench([f"{text} {'and so on ' * 40}" for text in HEADLINES[:3]], classes=MANY), **context
    )
    ada.see_object()
    ada.page.locator("#classes .choice").last.scroll_into_view_if_needed()
    ada.page.locator("#classes .choice").last.click()
    for part in ("#object-text", "#confirm"):
        box, view = ada.page.locator(part).bounding_box(), ada.page.viewport_size
        assert box is not None
        assert view is not None
        assert box["y"] >= -1
        assert box["y"] + box["height"] <= view["height"] + 1
    instructions = ada.page.locator("#instructions").evaluate(
        "it => it.getBoundingClientRect().top + scrollY"
    )
    assert instructions < 740
    top = ada.page.evaluate(
        "() => { const { x, y } = document.querySelector('#classes input:checked').getBoundingClientRect();"
        " return document.elementFromPoint(x + 3, y + 3)?.closest('.choice') !== null }"
    )
    assert top, "nothing covers the class that was chosen"
