"""Nothing is lost when the connection or the workbench goes away."""

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from playwright.sync_api import Route

from .conftest import CLASSES, Bench, NewPerson, OpenBench, Person, eventually, stop_clock

pytestmark = pytest.mark.slow

HEADLINES = [f"Headline number {number}" for number in range(6)]


def test_answers_wait_on_the_device_while_the_connection_is_cut(
    open_bench: OpenBench, new_person: NewPerson
) -> None:
    bench = open_bench(HEADLINES)
    ada = new_person(bench)
    ada.see_object()
    ada.hold_more()
    ada.context.set_offline(True)
    for _ in range(3):
        ada.press("2", "Enter")
    ada.page.get_by_text("No connection: 3 answers kept on this device").wait_for()
    assert bench.answered() == 0
    ada.context.set_offline(False)
    ada.see_all_saved()
    assert bench.answered() == 3


def test_a_page_that_is_connected_again_shows_the_next_object_at_once(
    open_bench: OpenBench, new_person: NewPerson
) -> None:
    bench = open_bench([f"Headline number {number}" for number in range(12)])
    ada = new_person(bench)
    ada.page.clock.install()
    ada.page.reload()
    ada.see_object()
    ada.context.set_offline(True)
    label_until_cut_off(ada)
    for _ in range(8):  # Long enough for the page to try only now and then.
        ada.page.clock.run_for(10_000)
        time.sleep(0.05)
    stop_clock(ada.page)
    ada.context.set_offline(False)
    for _ in range(40):
        if ada.page.is_visible("#work"):
            break
        time.sleep(0.1)
        ada.page.clock.run_for(100)
    assert ada.page.is_visible("#work"), "within 4 of the page's seconds"
    ada.page.clock.resume()
    ada.see_all_saved()


def test_a_connection_that_is_back_while_a_request_fails_is_used_at_once(
    open_bench: OpenBench, new_person: NewPerson
) -> None:
    bench = open_bench([f"Headline number {number}" for number in range(12)])
    ada = new_person(bench)
    ada.page.clock.install()
    ada.page.reload()
    ada.see_object()
    ada.page.wait_for_load_state("networkidle")
    kept = keep_the_first(ada)
    while ada.page.is_visible("#work"):
        ada.press("2", "Enter")
    ada.see_all_saved()
    [asked] = kept
    stop_clock(ada.page)
    ada.page.evaluate("window.dispatchEvent(new Event('online'))")
    asked.abort()
    ada.see_object()


def test_nobody_is_told_that_all_is_done_before_it_is_saved(
    open_bench: OpenBench, new_person: NewPerson
) -> None:
    bench = open_bench(HEADLINES[:1])
    ada = new_person(bench)
    ada.see_object()
    kept: list[Route] = []
    ada.page.route("**/answer", lambda route: kept.append(route))
    ada.press("2", "Enter")
    ada.see_panel("Loading")
    ada.page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
    ada.see_panel("One moment")
    ada.page.get_by_text("Saving 1 answer").wait_for()
    [answer] = kept
    answer.continue_()
    ada.see_panel("That was all. Thank you")
    assert bench.answered() == 1


def test_answers_outlive_the_page(open_bench: OpenBench, new_person: NewPerson) -> None:
    bench = open_bench(HEADLINES)
    ada = new_person(bench)
    ada.see_object()
    ada.hold_more()
    ada.context.set_offline(True)
    ada.press("2", "Enter", "3", "Enter")
    ada.page.close()
    ada.context.set_offline(False)
    ada.page = ada.context.new_page()
    ada.page.goto(bench.address)
    ada.see_all_saved()
    eventually(lambda: bench.answered() == 2, "the kept answers arrive")


def test_an_answer_can_be_taken_back_before_it_is_sent(open_bench: OpenBench, new_person: NewPerson) -> None:
    bench = open_bench(HEADLINES)
    ada = new_person(bench)
    first = ada.see_object()
    ada.context.set_offline(True)
    ada.press("2", "Enter")
    ada.page.get_by_text("No connection: 1 answer kept on this device").wait_for()
    ada.press("Backspace")
    eventually(lambda: ada.see_object() == first, "the object is shown again")
    ada.press("4", "Enter")
    ada.context.set_offline(False)
    ada.see_all_saved()
    assert bench.answers()[bench.texts()[first]] == {"Ada": 3}


