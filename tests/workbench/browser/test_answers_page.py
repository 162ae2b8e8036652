"""The owner looks through what people answered, by mouse, by keys, and on a phone."""

import pytest

from .albums import LARGE, SMALL, Album
from .answered import TEXTS, dispute, disputed_bench
from .conftest import PHONE, NewPerson, OpenBench, Person

pytestmark = pytest.mark.slow


def test_an_owner_narrows_the_answers_down_and_opens_one(
    open_bench: OpenBench, new_person: NewPerson
) -> None:
    bench = disputed_bench(open_bench)
    olga = new_person(bench, "Olga")
    page = olga.page
    page.get_by_role("link", name="Answers").click()
    page.get_by_text("6 objects.").wait_for()
    page.get_by_label("Only").select_option("People disagree")
    page.get_by_role("button", name="Search").click()
    page.get_by_text("1 object.", exact=True).wait_for()
    told = page.inner_text("#answers li")
    for text in (
        TEXTS[4],
        "Line 5",
        "People disagree",
        "Ben",
        "technology",
        "<i>Cleo</i>",
        "business",
        "7.2",
    ):
        assert text in told
    page.get_by_role("link", name=TEXTS[4]).click()
    page.get_by_role("heading", name="Line 5", level=1).wait_for()
    assert page.inner_text(".object-text") == TEXTS[4]


def go(person: Person, *keys: str) -> None:
    """Press keys, and wait until the page that they lead to is ready for more."""
    with person.page.expect_navigation():
        person.press(*keys)


def test_keys_are_enough(open_bench: OpenBench, new_person: NewPerson) -> None:
    bench = disputed_bench(open_bench, more=60)
    olga = new_person(bench, "Olga")
    page = olga.page
    page.goto(f"{bench.address}/answers")
    page.get_by_text("50 objects on this page. There are more to look through.").wait_for()
    olga.press("j", "j", "k", "j")
    second = page.locator(".to-object").nth(1)
    assert second.evaluate("it => it === document.activeElement")
    go(olga, "n")
    assert page.inner_text(".found") == "16 objects on this page."
    go(olga, "/", *"vaccine jnk", "Enter")
    assert page.inner_text(".found") == "Nothing found."
    go(olga, "/", *"Vaccine", "Enter")
    assert page.inner_text(".found") == "1 object."
    go(olga, "j", "Enter")
    assert page.inner_text("h1") == "Line 2"


def test_moments_are_in_the_reader_s_time_zone(open_bench: OpenBench, new_person: NewPerson) -> None:
    bench = disputed_bench(open_bench)
    olga = new_person(bench, "Olga", timezone_id="Asia/Kathmandu", locale="en-GB")
    olga.page.goto(f"{bench.address}/answers")
    moment = olga.page.locator("time").first
    assert moment.get_attribute("datetime").endswith("+00:00")  # type: ignore[union-attr]
    olga.see_in_page("() => !document.querySelector('time').textContent.includes('+00:00')")


def test_every_answer_is_downloaded(open_bench: OpenBench, new_person: NewPerson) -> None:
    bench = disputed_bench(open_bench)
    olga = new_person(bench, "Olga")
    olga.page.goto(f"{bench.address}/answers")
    with olga.page.expect_download() as download:
        olga.page.get_by_role("link", name="CSV").click()
    assert download.value.suggested_filename == "answers.csv"
    assert len(download.value.path().read_text(encoding="utf-8-sig").splitlines()) == 1 + 12


def test_images_are_seen(album: Album, new_person: NewPerson) -> None:
    bench = album.opened(SMALL, LARGE, people_per_object=2, decidable=True, adjudicate=True)
    dispute(bench)
    olga = new_person(bench, "Olga")
    for address in ("/answers", "/disagreements"):
        olga.page.goto(f"{bench.address}{address}")
        olga.see_in_page("() => document.querySelector('main img')?.naturalWidth > 0")
    olga.page.goto(f"{bench.address}/answers")
    go(olga, "j", "Enter")
    olga.see_in_page("() => document.querySelector('#object-image')?.width > 0")
    assert ".png" in olga.page.inner_text(".object-text")


def test_a_label_of_a_closed_batch_is_corrected_or_others_are_asked(
    open_bench: OpenBench, new_person: NewPerson
) -> None:
    bench = open_bench(
        TEXTS[:2],
        application={"run_overview": lambda _batch: {}},  # the run goes on
        run_state_uri="s3://bucket/state.json",
        decidable=True,
    )
    for task, _ in bench.workbench.next_tasks("ben", 2).tasks:
        bench.workbench.answer(bench.batch_id, task.id, "ben", 0)
    assert bench.workbench.batch(bench.batch_id).state == "closed"
    olga = new_person(bench, "Olga")
    page = olga.page
    page.goto(f"{bench.address}/answers")
    page.get_by_role("link", name=TEXTS[0]).click()
    page.get_by_role("button", name="Ask others again").click()
    page.get_by_text("Olga wants others to be asked again. The next batch asks them.").wait_for()
    page.get_by_role("button", name="Ask others again").click()
    page.get_by_role("alert").get_by_text("others are asked about this object already").wait_for()
    page.get_by_label("Correct the label").select_option("technology")
    page.get_by_role("button", name="Correct").click()
    page.get_by_text("Olga corrected the label from business to technology.").wait_for()


def test_on_a_phone_the_charts_break_no_name_within_a_word(
    open_bench: OpenBench, new_person: NewPerson
) -> None:
    bench = disputed_bench(open_bench)
    ada = new_person(bench, **PHONE)
    ada.page.goto(f"{bench.address}/answers/charts")
    names = ada.page.get_by_role("table", name="Classes", exact=True).get_by_role("link")
    assert "entertainment" in names.all_inner_texts()
    lines = "link => link.firstElementChild.getClientRects().length"
    assert [name.evaluate(lines) for name in names.all()] == [1] * names.count()
