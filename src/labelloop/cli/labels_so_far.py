"""The labels that a run has given so far, under way or ended, as its files have them.

Everything is read from files that are never written again, so the run need not be stopped. Answers of the
batch that is open now are not among them: they are labels once the batch is closed.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from labelloop.cli.run_folder import RunFolder, RunRecord, local_path, read_request
from labelloop.cli.second_look import CheckedLabels, checked_labels
from labelloop.core.errors import RequestError
from labelloop.core.ledger import Ledger
from labelloop.core.manifest.label_categories import LabelCategories, parse_label_categories
from labelloop.core.manifest.lines import LabelAttribute
from labelloop.preparation import KeptRows
from labelloop.preparation.kept_rows import KEPT_ROWS_FILE
from labelloop.preparation.output_folder import REQUEST_FILE, S3_ROOT
from labelloop.results import check_format, labeled_table, read_labels, write_table
from labelloop.work_folder.kept_settings import LABEL_SETTINGS
from labelloop.workflow.run_files import RunFiles
from labelloop.workflow.run_state import RunState

RUN = "run"
LABELS_FILE = "labels.csv"


@dataclass(frozen=True)
class LabelsSoFar:
    """A manifest, with the round of each label where the run's ledger tells it, and the rows it is of.

    `run`: the folder of the run on this machine, None for one on AWS.
    """

    prepared: Path
    manifest: Path
    attribute: LabelAttribute
    categories: LabelCategories
    run: Path | None = None
    rounds: npt.NDArray[np.uint16] | None = None
    checked: CheckedLabels = field(default_factory=dict)

    def write(self, path: Path) -> tuple[int, int]:
        """Write all rows, with their labels. Returns how many have one, and how many there are.

        Raises OptionError for a format that cannot be written, ManifestError for the labels of other rows.
        """
        check_format(path)
        with KeptRows.open(self.prepared) as kept, self._lines() as lines:
            labels = read_labels(lines, self.attribute, self.categories, self.rounds, self.checked)
            return write_table(path, labeled_table(kept, labels))

    @contextmanager
    def _lines(self) -> Iterator[Iterator[bytes]]:
        with self.manifest.open("rb") as file:
            yield iter(file)


def labels_so_far(folder: Path, *, run: Path | None = None, manifest: Path | None = None) -> LabelsSoFar:
    """What there is in a folder of `label-file`, `prepare` or `run`.

    `run`: the folder of the run, where it is somewhere else. `manifest`: an output manifest, of a run on AWS.

    Raises RequestError when nothing was prepared there, or the manifest is no file.
    """
    if (folder / LABEL_SETTINGS).exists() and manifest is None:
        raise RequestError(
            f"{folder} is of labelloop.label, in Python: its {LABELS_FILE} has the labels so far, and the "
            "same call goes on. With --manifest, the labels of a run on AWS are joined to its rows"
        )
    if manifest is not None and not manifest.is_file():
        raise RequestError(
            f"there is no file {manifest}: `labelloop fetch` downloads the output of a run on AWS"
        )
    run_folder = run or (folder if (folder / "run.json").exists() else folder / RUN)
    record = RunFolder(run_folder).load()
    if run is not None and record is None:
        raise RequestError(f"there is no run in {run}")
    prepared = _prepared(folder, record)
    request = record.request if record else read_request(prepared / REQUEST_FILE)
    attribute = LabelAttribute(request["LabelAttributeName"])
    s3_root = prepared / S3_ROOT
    categories = _categories(s3_root, request)
    if manifest is None and record is not None and (state := newest_state(s3_root, record)):
        ledger = Ledger.from_bytes(local_path(s3_root, state.ledger_s3_uri).read_bytes())
        path = local_path(s3_root, state.manifest_s3_uri)
        checked = checked_labels(RunFolder(run_folder), record, attribute)
        return LabelsSoFar(prepared, path, attribute, categories, run_folder, ledger.rounds, checked)
    # Before the first snapshot, there are the labels that the files brought.
    uri = request["InputConfig"]["DataSource"]["S3DataSource"]["ManifestS3Uri"]
    if manifest is not None:
        return LabelsSoFar(prepared, manifest, attribute, categories)
    return LabelsSoFar(prepared, local_path(s3_root, uri), attribute, categories, run_folder)


def has_rows(folder: Path, record: RunRecord) -> bool:
    """Whether there are rows to join the labels to."""
    return any((each / KEPT_ROWS_FILE).is_file() for each in _candidates(folder, record))


def _candidates(folder: Path, record: RunRecord | None) -> list[Path]:
    """The folder that was named, and that whose S3 the run uses."""
    return [folder, *([Path(record.s3_root).parent] if record else []), folder.resolve().parent]


def _prepared(folder: Path, record: RunRecord | None) -> Path:
    """The folder with the kept rows."""
    for candidate in _candidates(folder, record):
        if (candidate / KEPT_ROWS_FILE).is_file():
            return candidate
    raise RequestError(
        f"there is no {KEPT_ROWS_FILE} in {folder}: name the folder that `labelloop label-file` or "
        "`labelloop prepare` wrote. A run's labels are joined to the rows that are kept there"
    )


def _categories(s3_root: Path, request: dict[str, Any]) -> LabelCategories:
    return parse_label_categories(local_path(s3_root, request["LabelCategoryConfigS3Uri"]).read_bytes())


def newest_state(s3_root: Path, record: RunRecord) -> RunState | None:
    """The last snapshot of the run; None before the first."""
    output_path = record.request["OutputConfig"]["S3OutputPath"].rstrip("/")
    for name in reversed(record.executions):
        files = RunFiles(f"{output_path}/{name}/")
        folder = local_path(s3_root, files.prefix)
        uris = [files.prefix + path.relative_to(folder).as_posix() for path in folder.rglob("state.json")]
        if newest := files.newest_snapshot(uris):
            return RunState.read(json.loads(local_path(s3_root, newest).read_bytes()))
    return None
