"""People at the labeling web application, batch after batch."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from labelloop.core.manifest.lines import ID_KEY, LabelAttribute, object_id, parse_record
from labelloop.in_memory.batch_run import Answers, Batch
from labelloop.in_memory.workbench_folder import WorkbenchFolder
from labelloop.workbench import tasks
from labelloop.workbench.batch_closed import BatchClosed
from labelloop.workbench.closing import Closing
from labelloop.workbench.deployment import OpenedWorkbench
from labelloop.workbench.earlier_batches import EarlierBatches
from labelloop.workbench.local_files import LocalFiles
from labelloop.workbench.opening import Asked, open_batch
from labelloop.workbench.server import listening
from labelloop.workbench.serving import Say, serve_workbench
from labelloop.workbench.sqlite_store import SqliteTaskStore

_ATTRIBUTE = LabelAttribute("label")


@dataclass(frozen=True)
class PeopleAtWorkbench:
    """People who are asked about texts."""

    folder: WorkbenchFolder
    kind: str  # of the run: its batches are named after it
    texts: Sequence[str]
    classes: tuple[str, ...]
    store: SqliteTaskStore
    closing: Closing
    ended: BatchClosed

    @classmethod
    @contextlib.contextmanager
    def serving(
        cls,
        say: Say,
        folder: WorkbenchFolder,
        kind: str,
        texts: Sequence[str],
        classes: tuple[str, ...],
        *,
        host: str,
        port: int,
    ) -> Iterator["PeopleAtWorkbench"]:
        """Serve the workbench for as long as the run asks."""
        with listening(host, port) as listener, contextlib.closing(SqliteTaskStore(folder.store)) as store:
            ended = BatchClosed()
            closing = Closing(store, LocalFiles(), ended)
            closing.go_on()
            with serve_workbench(say, listener, OpenedWorkbench(store, closing), folder.key):
                yield cls(folder, kind, texts, classes, store, closing, ended)

    def ask(self, batch: Batch) -> Answers:
        """Waits until the batch is closed."""
        name = f"batch-{batch.number:03d}"
        selection = self.folder.batches / f"{name}.manifest"
        output = self.folder.batches / f"{name}-labeled.manifest"
        files = LocalFiles()
        self.ended.event.clear()
        asked = list(self._asked(batch))
        files.write_lines(
            str(selection), (orjson.dumps({ID_KEY: one.object_id, "source": one.text}) for one in asked)
        )
        if open_batch(self.store, self._batch(batch, selection, output), asked).state != "closed":
            self.ended.event.wait()
        return _answers_in(output)

    def _asked(self, batch: Batch) -> Iterator[Asked]:
        """People who have answered about an object already are asked last."""
        earlier = EarlierBatches()
        if len(batch.again):
            earlier = self._earlier(batch)
        for number in batch.asked.tolist():
            text = self.texts[number]
            yield Asked(number, text, None, answered_before=earlier.who_answered(number))

    def _earlier(self, batch: Batch) -> EarlierBatches:
        return EarlierBatches.of_run(self.store, map(self._id, range(1, batch.number)))

    def _id(self, number: int) -> str:
        return f"{self.kind}-{number:03d}"

    def _batch(self, batch: Batch, selection: Path, output: Path) -> tasks.Batch:
        return tasks.Batch(
            id=self._id(batch.number),
            run=self.folder.out.name,
            round=batch.number,
            kind="text",
            title="Choose the class",
            short_instructions="Choose the one class that fits best.",
            full_instructions="Choose the one class that fits best. Skip what you cannot judge.",
            classes=self.classes,
            label_attribute=_ATTRIBUTE.name,
            total=0,
            created=time.time(),
            selection_uri=str(selection),
            output_uri=str(output),
            people=self._earlier(batch).people,
            more_follow=True,
        )


def _answers_in(output: Path) -> Answers:
    """Labels, and None for what was skipped; what nobody answered before the batch was closed is left out."""
    answers: dict[int, int | None] = {}
    for line in LocalFiles().read_lines(str(output)):
        record = parse_record(line)
        if _ATTRIBUTE.name in record:
            answers[object_id(line)] = int(record[_ATTRIBUTE.name])
        elif _ATTRIBUTE.metadata in record:
            answers[object_id(line)] = None
    return answers
