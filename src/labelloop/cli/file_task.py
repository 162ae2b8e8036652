"""What `labelloop label-file` is to do, and the folder it works in."""

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from labelloop.cli.labels_so_far import LABELS_FILE, RUN
from labelloop.cli.run import People
from labelloop.cli.run_folder import RunFolder
from labelloop.core.errors import RequestError
from labelloop.core.settings import LoopSettings
from labelloop.core.sizes import default_batch_size, default_start_size, largest_batch, resolve_size
from labelloop.preparation import Preparation, PreparationOptions, TableFormat
from labelloop.preparation.options import DEFAULT_BUCKET
from labelloop.preparation.output_folder import OutputFolder
from labelloop.work_folder.json_file import write_json
from labelloop.work_folder.kept_settings import changed_settings, file_digest
from labelloop.workflow.request import parse_settings

# Fields whose option has another name than they have.
_OPTIONS = {
    "column_names": "--columns",
    "quoted": "--quotes",
    "escaped": "--backslashes",
    "prior_columns": "--prior-column",
}
_PREPARATION = (
    "classes",
    "class_names",
    "sample",
    "skip_bad_rows",
    "missing",
    "exact_labels",
    "merge_case",
    "bucket",
)
# What may change while the labels stay: how many are asked for, at a time and in all, and what is promised.
_CHANGEABLE = (
    "--target-error",
    "--confidence",
    "--certificate-for",
    "--budget",
    "--batch-size",
    "--label-ahead",
)
_PROMISE = ("TargetError", "Confidence", "CertificateFor")
_ROWS = "rows"


class WhoLabels(StrEnum):
    """Where people label, or who stands in for them."""

    WORKBENCH = "workbench"
    FILE = "file"
    SIMULATED = "simulated"

    @property
    def backend(self) -> People:
        """Those whom the run waits for."""
        return People.SIMULATED if self is WhoLabels.SIMULATED else People.WORKBENCH


@dataclass(frozen=True)
class FileTask:
    """The files, how they are read, who labels, and how many labels they may be asked for."""

    files: list[Path]
    table_format: TableFormat
    preparation: PreparationOptions
    people: WhoLabels
    loop: dict[str, Any]  # fields of the request's block; None for the default
    budget: int | None
    batch_size: float | None
    label_ahead: float | None = None  # a share of a batch

    def check(self) -> None:
        """Raises RequestError for what the loop cannot do, before any file is read."""
        if self.label_ahead and self.people is not WhoLabels.WORKBENCH:
            raise RequestError("--label-ahead is for people at the workbench: leave it out")
        parse_settings({name: value for name, value in self.active_learning().items() if value is not None})

    def promise(self) -> LoopSettings:
        """What is promised, and nothing else of the settings."""
        given = {name: value for name, value in self.loop.items() if name in _PROMISE and value is not None}
        block = parse_settings(given)
        return LoopSettings(
            target_error=block.target_error,
            confidence=block.confidence,
            certificate_for=block.certificate_for,
        )

    def check_people(self, preparation: Preparation) -> None:
        """Raises RequestError when these people have nothing to label, or know too little."""
        known, rows = preparation.rows - preparation.unknown, preparation.rows
        if self.people is WhoLabels.SIMULATED and known < rows:
            raise RequestError(
                f"simulated people know the file's own labels, and {rows - known:,} of {rows:,} rows have "
                "none: leave out --people simulated, and label yourself"
            )
        if self.people is not WhoLabels.SIMULATED and known == rows:
            raise RequestError(
                "every row has a label already. To see how few of them people would have had to give, add "
                "--people simulated; to find out how wrong they are, use `labelloop audit`"
            )

    def active_learning(self) -> dict[str, Any]:
        """The request's block; None for a default."""
        ahead = None if self.label_ahead is None else {"LabelAheadShare": self.label_ahead}
        return {
            **self.loop,
            "MaxHumanLabels": self.budget,
            "BatchSize": self.batch_size,
            "Workbench": ahead,
        }

    def answers_before_the_model(self, preparation: Preparation) -> int:
        """How many people give before there is a model."""
        simulated = self.people is WhoLabels.SIMULATED
        known = 0 if simulated else preparation.rows - preparation.unknown
        return max(0, default_start_size(preparation.rows, self.budget) - known)

    def plan(self, rows: int, start: int = 0) -> str:
        """In words: how many answers people are asked for, `start` of them first, and how many at a time."""
        batch = resolve_size(self.batch_size or default_batch_size(rows, self.budget), rows)
        most = "" if self.budget is None else f"at most {min(self.budget, rows):,} answers, "
        first = f"{start:,} at first, drawn at random, then " if start else ""
        waits = self.people is WhoLabels.WORKBENCH and not self.label_ahead
        follows_pace = waits and self.batch_size is None
        later = f"{batch:,} to {largest_batch(batch):,}" if follows_pace else f"{batch:,}"
        return (
            f"People are asked for {most}{first}{later} at a time. After each batch the model learns from "
            "the answers, and chooses what to ask next."
        )

    def settings(self) -> dict[str, Any]:
        """By the names of the options. The same command is one with the same settings."""
        options = {name: getattr(self.preparation, name) for name in _PREPARATION}
        fields = {**asdict(self.table_format), **options}
        settings = {
            "FILE": file_digest(self.files),
            **{_OPTIONS.get(name, _option(name)): value for name, value in fields.items()},
            "--people": self.people.value,
            "--target-error": self.loop["TargetError"],
            "--confidence": self.loop["Confidence"],
            "--certificate-for": self.loop["CertificateFor"],
            "--model": self.loop["Model"],
            "--seed": self.loop["Seed"],
            "--budget": self.budget,
            "--batch-size": self.batch_size,
            "--label-ahead": self.label_ahead,
        }
        # As they are read again: JSON knows no tuples.
        read: dict[str, Any] = json.loads(json.dumps(settings))
        return read


