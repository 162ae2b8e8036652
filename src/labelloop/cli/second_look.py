"""A second look by people at the labels of a run that are most likely wrong.

They do not see the label that is there. Each execution has its own folder: one that went on later may have
given other labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from labelloop.cli.labeling_folder import LabelingFolder
from labelloop.cli.run_folder import RunFolder, RunRecord
from labelloop.core.manifest.lines import LabelAttribute, parse_record
from labelloop.reporting.check_list import Doubtful, doubtful_objects
from labelloop.workbench.local_files import LocalFiles

_LINE = "line"  # of the run's output manifest, from 1
_SHOWN = ("source", "source-ref")

CheckedLabels = Mapping[int, Mapping[str, Any]]


@dataclass(frozen=True)
class Found:
    """Of labels that were looked at again: how many, and how many people now gave another."""

    looked_at: int = 0
    changed: int = 0

    def with_one(self, *, changed: bool) -> Found:
        return Found(self.looked_at + 1, self.changed + changed)


def look_again_folder(run: RunFolder, record: RunRecord) -> LabelingFolder:
    """Where people's answers about the labels of the last execution are kept."""
    return LabelingFolder((run.checks / record.executions[-1]).resolve())


def doubtful_labels(run: RunFolder, attribute: LabelAttribute) -> list[Doubtful]:
    """What `check.csv` lists."""
    with run.manifest.open("rb") as lines:
        return doubtful_objects(run.read_report(), lines, attribute.name)


def write_questions(run: RunFolder, doubtful: Iterable[Doubtful], folder: LabelingFolder) -> None:
    """Write the manifest that people are asked about: no labels, and the most doubtful first."""
    wanted = {entry.line: b"" for entry in doubtful}
    with run.manifest.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if number in wanted:
                record = parse_record(line)
                shown = {key: record[key] for key in _SHOWN if key in record}
                wanted[number] = orjson.dumps({**shown, _LINE: number})
    LocalFiles().write_lines(str(folder.questions), wanted.values())


def checked_labels(run: RunFolder, record: RunRecord, attribute: LabelAttribute) -> CheckedLabels:
    """The fields of the labels that people gave when they looked again, by the number of a line, from 0."""
    checked: dict[int, Mapping[str, Any]] = {}
    for name in record.executions:
        for answer in _answers(LabelingFolder(run.checks / name)):
            if attribute.name in answer:
                fields = {key: answer[key] for key in (attribute.name, attribute.metadata)}
                checked[answer[_LINE] - 1] = fields
    return checked


def found_by_labeler(
    doubtful: Iterable[Doubtful], checked: CheckedLabels, attribute: LabelAttribute
) -> dict[str, Found]:
    """What the second look found, by who had given the label before."""
    found: dict[str, Found] = {}
    for entry in doubtful:
        if (fields := checked.get(entry.line - 1)) is not None:
            changed = fields[attribute.metadata]["class-name"] != entry.label
            found[entry.labeled_by] = found.get(entry.labeled_by, Found()).with_one(changed=changed)
    return found


def _answers(folder: LabelingFolder) -> Iterator[dict[str, Any]]:
    if folder.output.exists():
        yield from map(parse_record, LocalFiles().read_lines(str(folder.output)))
