"""A run whose people label with a spreadsheet: it stops at each batch, and goes on once that is filled in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from labelloop.answer_files.batch_file import CANNOT_SAY, BatchFile, Question
from labelloop.cli.batches_in_files import hand_out, take_in
from labelloop.cli.labels_so_far import newest_state
from labelloop.cli.run_folder import RunRecord, local_path
from labelloop.core.ledger import Ledger
from labelloop.core.manifest.lines import (
    append_fields,
    failure_metadata,
    labeled_line,
    object_id,
    parse_record,
)
from labelloop.preparation import KeptRows
from labelloop.preparation.output_folder import replacing
from labelloop.workflow.run_files import labeling_output
from labelloop.workflow.run_state import Labeling, RunState


@dataclass(frozen=True)
class BatchesInFiles:
    """The batches of a run, in the folder of its data."""

    out: Path
    record: RunRecord

    def ready(self, console: Console) -> bool:
        """Whether the run can go on. If not, it is told what people have to do first.

        Raises RequestError for a batch that cannot be read.
        """
        state = newest_state(Path(self.record.s3_root), self.record)
        if state is None or state.labeling is None or self._output(state.labeling).exists():
            return True
        lines = self._path(state.labeling.selection_s3_uri).read_bytes().splitlines()
        asked = [object_id(line) for line in lines]
        file = BatchFile(self.out / f"to-label-{state.round:03d}.csv", state.label_categories.names)
        if not file.path.exists():
            hand_out(console, file, self._questions(lines, state))
            return False
        answers = take_in(console, file, asked)
        if answers is None:
            return False
        self._write_output(state, state.labeling, lines, answers)
        return True

    def _path(self, uri: str) -> Path:
        return local_path(Path(self.record.s3_root), uri)

    def _output(self, labeling: Labeling) -> Path:
        return self._path(labeling_output(labeling.output_folder_s3_uri, labeling.job_name))

    def _questions(self, lines: Sequence[bytes], state: RunState) -> list[Question]:
        ledger = Ledger.from_bytes(self._path(state.ledger_s3_uri).read_bytes())
        with KeptRows.open(self.out) as kept:
            line_of = {row.number: row.line for row in kept}
        return [
            Question(
                number=number,
                line=line_of[number],
                text=str(parse_record(line)["source"]),
                again=bool(ledger.times_asked[number] > 1),
            )
            for line in lines
            for number in [object_id(line)]
        ]

    def _write_output(
        self, state: RunState, labeling: Labeling, lines: Sequence[bytes], answers: dict[int, int | None]
    ) -> None:
        """As a labeling job would have written it: the resumed run finds it there."""
        attribute, names = state.label_attribute, state.label_categories.names
        told = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "job_name": labeling.job_name}
        path = self._output(labeling)
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            for line in lines:
                answer = answers[object_id(line)]
                if answer is None:
                    reason = f"people answered {CANNOT_SAY}: they cannot say"
                    metadata = failure_metadata(reason=reason, **told)
                    labeled = append_fields(line, {attribute.metadata: metadata})
                else:
                    labeled = labeled_line(line, attribute, answer, class_name=names[answer], **told)
                file.write(labeled + b"\n")