def test_the_same_answer_sent_twice_counts_once(open_bench: OpenBench, new_person: NewPerson) -> None:
    """The answer arrives, but its receipt does not."""
    bench = open_bench(HEADLINES)
    ada = new_person(bench)
    ada.see_object()
    lost: list[str] = []

    def lose_the_first_receipt(route: Route) -> None:
        if lost:
            route.continue_()
            return
        lost.append(route.request.url)
        route.fetch()
        route.abort()

    ada.page.route("**/answer", lose_the_first_receipt)
    ada.press("2", "Enter")
    ada.page.wait_for_selector('#connection[data-state="offline"]')
    ada.see_all_saved()
    assert len(lost) == 1
    assert bench.answered() == 1
    assert bench.workbench.store.annotator(bench.batch_id, "Ada").answers == 1


def test_who_goes_away_gives_up_what_was_leased(open_bench: OpenBench, new_person: NewPerson) -> None:
    bench = open_bench(HEADLINES, lease_seconds=3)
    ada = new_person(bench)
    ada.see_object()
    ada.page.get_by_role("heading", name="Still there?").wait_for()
    grace = new_person(bench, "Grace")
    grace.see_object()
    ada.page.get_by_role("button", name="Go on").click()
    ada.page.wait_for_selector("#work:not([hidden]), #panel-mark[data-mark='done']")


def test_who_closes_the_page_keeps_nothing_from_others(open_bench: OpenBench, new_person: NewPerson) -> None:
    bench = open_bench(HEADLINES[:3], lease_seconds=3600)
    ada = new_person(bench)
    first = ada.see_object()
    ada.press("2", "Enter")
    ada.see_all_saved()
    ada.page.close(run_before_unload=True)
    assert label_others(new_person(bench, "Grace"), 2) == set(HEADLINES[:3]) - {first}


def test_a_page_nobody_sees_keeps_nothing_from_others(open_bench: OpenBench, new_person: NewPerson) -> None:
    bench = open_bench(HEADLINES[:3], lease_seconds=3600)
    ada = new_person(bench)
    shown = ada.see_object()
    look_away(ada, hidden=True)
    eventually(lambda: free_for_others(bench) == 3, "what Ada holds is there for others")
    ada.press("2")
    look_away(ada, hidden=False)
    eventually(lambda: free_for_others(bench) == 0, "it is hers again")
    assert ada.see_object() == shown
    ada.press("Enter")
    eventually(lambda: bench.answers()[bench.texts()[shown]] == {"Ada": 1}, "her choice is kept")


def test_a_page_that_is_hidden_while_it_asks_for_objects_keeps_nothing_from_others(
    open_bench: OpenBench, new_person: NewPerson
) -> None:
    bench = open_bench([f"Headline number {number}" for number in range(12)], lease_seconds=3600)
    ada = new_person(bench)
    ada.see_object()
    ada.page.wait_for_load_state("networkidle")
    kept = keep_the_first(ada)
    ada.press("2", "Enter", "2", "Enter", "2", "Enter")
    ada.see_all_saved()
    eventually(lambda: len(kept) == 1, "the page asks for more")
    with ada.page.expect_response("**/api/tasks/release"):
        look_away(ada, hidden=True)
    with ada.page.expect_response("**/api/tasks/next"):
        kept[0].continue_()
    eventually(lambda: free_for_others(bench) == 9, "what Ada holds is there for others", 60)


def test_what_others_took_meanwhile_is_not_shown_again(open_bench: OpenBench, new_person: NewPerson) -> None:
    bench = open_bench(HEADLINES[:1], lease_seconds=3600)
    ada = new_person(bench)
    ada.see_object()
    look_away(ada, hidden=True)
    eventually(lambda: free_for_others(bench) == 1, "what Ada holds is there for others")
    new_person(bench, "Grace").see_object()
    look_away(ada, hidden=False)
    ada.see_panel("Others have the last objects")


def label_until_cut_off(person: Person) -> None:
    """Objects that were under way when the connection was cut may still arrive."""
    cut_off = person.page.get_by_role("heading", name="The workbench cannot be reached")

    def is_cut_off() -> bool:
        if person.page.is_visible("#work"):
            person.press("2", "Enter")
        return cut_off.is_visible()

    eventually(is_cut_off, "nothing is left to label")


