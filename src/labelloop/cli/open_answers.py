"""Answers that are not labels yet: people gave them in a batch that is not closed."""

import contextlib
import sqlite3
from pathlib import Path

from labelloop.in_memory.workbench_folder import WorkbenchFolder


def open_answers(run: Path) -> int:
    """How many there are in the folder of a run; 0 without a workbench, or if it cannot be read."""
    path = WorkbenchFolder(run).store
    if not path.is_file():
        return 0
    # Imported here: most runs have ended, or have no workbench, and it takes a while.
    from labelloop.workbench.sqlite_store import SqliteTaskStore

    try:
        with contextlib.closing(SqliteTaskStore(path)) as store:
            return sum(len(task.answers) for batch in store.unfinished() for task in store.tasks(batch.id))
    except (OSError, sqlite3.Error):
        # It may be somebody else's folder, or a copy that is damaged: the labels can be told all the same.
        return 0
