"""Each page in light and dark, on a desk and on a phone: nothing that axe-core finds, nothing too small."""

from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Frame, Page

from labelloop.workbench.opening import Asked
from labelloop.workbench.worker_template import WorkerTemplate

from .albums import LARGE, Album
from .answered import dispute, disputed_bench
from .conftest import PHONE, NewPerson, OpenBench, Person
from .run_documents import RUN_DOCUMENT

pytestmark = pytest.mark.slow

AXE = Path(__file__).parents[3] / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SIGHTS: list[dict[str, Any]] = [
    {"color_scheme": "light"},
    {"color_scheme": "dark"},
    {"color_scheme": "light", "reduced_motion": "reduce", **PHONE},
]
# Links and buttons within a sentence are exempt from a minimal size (WCAG 2.5.8).
TOO_SMALL = """() => [...document.querySelectorAll('button, a, input, summary')]
    .filter(it => it.checkVisibility() && !it.matches('.skip-link'))
    .filter(it => !it.closest('p:not(.setting, .filter)'))
    .filter(it => {
        const { width, height } = (it.closest('label') ?? it).getBoundingClientRect();
        return width < 24 || height < 24;
    })
    .map(it => it.outerHTML.slice(0, 120))"""


@pytest.fixture(scope="module")
def axe() -> str:
    if not AXE.is_file():
        pytest.skip("needs axe-core: npm ci")
    return AXE.read_text(encoding="utf-8")


def violations(page: Page | Frame, axe: str) -> list[str]:
    # The pages' policy lets no foreign script in: the debugger's way does.
    page.evaluate(axe)
    found = page.evaluate("rules => axe.run(document, { runOnly: { type: 'tag', values: rules } })", RULES)
    return [
        f"{each['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for each in found["violations"]
        for node in each["nodes"]
    ]


def check(person: Person, axe: str) -> None:
    # After a link, a heading is there before the styles are: on a busy machine, axe looked at a bare page.
    person.page.wait_for_load_state()
    assert violations(person.page, axe) == []
    assert person.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "scrolls sideways"
    assert person.page.evaluate(TOO_SMALL) == []


@pytest.mark.parametrize("sight", SIGHTS, ids=["light", "dark", "phone"])
def test_every_sight_of_the_labeling_page(
    open_bench: OpenBench, new_person: NewPerson, axe: str, sight: dict[str, Any]
) -> None:
    bench = open_bench(["An object", "long words " * 5_000, "pay\u200bpal"])
    ada = new_person(bench, **sight)
    for _ in range(3):
        ada.see_object()
        ada.press("2")
        check(ada, axe)
        ada.press("s")
        check(ada, axe)
        ada.press("Escape", "f")
        check(ada, axe)
        ada.press("Escape", "Enter")
        ada.see_all_saved()
    ada.see_panel("That was all. Thank you")
    check(ada, axe)
    ada.press("?")
    check(ada, axe)


@pytest.mark.parametrize("sight", SIGHTS, ids=["light", "dark", "phone"])
def test_objects_that_are_alike(
    open_bench: OpenBench, new_person: NewPerson, axe: str, sight: dict[str, Any]
) -> None:
    bench = open_bench([Asked(number, "long words " * (30 * number), None) for number in range(4)], grid=True)
    ada = new_person(bench, **sight)
    ada.page.locator("#grid .card").nth(1).click()
    check(ada, axe)


@pytest.mark.parametrize("sight", SIGHTS, ids=["light", "dark", "phone"])
def test_every_other_page(
    open_bench: OpenBench, new_person: NewPerson, axe: str, sight: dict[str, Any]
) -> None:
    bench = open_bench(
        ["An object"],
        classes=tuple(f"class {number}" for number in range(12)),
        application={"run_overview": lambda: RUN_DOCUMENT},
    )
    ada = new_person(bench, **sight)
    ada.see_object()
    ada.press("/", *"1")
    check(ada, axe)
    ada.page.goto(f"{bench.address}/run")
    check(ada, axe)
    ada.page.get_by_role("button", name="Close early").click()
    check(ada, axe)
    ada.page.goto(f"{bench.address}/answers")
    check(ada, axe)
    ada.page.goto(f"{bench.address}/people")
    ada.page.get_by_label("Name").fill("Ben")
    ada.press("Enter")
    ada.page.get_by_text("This link signs in as Ben, annotator.").wait_for()
    check(ada, axe)
    ada.page.get_by_role("button", name="Withdraw").click()
    check(ada, axe)
    ada.page.goto(f"{bench.address}/sign-in")
    check(ada, axe)
    ada.context.clear_cookies()
    ada.page.goto(f"{bench.address}/sign-in")
    check(ada, axe)


