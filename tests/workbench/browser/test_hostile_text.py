"""The text to label is hostile input: it is shown, never run, and hides nothing."""

from collections.abc import Sequence

import pytest

from .conftest import Bench, NewPerson, OpenBench, Person, eventually

pytestmark = pytest.mark.slow

MARKUP = (
    "<script>document.title = 'owned'</script>",
    "<img src=x onerror=\"document.title = 'owned'\">",
    '"><svg onload="document.title=\'owned\'">',
    "{{ 7 * 7 }} {% include 'x' %} ${7 * 7} javascript:document.title='owned'",
)
FAMILY = "family: \U0001f468\u200d\U0001f469\u200d\U0001f467"
PERSIAN = "می\u200cخواهم"
SHOWN = {
    "invoice\u202egpj.exe": "invoiceU+202Egpj.exe",
    "pay\u200bpal": "payU+200Bpal",
    "a\x00\x07b": "aU+0000 U+0007b",
    "tag\U000e0041\U000e0041\U000e0041": "tagU+E0041 ×3",
    "soft\u00adhyphen \ufeff": "softU+00ADhyphen U+FEFF",
    "x\u200dy": "xU+200Dy",
    FAMILY: FAMILY,
    PERSIAN: PERSIAN,
    "line one\nline two\tend": "line one\nline two\tend",
    "windows\r\nold mac\rend": "windows\nold mac\nend",
}
LONG = ("long words " * 9_200, "x" * 100_000, "a\u200b" * 50_000, "z\u0301" * 49_000, "short")


def next_object(person: Person, bench: Bench) -> None:
    before = bench.answered()
    person.press("1", "Enter")
    eventually(lambda: bench.answered() == before + 1, "the answer arrives")


def see_all(person: Person, bench: Bench, texts: Sequence[str]) -> list[str]:
    """The content of the page's text for each object, to the letter."""
    seen = []
    for _ in texts:
        person.see_object()
        seen.append(person.page.text_content("#object-text") or "")
        next_object(person, bench)
    return seen


def test_markup_is_shown_as_it_is_written(open_bench: OpenBench, new_person: NewPerson) -> None:
    bench = open_bench(MARKUP)
    ada = new_person(bench)
    assert sorted(see_all(ada, bench, MARKUP)) == sorted(MARKUP)
    assert "owned" not in ada.page.title()


def test_what_hides_is_made_visible(open_bench: OpenBench, new_person: NewPerson) -> None:
    bench = open_bench(list(SHOWN))
    ada = new_person(bench)
    assert sorted(see_all(ada, bench, list(SHOWN))) == sorted(SHOWN.values())


def test_a_text_has_its_own_direction_and_does_not_turn_the_page(
    open_bench: OpenBench, new_person: NewPerson
) -> None:
    ada = new_person(open_bench(["\u202e\u2067 مرحبا بالعالم"]))
    ada.see_object()
    assert ada.page.locator("#object-text").evaluate("it => getComputedStyle(it).direction") == "rtl"
    skip, confirm = (ada.page.locator(f"#{name}").bounding_box() for name in ("skip", "confirm"))
    assert skip is not None
    assert confirm is not None
    assert skip["x"] < confirm["x"]


def test_100_kb_scroll_within_the_page(open_bench: OpenBench, new_person: NewPerson) -> None:
    bench = open_bench(LONG)
    ada = new_person(bench)
    for _ in LONG:
        ada.see_object()
        assert ada.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        confirm = ada.page.locator("#confirm").bounding_box()
        assert confirm is not None
        assert confirm["y"] + confirm["height"] <= 720, "what to press is in sight"
        next_object(ada, bench)


def test_a_long_text_scrolls_by_keyboard(open_bench: OpenBench, new_person: NewPerson) -> None:
    ada = new_person(open_bench(["word " * 20_000]))
    ada.see_object()
    ada.press("Tab", "End")
    ada.see_in_page("document.querySelector('#object-text').scrollTop > 1000")


def test_names_of_classes_and_people_are_text_too(open_bench: OpenBench, new_person: NewPerson) -> None:
    classes = ("<script>document.title='owned'</script>", "</label><b>b", "ok")
    bench = open_bench(["anything"], classes=classes)
    ada = new_person(bench, name="<b>Ada</b>")
    ada.see_object()
    assert ada.page.locator("#classes .name").all_text_contents() == list(classes)
    assert ada.page.inner_text(".top .name") == "<b>Ada</b>"
    ada.press("3", "Enter")
    eventually(lambda: bench.answers()[0] == {"<b>Ada</b>": 2}, "the answer arrives")