def _option(field: str) -> str:
    return "--" + field.replace("_", "-")


@dataclass(frozen=True)
class FileFolder:
    """The folder that the same command returns to until everything is labeled."""

    out: Path

    @property
    def labels(self) -> Path:
        return self.out / LABELS_FILE

    @property
    def prepared(self) -> OutputFolder:
        return OutputFolder(self.out, DEFAULT_BUCKET)

    @property
    def run(self) -> RunFolder:
        return RunFolder(self.out / RUN)

    @property
    def _settings(self) -> Path:
        return self.out / "label-file.json"

    def refuse_other_work(self) -> None:
        """Raises RequestError when something else has written into the folder."""
        if self._settings.exists():
            return
        held = sorted(path.name for path in self.out.iterdir() if path.suffix != ".writing")
        if held:
            raise RequestError(
                f"{self.out} holds {held[0]}, which label-file did not write: choose another --out"
            )

    def claim(self) -> None:
        """From then on the folder is in use; which settings it belongs to is open until a run begins."""
        write_json(self._settings, {})

    def keep(self, task: FileTask, rows: int) -> None:
        """Record what the labels belong to, and how many rows there are."""
        write_json(self._settings, {**task.settings(), _ROWS: rows})

    @property
    def rows(self) -> int:
        """As `keep` recorded them."""
        return int(json.loads(self._settings.read_bytes())[_ROWS])

    def changed(self, task: FileTask) -> list[str]:
        """The options that differ from those of the last call; people's labels stay with any of them.

        Raises RequestError when the labels belong to other files, or to settings that cannot change.
        """
        changed = changed_settings(self._settings, task.settings())
        if other := [name for name in changed if name not in _CHANGEABLE]:
            raise RequestError(
                f"{self.out} holds the labeling of something else: {', '.join(other)} "
                f"differ{'s' if len(other) == 1 else ''}. To continue it, use the same files and options; "
                "to start another, choose another --out"
            )
        return changed