@pytest.mark.parametrize("sight", SIGHTS, ids=["light", "dark", "phone"])
def test_every_sight_of_an_image(
    album: Album, new_person: NewPerson, axe: str, sight: dict[str, Any]
) -> None:
    ada = new_person(album.opened(LARGE, b"broken", LARGE, held=(2,)), **sight)
    ada.page.locator("#object-image").wait_for()
    check(ada, axe)
    ada.press("z")
    check(ada, axe)
    ada.press("1", "Enter")
    ada.page.locator("#object-image-note.notice").wait_for()
    ada.press("1")
    check(ada, axe)
    ada.press("s", "Enter")
    ada.page.get_by_text("Loading the image…").wait_for()
    check(ada, axe)


@pytest.mark.parametrize("sight", SIGHTS, ids=["light", "dark", "phone"])
def test_every_sight_of_the_answers(
    open_bench: OpenBench, new_person: NewPerson, axe: str, sight: dict[str, Any]
) -> None:
    bench = disputed_bench(open_bench)
    ada = new_person(bench, **sight)
    ada.page.goto(f"{bench.address}/answers?order=oldest")
    check(ada, axe)
    ada.page.locator(".to-object").first.click()
    ada.page.get_by_role("heading", level=1, name="Line").wait_for()
    check(ada, axe)
    ada.page.goto(f"{bench.address}/answers/charts")
    check(ada, axe)
    ada.page.goto(f"{bench.address}/answers?text=nothing+of+this")
    check(ada, axe)
    ada.page.goto(f"{bench.address}/disagreements")
    ada.page.get_by_role("heading", name="What people said").wait_for()
    check(ada, axe)
    ada.press("2")
    check(ada, axe)
    ada.page.get_by_role("link", name="Leave it").click()
    ada.page.get_by_text("That was the last one.").wait_for()
    check(ada, axe)
    ada.page.goto(f"{bench.address}/people")
    ada.page.get_by_text("When an answer is too fast").click()
    check(ada, axe)
    ada.page.get_by_role("button", name="Ask others again").first.click()
    check(ada, axe)


@pytest.mark.parametrize("sight", SIGHTS, ids=["light", "dark", "phone"])
def test_an_image_where_it_is_decided_and_where_its_answers_are(
    album: Album, new_person: NewPerson, axe: str, sight: dict[str, Any]
) -> None:
    bench = album.opened(LARGE, people_per_object=2, decidable=True, adjudicate=True)
    dispute(bench)
    olga = new_person(bench, "Olga", **sight)
    for address in ("/disagreements", "/answers"):
        olga.page.goto(f"{bench.address}{address}")
        if address == "/answers":
            olga.page.locator(".to-object").click()
        olga.page.locator("#object-image").wait_for()
        check(olga, axe)
        olga.press("z")
        olga.page.get_by_role("region", name="The image, which scrolls").wait_for()
        check(olga, axe)


def test_a_worker_templates_task(open_bench: OpenBench, new_person: NewPerson, axe: str) -> None:
    ours = resources.files("labelloop.preparation").joinpath("worker_template.html").read_text()
    bench = open_bench(
        ["long words " * 5_000],
        application={"worker_templates": lambda _uri: WorkerTemplate(ours)},
        worker_template_uri="s3://bucket/template.html",
    )
    ada = new_person(bench)
    ada.page.frame_locator("iframe").get_by_label("health").check()
    [frame] = [each for each in ada.page.frames if each != ada.page.main_frame]
    assert violations(frame, axe) == []


def test_axe_would_find_what_is_wrong(open_bench: OpenBench, new_person: NewPerson, axe: str) -> None:
    ada = new_person(open_bench(["An object"]))
    ada.see_object()
    ada.page.evaluate("() => document.querySelector('#classes input').closest('label').replaceChildren()")
    ada.page.evaluate("() => document.querySelector('#confirm').replaceChildren()")
    assert any(found.startswith("button-name") for found in violations(ada.page, axe))
