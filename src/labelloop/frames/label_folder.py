"""The folder that the same call of `label` returns to (`out`)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labelloop.core.errors import RequestError
from labelloop.core.randomness import Seed
from labelloop.in_memory.answer_record import AnswerRecord
from labelloop.in_memory.label_run import KeptPredictions
from labelloop.in_memory.workbench_folder import WorkbenchFolder
from labelloop.work_folder.json_file import write_json
from labelloop.work_folder.kept_settings import LABEL_SETTINGS, changed_settings, refuse_foreign_files
from labelloop.workflow.secret_seed import draw_secret_seed

# Of the settings; it grows when older code could no longer go on with what is kept.
_FORMAT = 1


@dataclass(frozen=True)
class LabelFolder:
    """Its files: the settings, people's answers, what the models said, and how it ended.

    Beside them stand those of the workbench, and the input of a run on AWS as `prepare` writes it.
    """

    out: Path

    @property
    def settings(self) -> Path:
        return self.out / LABEL_SETTINGS

    @property
    def request(self) -> Path:
        """The input of a run on AWS."""
        return self.out / "request.json"

    @property
    def labels(self) -> Path:
        """The labels so far, joined to all columns of the frame."""
        return self.out / "labels.csv"

    @property
    def report(self) -> Path:
        return self.out / "report.json"

    @property
    def page(self) -> Path:
        return self.out / "report.html"

    @property
    def open_batch(self) -> Path:
        """What a function has answered about the batch that is not whole yet."""
        return self.out / "open-batch.csv"

    @property
    def workbench(self) -> WorkbenchFolder:
        return WorkbenchFolder(self.out)

    @property
    def log(self) -> Path:
        """What a container prints."""
        return self.out / "logs/container.log"

    @property
    def encodings(self) -> Path:
        return self.out / "encodings"

    @property
    def predictions(self) -> KeptPredictions:
        return KeptPredictions(self.out / "predictions")

    def record(self, classes: tuple[str, ...]) -> AnswerRecord:
        return AnswerRecord(self.out / "answers.csv", classes)

    def take(self, settings: Mapping[str, Any], seed: int | None) -> Seed:
        """Use this folder for the run with these settings, or go on with it; returns its seed.

        Without a seed, one is drawn that nobody knows before the run has ended. Raises RequestError when the
        folder holds anything else, or a run with other settings.
        """
        if not self.settings.exists():
            refuse_foreign_files(self.out, (), "labelloop.label")
            drawn = draw_secret_seed() if seed is None else seed
            write_json(self.settings, {"format": _FORMAT, **settings, "seed": drawn})
            return drawn
        earlier = json.loads(self.settings.read_bytes())
        if earlier["format"] > _FORMAT:
            raise RequestError(f"a later version of labelloop has written {self.settings}: use that one")
        kept: Seed = earlier["seed"]
        changed = changed_settings(self.settings, settings)
        if (seed is None) == isinstance(kept, int) or seed not in (None, kept):
            changed.append("seed")
        if changed:
            raise RequestError(
                f"{self.out} holds the labeling of something else: {', '.join(changed)} "
                f"differ{'s' if len(changed) == 1 else ''}. To continue it, use the same frame "
                "and arguments; to start another, choose another out="
            )
        return kept
