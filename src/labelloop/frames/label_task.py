"""What `label` is to do: a run in memory, from its settings to its report."""

import hashlib
import json
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from labelloop.core.ledger import NO_LABEL, Ledger, State
from labelloop.core.loop import Loop
from labelloop.core.manifest.label_categories import LabelCategories
from labelloop.core.manifest.lines import LabelAttribute
from labelloop.core.query_strategies import load_query_strategy, looks_for_doubt
from labelloop.core.randomness import Seed, seed_number, seed_of_model
from labelloop.core.records import Report
from labelloop.frames.columns import FrameData
from labelloop.frames.errors import model_failures
from labelloop.frames.label_folder import LabelFolder
from labelloop.frames.labels import write_labels
from labelloop.frames.people import Who, answering, name_of
from labelloop.frames.telling import Telling
from labelloop.in_memory.label_run import LabelRun
from labelloop.in_memory.models import TextModel
from labelloop.in_memory.replay import to_the_end
from labelloop.preparation import TextData, prepare_tables
from labelloop.simulation_report import ReportWatcher
from labelloop.work_folder.json_file import write_json
from labelloop.workflow.request import ActiveLearning, parse_settings


@dataclass(frozen=True)
class LabelTask:
    """The texts, who labels them, and by which settings."""

    data: TextData
    people: Who
    block: dict[str, Any]
    model: TextModel
    attribute: str

    @property
    def given(self) -> dict[str, Any]:
        """The fields of the block that have no default."""
        return {name: value for name, value in self.block.items() if value is not None}

    def settings(self, seed: Seed) -> ActiveLearning:
        """Raises RequestError for what the loop cannot do."""
        return parse_settings({**self.given, "Seed": seed})

    def kept_settings(self, budget: int | None, batch_size: float | None) -> dict[str, Any]:
        """What people's answers belong to, by the names of the arguments."""
        data, block = self.data, self.block
        content = json.dumps([data.texts, data.labels, data.prior_attributes]).encode()
        if data.priors is not None:
            content += data.priors.labels.tobytes() + data.priors.confidence.tobytes()
        return {
            "frame": hashlib.sha256(content).hexdigest(),
            "classes": list(data.classes),
            "people": name_of(self.people),
            "budget": budget,
            "target_error": block["TargetError"],
            "confidence": block["Confidence"],
            "certificate_for": block["CertificateFor"],
            "batch_size": batch_size,
            "model": self.model.name,
        }

    def prepare(self, folder: LabelFolder, data: FrameData, seed: int | None) -> None:
        """Write the input of a run on AWS with the same settings, unless it is there."""
        if folder.request.exists() and "ActiveLearning" in json.loads(folder.request.read_bytes()):
            return
        prepared = prepare_tables(data.source, data.table_format, folder.out, data.options).folder
        request = json.loads(prepared.request.read_bytes())
        block = self.given if seed is None else {**self.given, "Seed": seed}
        write_json(folder.request, {**request, "ActiveLearning": block})

    def to_the_end(
        self, folder: LabelFolder, seed: Seed, telling: Telling, host: str, port: int
    ) -> tuple[LabelRun, Report]:
        """Ask, train and test until nothing is left, or as far as the budget goes."""
        data, settings = self.data, self.settings(seed)
        inputs = self.model.inputs(data)
        reporter, record = ReportWatcher(), folder.record(data.classes)
        telling.answered_before = len(record.load())
        run = self._begin(folder, inputs, settings, seed)
        # Without a folder of the caller's, nobody could read it.
        if folder.request.exists():
            telling.after_batch = partial(write_labels, folder, data, run)
        run.watchers = [telling, reporter]
        truth = np.array(data.labels, np.int16) if self.people == "simulated" else None
        with (
            answering(
                self.people, folder, "label", data.texts, data.classes, truth, host=host, port=port
            ) as asked,
            model_failures(folder.log),
        ):
            to_the_end(run, asked, folder.record(data.classes), telling)
        telling.after_batch()
        report = reporter.report(
            run,
            execution=f"labelloop.label, by the {self.model.name}",
            settings={
                **settings.model_dump(by_alias=True, mode="json", exclude_none=True),
                "LabelingBackend": name_of(self.people),
                "Model": {"Name": self.model.name},
            },
            classes=data.classes,
            texts=data.texts,
            truth=truth,
        )
        return run, report

    def _begin(self, folder: LabelFolder, inputs: Any, settings: ActiveLearning, seed: Seed) -> LabelRun:
        data = self.data
        ledger = Ledger.of_size(len(data.texts))
        if self.people != "simulated":
            labels = np.array(data.labels, np.int16)
            known = np.flatnonzero(labels != NO_LABEL)
            ledger.label(known, labels[known], State.HUMAN, 0)
        strategy = load_query_strategy(settings.query_strategy)
        # A seed that was drawn stays a secret until the run ends.
        secret = seed if isinstance(seed, str) else None
        settings = settings if secret is None else settings.model_copy(update={"seed": None})
        loop = Loop.begin(
            settings.loop_settings(looks_for_doubt=looks_for_doubt(strategy), secret_seed=secret), ledger
        )
        return LabelRun(
            loop=loop,
            strategy=strategy,
            inputs=inputs,
            classes=len(data.classes),
            model=self.model.of_run(
                settings.model_copy(update={"seed": seed_of_model(seed_number(seed))}),
                LabelAttribute(self.attribute),
                LabelCategories(data.classes),
                folder.log,
                data.prior_attributes,
            ),
            kept=folder.predictions,
        )
