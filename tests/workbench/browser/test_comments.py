"""A person flags an object by keys, a reviewer replies on its page, and the person reads that."""

import pytest

from .conftest import NewPerson, OpenBench
from .test_accessibility import axe, check

__all__ = ["axe"]
pytestmark = pytest.mark.slow


def test_a_flag_and_its_reply(open_bench: OpenBench, new_person: NewPerson, axe: str) -> None:
    bench = open_bench(["first", "second"], decidable=True)
    ada, olga = new_person(bench), new_person(bench, "Olga")
    text = ada.see_object()
    ada.press("f")
    ada.page.keyboard.type("Is 2 <b>right</b>?")
    ada.press("Enter")
    ada.see_hint("Flagged. Now answer it, or skip it.")
    assert ada.see_object() == text, "it is still to be answered"
    assert bench.answered() == 0
    ada.press("2", "Enter")
    ada.see_all_saved()
    olga.page.goto(f"{bench.address}/answers?kind=flagged")
    olga.page.get_by_role("link", name=text).click()
    olga.page.get_by_label("Reply to Ada").fill("Read rule 3")
    olga.page.get_by_role("button", name="Reply").click()
    olga.page.get_by_text("Read rule 3").wait_for()
    check(olga, axe)
    ada.page.reload()
    ada.page.get_by_text("Olga: Read rule 3").wait_for()
    assert "You: Is 2 <b>right</b>?" in ada.page.inner_text("#replies")
    ada.see_object()
    check(ada, axe)
    ada.page.get_by_role("button", name="Got it").press("Enter")
    ada.see_object()
    ada.press("1", "Enter")
    ada.see_panel("That was all. Thank you")
    assert bench.workbench.store.member("Ada").unread == ()
