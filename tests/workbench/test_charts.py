"""The numbers of people's answers, and their charts."""

import pytest

from labelloop.workbench.answer_numbers import numbers_of_answers
from labelloop.workbench.pages.charts import charts_view

from .conftest import CLASSES, Desk, SignIn


def say(desk: Desk, batch_id: str, person: str, labels: list[int | None], seconds: float = 2.0) -> None:
    """What a person says about the objects 0, 1, ...; None is a skip."""
    for task, _ in desk.workbench.next_tasks(person, 20).tasks:
        label = labels[task.object_id]
        if label is None:
            desk.workbench.skip(batch_id, task.id, person, "no")
        else:
            desk.workbench.answer(batch_id, task.id, person, label, seconds)


def test_classes_confusion_and_time_are_counted_over_the_batches_of_a_run(sqlite_desk: Desk) -> None:
    for batch_id, run in (("first", "run-1"), ("elsewhere", "run-2")):
        sqlite_desk.open(
            ["a", "b", "c"], batch_id=batch_id, run=run, people_per_object=2, created=sqlite_desk.clock()
        )
        say(sqlite_desk, batch_id, "ann", [0, 1, 2], 2.0)
        say(sqlite_desk, batch_id, "bob", [0, 0, None], 4.0)
    second = sqlite_desk.open(["d"], batch_id="second", people_per_object=2)
    say(sqlite_desk, "second", "ann", [1], 60.0)
    say(sqlite_desk, "second", "bob", [0], 3.0)
    numbers = numbers_of_answers(sqlite_desk.store, sqlite_desk.workbench.batch(second.id))
    assert numbers.answers == {"fruit": 4, "metal": 2, "river": 1}
    assert (numbers.confused, numbers.same) == ({("fruit", "metal"): 2}, {"fruit": 1})
    assert numbers.compared == 3
    assert numbers.seconds_of_class == {"fruit": 3.5, "metal": 31.0, "river": 2.0}
    assert sorted(numbers.seconds) == [2.0, 2.0, 2.0, 3.0, 4.0, 4.0, 60.0]
    assert (numbers.batches, numbers.is_whole) == (2, True)


def test_the_page_names_the_classes_that_people_confuse_most(sqlite_desk: Desk, sign_in: SignIn) -> None:
    rita = sign_in("Rita")
    assert "Nobody has answered yet." in rita.get("/answers/charts").text
    sqlite_desk.open(["a", "b"], people_per_object=2, classes=("<i>x</i>", *CLASSES))
    say(sqlite_desk, "batch-1", "ann", [0, 1])
    say(sqlite_desk, "batch-1", "bob", [1, 1])
    page = rita.get("/answers/charts").text
    assert "<bdi>&lt;i&gt;x&lt;/i&gt;</bdi> and <bdi>fruit</bdi>" in page
    assert "4 answers (Which class?)." in page
    assert "answered about the same object 2 times, and differed once" in page


@pytest.mark.parametrize("classes", [2, 150])
def test_the_charts_of_few_and_of_many_classes(sqlite_desk: Desk, classes: int) -> None:
    names = tuple(f"class {number}" for number in range(classes))
    sqlite_desk.open(map(str, range(classes)), classes=names)
    say_all = list(range(classes))
    while sqlite_desk.workbench.current_batch():
        say(sqlite_desk, "batch-1", "ann", [*say_all])
    batch = sqlite_desk.workbench.batch("batch-1")
    view = charts_view(batch, numbers_of_answers(sqlite_desk.store, batch))
    assert [row.answers for row in view.classes] == ["1"] * classes
    assert view.of_pairs.startswith("No object has answers of two people")
    assert view.durations is not None


def test_only_reviewers_see_the_charts(sqlite_desk: Desk, sign_in: SignIn) -> None:
    ann = sign_in("Rita").shared()
    ann.post("/api/sign-in", {"name": "Ann"})
    assert ann.get("/answers/charts").status_code == 403
