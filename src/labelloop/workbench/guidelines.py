"""The guidelines of a run: what people read while they label. Each save is a version, which never changes."""

import time
from collections.abc import Callable, Sequence

from labelloop.workbench.errors import ConflictError, RefusedError
from labelloop.workbench.retrying import until_written
from labelloop.workbench.store import TaskStore
from labelloop.workbench.tasks import Batch, GuidelinesVersion

# As long as a request's may be.
LONGEST_SHORT = 2000
LONGEST_TEXT = 50_000
LONGEST_DESCRIPTION = 300
# The versions that a page lists.
MOST_LISTED = 30


class Guidelines:
    """The rules of guidelines. All batches of a run share them. The first version is the request's."""

    def __init__(self, store: TaskStore, *, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock

    def of(self, batch: Batch) -> GuidelinesVersion:
        """The version under which people label the batch. The first one takes no reading."""
        found = self._store.guidelines(batch.lineage, batch.guidelines) if batch.guidelines > 1 else None
        return found or _of_request(batch)

    def versions(self, batch: Batch, most: int = MOST_LISTED) -> list[GuidelinesVersion]:
        """The versions of a batch's run, the newest first; only the newest `most`, and the request's."""
        return [*self._store.newest_guidelines(batch.lineage, most), _of_request(batch)]

    def save(
        self, batch: Batch, owner: str, base: int, *, short: str, text: str, classes: Sequence[str]
    ) -> GuidelinesVersion:
        """Store a version that an owner made of the version `base`, and give it to who labels now.

        The same again, from the same owner, changes nothing: an answer of ours may be lost on its way. Raises
        RefusedError if there is a newer version than `base`, or if nothing has changed.
        """
        if len(classes) != len(batch.classes):
            raise RefusedError("the classes of this run are others: load the page again")
        saved = GuidelinesVersion(
            run=batch.lineage,
            number=base + 1,
            at=self._clock(),
            by=owner,
            short=short.strip(),
            text=text.strip(),
            classes=tuple(" ".join(line.split()) for line in classes),
        )
        (newest, *_) = self.versions(batch, 1)
        if newest.number == base and newest.says_the_same_as(saved):
            self._reach_batches(batch.lineage)
            raise RefusedError(f"nothing has changed since version {base}")
        if newest.number == saved.number and newest.by == owner and newest.says_the_same_as(saved):
            saved = newest
        elif newest.number != base:
            raise RefusedError(_not_first(newest.number))
        else:
            self._add(saved)
        self._reach_batches(batch.lineage)
        return saved

    def _reach_batches(self, lineage: str) -> None:
        """Also what an interrupted save has left undone."""
        for running in self._store.unfinished():
            if running.lineage == lineage:
                with_newest_guidelines(self._store, running)

    def _add(self, version: GuidelinesVersion) -> None:
        try:
            self._store.add_guidelines(version)
        except ConflictError as error:
            raise RefusedError(_not_first(version.number)) from error


def with_newest_guidelines(store: TaskStore, batch: Batch) -> Batch:
    """The stored batch, with its run's newest version if people still label it."""

    def write() -> Batch:
        current = store.batch(batch.id)
        assert current is not None, batch.id
        number = newest_number(store, current)
        if current.guidelines >= number or current.state in ("closing", "closed"):
            return current
        return store.save_batch(current.model_copy(update={"guidelines": number}))

    return until_written(write)


def newest_number(store: TaskStore, batch: Batch) -> int:
    """The number of the newest version that a batch's run has."""
    return next((one.number for one in store.newest_guidelines(batch.lineage, 1)), 1)


def require_version(batch: Batch, number: int | None) -> None:
    """Raises RefusedError unless the batch's run has the version. A page of an earlier release names none."""
    if number is not None and not 1 <= number <= batch.guidelines:
        raise RefusedError(f"there is no version {number} of the guidelines: load the page again")


def _of_request(batch: Batch) -> GuidelinesVersion:
    return GuidelinesVersion(
        run=batch.lineage,
        number=1,
        at=batch.created,
        by=None,
        short=batch.short_instructions,
        text=batch.full_instructions,
        classes=("",) * len(batch.classes),
    )


def _not_first(number: int) -> str:
    return f"somebody has saved version {number} of the guidelines before you"
