"""Objects that are alike are answered at once, and a person takes out those that the answer does not fit."""

import pytest

from labelloop.workbench.opening import Asked

from .conftest import PHONE, NewPerson, OpenBench, eventually

pytestmark = pytest.mark.slow

NEAR = tuple(range(12))


def alike(number: int, text: str = "") -> Asked:
    near = tuple(other for other in NEAR if other != number)
    return Asked(number, text or f"Shares rise again, says report {number}", None, near=near)


def test_a_group_gets_one_answer_without_what_is_taken_out(
    open_bench: OpenBench, new_person: NewPerson
) -> None:
    bench = open_bench([alike(number) for number in NEAR], grid=True)
    ada = new_person(bench)
    ada.page.locator("#grid .card").nth(1).wait_for()
    group = ada.page.locator("#grid .card")
    size = group.count()
    assert size >= 8, "as many as fit"
    out = [group.nth(place).locator(".card-text").inner_text() for place in (0, 2)]
    group.first.click()
    ada.press("Shift+Digit3")
    ada.page.get_by_text(f"{size - 2} objects get the class.").wait_for()
    ada.press("s")
    ada.see_hint("Take the object out of the group first: then it comes alone.")
    ada.press("2", "Enter")
    eventually(lambda: bench.answered() == size - 2, "the group is answered")
    assert {label for answers in bench.answers().values() for label in answers.values()} == {1}
    for text in out:
        assert ada.see_object() == text, "what was taken out comes next, alone"
        ada.press("3", "Enter")
    eventually(lambda: bench.answered() == size, "one by one")
    ada.press("Backspace")
    assert ada.see_object() == out[-1], "undo brings back one"


def test_a_group_can_be_answered_one_by_one_on_a_phone(open_bench: OpenBench, new_person: NewPerson) -> None:
    bench = open_bench([alike(number) for number in range(6)], grid=True)
    ada = new_person(bench, **PHONE)
    ada.page.locator("#grid .card").nth(1).wait_for()
    assert ada.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "scrolls sideways"
    ada.page.get_by_role("button", name="One by one").tap()
    ada.see_object()
    assert not ada.page.locator("#grid").is_visible()
