"""People are told that the work is over, and a workbench that is gone afterwards is no error."""

import threading

import pytest

from labelloop.workbench.farewell import Farewell

from .conftest import NewPerson, OpenBench
from .run_documents import RUN_DOCUMENT

pytestmark = pytest.mark.slow

OF_A_RUN = {"run_state_uri": "s3://bucket/state.json"}


def test_pages_that_wait_for_a_run_hear_that_it_has_ended(
    open_bench: OpenBench, new_person: NewPerson
) -> None:
    farewell = Farewell()
    overview = {"run": RUN_DOCUMENT["run"], "batch": None}
    application = {"farewell": farewell, "run_overview": lambda: overview}
    bench = open_bench(["Only text"], application=application, **OF_A_RUN)
    ada = new_person(bench)
    ada.see_object()
    ada.press("1", "Enter")
    ada.see_panel("Nothing to label now")
    olga = new_person(bench, "Olga")
    olga.page.goto(f"{bench.address}/run")
    olga.page.get_by_role("heading", name="The model is at work").wait_for()
    told = threading.Thread(target=farewell.say)
    told.start()
    ada.see_panel("That was all. Thank you")
    olga.page.get_by_role("heading", name="The run has ended.").wait_for()
    told.join(60)
    assert not told.is_alive(), "who went to another page is not waited for long"
    for person in (ada, olga):
        person.context.set_offline(True)
        person.page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
    ada.page.wait_for_timeout(5_000)
    assert ada.page.inner_text("#panel-title") == "That was all. Thank you"
    assert ada.page.inner_text("#connection") == "All answers saved"
    for person in (ada, olga):
        assert not person.page.locator("nav").count(), "what the links lead to is gone"
    assert "cannot be reached" not in olga.page.inner_text("body")


def test_who_is_at_work_hears_that_the_batch_was_closed(open_bench: OpenBench, new_person: NewPerson) -> None:
    bench = open_bench([f"Text {number}" for number in range(20)], **OF_A_RUN)
    ada = new_person(bench)
    ada.see_object()
    batch = bench.workbench.batch(bench.batch_id)
    before = {"id": "run-round-000", "state": "closed", "created": batch.created - 100, "total": 0}
    earlier = batch.model_copy(update={**before, "closing_since": batch.created - 40})
    bench.workbench.store.add_batch(earlier, [])
    bench.workbench.close(bench.batch_id, "Olga")
    ada.see_panel("Nothing to label now")
    assert "Lately, that took about 40 seconds." in ada.page.inner_text("#panel-text")
    assert not ada.page.get_by_text("not taken").count(), "nobody has labeled in vain"


def test_who_is_at_work_hears_that_the_work_is_over(open_bench: OpenBench, new_person: NewPerson) -> None:
    farewell = Farewell()
    bench = open_bench([f"Text {number}" for number in range(20)], application={"farewell": farewell})
    ada = new_person(bench)
    ada.see_object()
    told = threading.Thread(target=farewell.say)
    told.start()
    ada.see_panel("That was all. Thank you")
    told.join(60)
    assert not told.is_alive()


def test_answers_that_come_too_late_are_counted(open_bench: OpenBench, new_person: NewPerson) -> None:
    bench = open_bench([f"Text {number}" for number in range(20)], **OF_A_RUN)
    ada = new_person(bench)
    ada.see_object()
    ada.hold_more()
    ada.context.set_offline(True)
    ada.press("1", "Enter", "2", "Enter", "3", "Enter")
    bench.workbench.close(bench.batch_id, "Olga")
    ada.context.set_offline(False)
    ada.page.get_by_text("3 answers were not taken: ").wait_for()
    ada.see_panel("Nothing to label now")


def test_who_missed_the_farewell_reads_of_no_failure(open_bench: OpenBench, new_person: NewPerson) -> None:
    bench = open_bench(["Only text"], **OF_A_RUN)
    ada = new_person(bench)
    ada.see_object()
    ada.press("1", "Enter")
    ada.see_panel("Nothing to label now")
    ada.context.set_offline(True)
    ada.see_panel("The workbench does not answer")
    assert ada.page.get_attribute("#panel-mark", "data-mark") == "wait"