def look_away(person: Person, *, hidden: bool) -> None:
    """What a browser tells a page whose tab goes behind another, or comes to the front again."""
    person.page.evaluate(
        """hidden => {
            Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )


def keep_the_first(person: Person) -> list[Route]:
    """The page's next request for objects, which waits until the test lets it go on; later ones do not."""
    kept: list[Route] = []

    def keep(route: Route) -> None:
        if kept:
            route.continue_()
        else:
            kept.append(route)

    person.page.route("**/api/tasks/next", keep)
    return kept


def free_for_others(bench: Bench) -> int:
    return len(bench.workbench.store.available(bench.batch_id, "anybody", now=time.time(), most=10))


def label_others(person: Person, number: int) -> set[str]:
    seen = set()
    for _ in range(number):
        seen.add(_answer(person))
        person.see_all_saved()
    return seen


class LabelCommand:
    """`labelloop label` in a process of its own, on a port it keeps."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = 0
        manifest = [json.dumps({"source": text}) for text in HEADLINES]
        (folder / "input.manifest").write_text("\n".join(manifest) + "\n")
        classes = {"labels": [{"label": name} for name in CLASSES]}
        (folder / "classes.json").write_text(json.dumps(classes))

    def start(self) -> str:
        """The address that it prints."""
        command = [
            str(Path(sys.executable).with_name("labelloop")),
            "label",
            *("--manifest", str(self.folder / "input.manifest")),
            *("--classes", str(self.folder / "classes.json")),
            *("--out", str(self.folder / "out")),
            *("--port", str(self.port)),
        ]
        log = self.folder / "log"
        with log.open("w") as file:
            self.process = subprocess.Popen(command, stdout=file, stderr=file)
        eventually(lambda: "/enter?key=" in log.read_text(), "it prints its address")
        found = re.search(r"http://127\.0\.0\.1:(\d+)/enter\?key=\S+", log.read_text())
        assert found
        self.port = int(found[1])
        return found[0]

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def test_a_killed_workbench_comes_back_and_nobody_labels_twice(tmp_path: Path, new_person: NewPerson) -> None:
    command = LabelCommand(tmp_path)
    address = command.start()
    bench = Bench(address.partition("/enter")[0], address.partition("key=")[2], None, "label")  # type: ignore[arg-type]
    try:
        ada = new_person(bench)
        seen = [_answer(ada), _answer(ada)]
        ada.see_all_saved()
        command.kill()
        seen += [_answer(ada), _answer(ada)]
        ada.page.get_by_text("No connection: 2 answers kept on this device").wait_for()
        time.sleep(0.2)
        command.start()
        ada.page.wait_for_selector('#connection[data-state="saved"]')
        seen += [_answer(ada), _answer(ada)]
        ada.see_panel("That was all. Thank you")
        assert command.process.wait(300) == 0
    finally:
        command.kill()
    assert sorted(seen) == sorted(HEADLINES)
    labeled = [json.loads(line) for line in (tmp_path / "out" / "output.manifest").read_text().splitlines()]
    assert [line["source"] for line in labeled] == HEADLINES
    assert all(line["category"] == 1 for line in labeled)


def _answer(person: Person) -> str:
    text = person.see_object()
    person.press("2", "Enter")
    return text


def test_a_tab_whose_name_changed_elsewhere_says_so_and_sends_its_answers_later(
    open_bench: OpenBench, new_person: NewPerson
) -> None:
    bench = open_bench([f"Headline number {number}" for number in range(12)])
    ada = new_person(bench, "Ada")
    ada.see_object()

    def sign_in(name: str) -> None:
        other = ada.context.new_page()
        other.goto(f"{bench.address}/sign-in")
        other.get_by_label("Your name").fill(name)
        other.get_by_role("button", name="Start").click()
        other.wait_for_url(f"{bench.address}/")
        other.close()

    sign_in("Bob")
    ada.press("1", "Enter")
    ada.page.get_by_text("Not sent: 1 answer kept on this device").wait_for()
    ada.see_panel("Load this page again")
    assert "In another tab of this browser, Bob has signed in" in ada.page.inner_text("#panel-text")
    assert bench.answered() == 0
    sign_in("Ada")
    ada.page.get_by_role("button", name="Load again").click()
    eventually(lambda: bench.answered() == 1, "it is sent under the name of who gave it")
    assert {"Ada": 0} in bench.answers().values()
