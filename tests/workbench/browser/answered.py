"""A batch that two people have answered, and disagree about in part."""

from labelloop.workbench.opening import Asked

from .conftest import Bench, OpenBench

TEXTS = (
    "Shares of the chip maker rise after a strong quarter, while the market waits for the central bank",
    "A vaccine against malaria shows lasting protection in a large trial",
    "The film festival opens with a comedy about a family of bakers",
    "Telescope finds water vapor around a distant planet",
    "New phone folds three times, and costs as much as a used car",
    "<b>Hostile</b> pay\u200bpal \u202e text " + "with many long words " * 30,
)
SAID = {"Ben": (0, 2, 1, 3, 4, 1), "<i>Cleo</i>": (0, 2, 1, 3, 0, None)}


def disputed_bench(open_bench: OpenBench, more: int = 0) -> Bench:
    """The texts, answered by two; `more` further objects that both agree about."""
    asked = [Asked(number, text, None, guess=(4, 0.62)) for number, text in enumerate(TEXTS)]
    asked += [Asked(len(TEXTS) + number, f"More text {number}", None) for number in range(more)]
    bench = open_bench(
        [*asked, Asked(9_999, "Still open", None)], people_per_object=2, show_guess=True, decidable=True
    )
    workbench = bench.workbench
    for person, labels in SAID.items():
        while tasks := [
            task for task, _ in workbench.next_tasks(person, 20).tasks if task.object_id < len(asked)
        ]:
            for task in sorted(tasks, key=lambda task: task.object_id):
                label = labels[task.object_id] if task.object_id < len(TEXTS) else 1
                if label is None:
                    workbench.skip(bench.batch_id, task.id, person, "two topics at once")
                else:
                    workbench.answer(bench.batch_id, task.id, person, label, 3.2 + task.object_id)
    return bench


def dispute(bench: Bench) -> None:
    """Has two people answer up to five objects, and disagree about each."""
    for person, label in (("Ben", 0), ("Cleo", 1)):
        for task, _ in bench.workbench.next_tasks(person, 5).tasks:
            bench.workbench.answer(bench.batch_id, task.id, person, label)
