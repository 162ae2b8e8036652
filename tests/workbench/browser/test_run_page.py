"""The page of who runs it: the state of things, and the buttons."""

import pytest

from .answered import disputed_bench
from .conftest import PHONE, NewPerson, OpenBench, eventually
from .run_documents import RUN_DOCUMENT

pytestmark = pytest.mark.slow

# More than one page holds ahead: the owner's own page takes some when she signs in.
HEADLINES = [f"Headline number {number}" for number in range(12)]


def test_it_tells_how_the_run_stands(open_bench: OpenBench, new_person: NewPerson) -> None:
    ada = new_person(open_bench(HEADLINES, application={"run_overview": lambda: RUN_DOCUMENT}))
    ada.page.goto(f"{ada.bench.address}/run")
    text = " ".join(ada.page.inner_text("main").split())
    for told in (
        "news-<b>2026</b>",
        "Round 4: 126 objects for people to label.",
        "74 of 200 10 of them gold; 2 skips so far",
        "21.4 answers a minute",
        "All 10,000 data objects",
        "labeled by people: 1,450",
        "labeled by people, not trained on: 790",
        "in the pool: 7,757",
        "None yet. The model labels nothing until",
        "<script>Grace</script> 32 1 9.4 91.0% —",
        "Agreement (Krippendorff's alpha): 0.83",
        "People disagree about 3 objects with all answers.",
        "to see how well people label: 91.7% of 12 answers right.",
        "5 of 8 answered, 2 confirmed, 2 changed",
        "4020 <img src=x onerror=alert(1)>[U+202E] <script>Grace</script>",
    ):
        assert told in text
    assert ada.page.get_by_role("img", name="Accuracy, last 92.7% with 1,450 labels").is_visible()


def test_a_phone_shows_all_that_is_told_of_an_annotator(open_bench: OpenBench, new_person: NewPerson) -> None:
    bench = open_bench(HEADLINES, application={"run_overview": lambda: RUN_DOCUMENT})
    ada = new_person(bench, **PHONE)
    ada.page.goto(f"{bench.address}/run")
    hidden = ada.page.locator("#part-annotators .scroll").evaluate("it => it.scrollWidth - it.clientWidth")
    assert hidden <= 0


def test_before_anything_can_be_drawn_it_says_nothing_of_a_model(
    open_bench: OpenBench, new_person: NewPerson
) -> None:
    # After round 1 of the default policy a model may be trained, but its accuracy is not known yet.
    run = {**RUN_DOCUMENT["run"], "rounds": RUN_DOCUMENT["run"]["rounds"][:1]}
    overview = {**RUN_DOCUMENT, "run": run}
    ada = new_person(open_bench(HEADLINES, application={"run_overview": lambda: overview}))
    ada.page.goto(f"{ada.bench.address}/run")
    told = ada.page.inner_text("#part-curve")
    assert "Nothing to draw yet." in told
    assert "No model has been trained" not in told


def test_it_follows_people_at_work(open_bench: OpenBench, new_person: NewPerson) -> None:
    bench = open_bench(HEADLINES)
    owner = new_person(bench, "Olga")
    owner.page.goto(f"{bench.address}/run")
    owner.page.get_by_text("Nobody has answered yet.").wait_for()
    ada = new_person(bench, "Ada")
    ada.see_object()
    ada.press("1", "Enter")
    owner.page.get_by_role("rowheader", name="Ada").wait_for()
    assert "1 of 12" in owner.page.inner_text("#part-batch")


def test_a_batch_is_paused_resumed_and_closed_early(open_bench: OpenBench, new_person: NewPerson) -> None:
    bench = open_bench(HEADLINES)
    ada = new_person(bench)
    ada.see_object()
    ada.press("1", "Enter")
    ada.see_all_saved()
    page = ada.page
    page.goto(f"{bench.address}/run")
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("heading", name="Labeling is paused.").wait_for()
    assert bench.workbench.batch(bench.batch_id).state == "paused"
    page.get_by_role("button", name="Resume").click()
    page.get_by_role("button", name="Pause").wait_for()
    page.get_by_role("button", name="Close early").click()
    page.get_by_role("button", name="Keep it open").click()
    assert bench.workbench.batch(bench.batch_id).state == "open"
    page.get_by_role("button", name="Close early").click()
    page.get_by_role("button", name="Close the batch").click()
    page.get_by_text("The last batch ended: closed by Ada. 1 of 12 objects done.").wait_for()
    assert bench.workbench.batch(bench.batch_id).state == "closed"
    assert bench.answered() == 1


def test_a_disagreement_goes_to_one_more_person(open_bench: OpenBench, new_person: NewPerson) -> None:
    bench = open_bench(HEADLINES, people_per_object=2)
    task = next(bench.workbench.store.tasks(bench.batch_id))
    for name, label in (("Ada", 0), ("Grace", 1)):
        bench.workbench.next_tasks(name, len(HEADLINES))
        bench.workbench.answer(bench.batch_id, task.id, name, label)
    owner = new_person(bench, "Olga")
    owner.page.goto(f"{bench.address}/run")
    ask = owner.page.get_by_role("button", name="Ask one more person about 1 disagreement")
    ask.click()
    owner.page.get_by_role("status").get_by_text("1 object was sent to one more person.").wait_for()
    ask.wait_for(state="detached")
    told = owner.page.inner_text("#part-annotators")
    assert "People disagree about 1 object, and one more person is asked." in told
    eventually(lambda: bench.workbench.store.task(bench.batch_id, task.id).needed == 3, "it is asked again")  # type: ignore[union-attr]


def test_of_two_runs_the_page_names_the_one_it_acts_on_and_the_other_can_be_chosen(
    open_bench: OpenBench, new_person: NewPerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labelloop.workbench.overview.run_so_far", lambda _uri: None)
    bench = open_bench(HEADLINES, run="old-run", run_state_uri="s3://no/where")
    store = bench.workbench.store
    first = bench.workbench.batch(bench.batch_id)
    bench.workbench.pause(first.id)
    (task, *_) = store.tasks(first.id)
    shown = store.data_objects(first.id, [task.id])[task.id]
    second = first.model_copy(update={"id": "new-round-003", "run": "new-run", "round": 3, "version": 0})
    store.add_batch(second, [(task.model_copy(update={"batch_id": second.id}), shown)])
    page = new_person(bench, "Olga").page
    page.goto(f"{bench.address}/run")
    assert page.inner_text(".run-name") == "new-run"
    assert page.get_by_role("link", name="new-run").get_attribute("aria-current") == "page"
    page.get_by_role("link", name="old-run").click()
    page.locator(".run-name", has_text="old-run").wait_for()
    page.get_by_role("button", name="Close early").click()
    assert "round 1 of old-run" in page.inner_text("#close-dialog")
    page.get_by_role("button", name="Close the batch").click()
    page.get_by_text("The last batch ended: closed by Olga.").wait_for()
    assert bench.workbench.batch(first.id).state == "closed"
    assert bench.workbench.batch(second.id).state == "open"


def test_it_leads_to_what_people_disagree_about(open_bench: OpenBench, new_person: NewPerson) -> None:
    bench = disputed_bench(open_bench)
    olga = new_person(bench, "Olga")
    olga.page.goto(f"{bench.address}/run")
    olga.page.get_by_role("link", name="Decide 1 disagreement").click()
    olga.page.get_by_text("1 object to decide.").wait_for()
