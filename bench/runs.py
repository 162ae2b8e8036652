"""Many runs, on all cores, with a bar that says how long it still takes."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from threadpoolctl import threadpool_limits

Task = TypeVar("Task")
Result = TypeVar("Result")

console = Console(stderr=True)

# Read by numpy's and scikit-learn's libraries once, when they load.
_THREADS_OF_LIBRARIES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def run_all(
    title: str, function: Callable[[Task], Result], tasks: Sequence[Task], jobs: int
) -> Iterator[tuple[Task, Result]]:
    """Each task with its result, as they come; one thread of numpy's a process, as more only wait."""
    columns = (
        TextColumn(title),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left:"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        yield from progress.track(_results(function, tasks, jobs), total=len(tasks))


def cores() -> int:
    return os.cpu_count() or 1


def _results(
    function: Callable[[Task], Result], tasks: Sequence[Task], jobs: int
) -> Iterator[tuple[Task, Result]]:
    if jobs == 1:
        with threadpool_limits(1):
            for task in tasks:
                yield task, function(task)
        return
    # What is spawned below inherits it. Libraries that are told after they have loaded keep threads that wait
    # for work: two processes slowed each other five- to twenty-five-fold.
    os.environ.update(dict.fromkeys(_THREADS_OF_LIBRARIES, "1"))
    # Not forked: TensorFlow does not live through that.
    with ProcessPoolExecutor(jobs, get_context("spawn"), initializer=one_thread) as pool:
        running = {pool.submit(function, task): task for task in tasks}
        for done in as_completed(running):
            yield running[done], done.result()


def one_thread() -> None:
    """Have numpy's libraries use one thread, for the life of the process."""
    threadpool_limits(1)
