"""The owner's page of people, and those who come by a link."""

import pytest
from playwright.sync_api import Browser, Page

from tests.chromium import PATIENCE

from .conftest import Bench, NewPerson, OpenBench, stop_clock

pytestmark = pytest.mark.slow


def follow_from_another_site(page: Page, bench: Bench, address: str) -> None:
    # To a browser, this is another site.
    page.goto(f"{bench.address.replace('127.0.0.1', 'localhost')}/sign-in")
    page.evaluate(
        "address => document.querySelector('main').append(Object.assign("
        "document.createElement('a'), { href: address, textContent: 'your link' }))",
        address,
    )
    page.get_by_role("link", name="your link").click()


def test_a_person_comes_by_a_link_from_another_site_and_goes_when_it_is_withdrawn(
    open_bench: OpenBench, new_person: NewPerson, chromium: Browser
) -> None:
    bench = open_bench(["first", "second"])
    olga = new_person(bench, "Olga", permissions=["clipboard-read", "clipboard-write"])
    olga.page.goto(f"{bench.address}/people")
    olga.page.get_by_label("Name").fill("Ann")
    olga.press("Tab", "ArrowDown", "Enter")
    olga.page.get_by_text("This link signs in as Ann, reviewer.").wait_for()
    olga.page.locator("#made").get_by_role("button", name="Copy").click()
    olga.page.get_by_role("button", name="Copied").wait_for()
    address = olga.page.evaluate("navigator.clipboard.readText()")
    context = chromium.new_context()
    context.set_default_timeout(PATIENCE)
    mail = context.new_page()
    mail.clock.install()
    follow_from_another_site(mail, bench, address)
    mail.wait_for_selector("#work:not([hidden])")
    assert mail.get_by_role("navigation").get_by_role("link").all_inner_texts() == [
        "Answers",
        "Disagreements",
    ]
    # Else it may look for work in the meantime, and learn of the link before anything is answered.
    stop_clock(mail)
    follow_from_another_site(olga.page, bench, address)
    olga.page.get_by_text("You are signed in here as Olga, and this link is for Ann").wait_for()
    olga.page.goto(f"{bench.address}/people")
    olga.page.get_by_role("button", name="Withdraw the link").click()
    olga.page.get_by_role("dialog").get_by_role("button", name="Withdraw the link").click()
    olga.page.get_by_text("the link is withdrawn").wait_for()
    mail.keyboard.press("1")
    mail.keyboard.press("Enter")
    mail.clock.resume()
    mail.get_by_text("Not sent: 1 answer kept on this device").wait_for()
    assert bench.answered() == 0
    mail.goto(address)
    assert "not valid (any more)" in mail.inner_text("main")
    context.close()


def test_a_paused_person_is_told_so_and_their_answers_are_asked_again(
    open_bench: OpenBench, new_person: NewPerson
) -> None:
    bench = open_bench(["first", "second", "third"], decidable=True)
    ben, olga = new_person(bench, "Ben"), new_person(bench, "Olga")
    ben.see_object()
    ben.press("1", "Enter")
    ben.see_all_saved()
    olga.page.goto(f"{bench.address}/people")
    person = olga.page.locator('[data-person="Ben"]')
    person.get_by_role("button", name="Pause").press("Enter")
    person.get_by_text("Paused").wait_for()
    assert olga.page.evaluate("document.activeElement.textContent") == "Resume", "the focus stays"
    ben.press("1", "Enter")
    ben.see_panel("An owner has paused your work")
    ben.page.locator("#notices").get_by_text("an owner has paused your work here").wait_for()
    person.get_by_role("button", name="Ask others again").click()
    olga.page.get_by_role("button", name="Discard 1 answer").click()
    person.get_by_text("1 discarded").wait_for()
    assert bench.answered() == 0
    person.get_by_role("button", name="Resume").click()
    ben.see_object()
