"""The folder of `labelloop label`: the data, the answers so far, and the output."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from labelloop.core.errors import RequestError
from labelloop.core.manifest.input_manifest import InputManifest
from labelloop.core.manifest.label_categories import LabelCategories
from labelloop.core.manifest.lines import LabelAttribute, object_id, parse_record, remove_id
from labelloop.workbench.local_files import LocalFiles

# What the answers belong to.
_RECORD = "label.json"
# Files that a run, or something unknown, has left.
_OTHER_WORK = ("run.json", "workbench.sqlite", "output.manifest")


@dataclass(frozen=True)
class LabelingFolder:
    """The folder that the same command returns to until everything is labeled."""

    path: Path

    @property
    def store(self) -> Path:
        return self.path / "workbench.sqlite"

    @property
    def key(self) -> Path:
        return self.path / "workbench.key"

    @property
    def questions(self) -> Path:
        """A manifest that the command itself wrote, not the user."""
        return self.path / "questions.manifest"

    @property
    def selection(self) -> Path:
        """The lines that people are asked about."""
        return self.path / "selection.manifest"

    @property
    def answers(self) -> Path:
        """The batch's output: the lines that people were asked about, with labels if they answered."""
        return self.path / "labeled.manifest"

    @property
    def output(self) -> Path:
        return self.path / "output.manifest"

    @property
    def _all_lines(self) -> Path:
        return self.path / "working.manifest"

    def require_same(self, labeling: Mapping[str, object]) -> None:
        """Raises RequestError when the folder contains answers of another labeling, or a run.

        `labeling`: what the answers belong to, by the names of the options.
        """
        if self.path.exists() and not self.path.is_dir():
            raise RequestError(f"{self.path} is a file: choose another --out")
        record = self.path / _RECORD
        if not record.exists():
            self._require_no_other_work()
            return
        try:
            earlier = json.loads(record.read_bytes())
            differing = [name for name, value in labeling.items() if earlier[name] != value]
        except (ValueError, KeyError, TypeError) as error:
            raise RequestError(f"{record} is not the record of a labeling: choose another --out") from error
        if differing:
            raise RequestError(
                f"{self.path} holds the labeling of something else: {', '.join(differing)} differ"
                f"{'s' if len(differing) == 1 else ''}. To continue it, use the same files and options; "
                "to start another, choose another --out"
            )

    def keep(self, labeling: Mapping[str, object]) -> None:
        """Record what the answers belong to. From then on the folder is in use."""
        record = json.dumps(labeling, ensure_ascii=False).encode()
        LocalFiles().write_lines(str(self.path / _RECORD), [record])

    def number_lines(self, manifest: Path, attribute: LabelAttribute, categories: LabelCategories) -> int:
        """Write all lines with their ids, and those without a label. Returns the number of the latter.

        Raises ManifestError, which lists every line that cannot be used.
        """
        files, checked = LocalFiles(), InputManifest(attribute, categories)
        with manifest.open("rb") as lines:
            files.write_lines(
                str(self._all_lines), checked.working_lines(line.rstrip(b"\r\n") for line in lines)
            )
        labels = checked.ledger().labels
        wanted = (
            line for number, line in enumerate(files.read_lines(str(self._all_lines))) if labels[number] < 0
        )
        return files.write_lines(str(self.selection), wanted)

    def write_output(self) -> None:
        """All lines of the user's manifest in order, with people's labels and without our ids."""
        LocalFiles().write_lines(str(self.output), self._merged())

    def outcomes(self, attribute: LabelAttribute) -> Counter[str]:
        """How many objects in the output are `labeled`, `skipped` and `unanswered`."""
        lines = LocalFiles().read_lines(str(self.output))
        return Counter(_outcome(parse_record(line), attribute) for line in lines)

    def _merged(self) -> Iterator[bytes]:
        answers = LocalFiles().read_lines(str(self.answers)) if self.answers.exists() else iter(())
        answered = next(answers, None)
        for line in LocalFiles().read_lines(str(self._all_lines)):
            if answered is not None and object_id(answered) == object_id(line):
                line, answered = answered, next(answers, None)
            yield remove_id(line)

    def _require_no_other_work(self) -> None:
        for name in _OTHER_WORK:
            if (self.path / name).exists():
                raise RequestError(f"{self.path} holds the {name} of something else: choose another --out")


def _outcome(record: Mapping[str, object], attribute: LabelAttribute) -> str:
    if attribute.name in record:
        return "labeled"
    return "skipped" if attribute.metadata in record else "unanswered"
