"""Made-up runs: ledgers, predictions and round records as the steps leave them, without the steps."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from labelloop.core.certificate.audit import Audit
from labelloop.core.certificate.audit_evidence import Group
from labelloop.core.certificate.betting import Plan
from labelloop.core.certificate.inverse_probability import inclusion_chances_of
from labelloop.core.certificate.promise import Promise
from labelloop.core.ledger import Ids, Ledger, State
from labelloop.core.loop import Loop
from labelloop.core.manifest.label_categories import LabelCategories
from labelloop.core.model.predictions import Predictions, read_predictions
from labelloop.core.records import (
    Certificate,
    Forecast,
    ModelQuality,
    Report,
    RoundRecord,
    Score,
    TestRecord,
    Verdict,
)
from labelloop.core.report.document import EndedRun, Failures, report_of
from labelloop.core.report.model_quality import ModelQualityCollector, example_ids, with_excerpts
from labelloop.workflow.run_state import RunState

ROOT = Path(__file__).parents[2]
ALIKE_IN_ALL_RUNS = ("ExecutionName", "Prefix", "JobPrefix", "ImageUri", "ManifestS3Uri", "LedgerS3Uri")
SAMPLE_STATE = json.loads((ROOT / "events/export_manifest.json").read_text())["State"]


@dataclass
class Round:
    """What a round leaves in S3."""

    seen: Ledger
    prediction_lines: list[bytes]
    predictions: Predictions
    record: RoundRecord


@dataclass
class MadeUpRun:
    """A run as the default policy makes it: random start, doubtful objects asked, late commit."""

    size: int = 400
    classes: int = 3
    trained_rounds: int = 3
    failing: int = 4
    seed: int = 0
    policy: str = "default"
    strategy: str = "margin"
    certified: bool = True  # the last round's test passes; else its objects stay open
    ledger: Ledger = field(init=False)
    audit: Audit = field(init=False)
    chances: npt.NDArray[Any] | None = field(init=False, default=None)
    rounds: list[Round] = field(init=False, default_factory=list)
    records: list[RoundRecord] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng(self.seed)
        self.truth = self._rng.integers(0, self.classes, self.size)
        self.names = [f"class {number}" for number in range(self.classes)]
        self.ledger = Ledger.of_size(self.size)
        start = np.sort(self._rng.permutation(self.size)[: self.size // 4])
        self._ask(start, 1)
        self._note(1, asked=len(start))
        for number in range(2, 2 + self.trained_rounds):
            self._train(number, last=number == 1 + self.trained_rounds)

    def state(self) -> RunState:
        request = {**SAMPLE_STATE["Request"]}
        request["ActiveLearning"] = {"Policy": self.policy, "QueryStrategy": self.strategy}
        counts = self.ledger.counts().as_dict()
        document = {
            **{name: SAMPLE_STATE[name] for name in ALIKE_IN_ALL_RUNS},
            "Request": request,
            "ClassNames": self.names,
            "Counts": counts,
            "LabelsInInput": 0,
            "StoppedBecause": "every data object has a label or a reason why it can have none",
            "Certificate": self.records[-1].certificate,
            "RepeatedAnswers": sum(record.repeated_answers for record in self.records),
        }
        return RunState.model_validate(document)

    def ended(self) -> EndedRun:
        """What ExportManifest makes of the state and the rounds' records."""
        state = self.state()
        loop = Loop(
            settings=state.loop_settings,
            ledger=self.ledger,
            labels_in_input=state.labels_in_input,
            repeated_answers=state.repeated_answers,
            schedule=state.schedule,
            certificate=state.certificate,
        )
        return EndedRun(
            loop=loop.export(state.stopped_because),
            execution=state.execution_name,
            requested=state.settings.model_dump(by_alias=True, mode="json", exclude_none=True),
            query_strategy=state.settings.query_strategy,
            classes=tuple(state.class_names),
            rounds=tuple(self.records),
        )

    def evidence(self) -> ModelQuality | None:
        collector = ModelQualityCollector(self.ledger, self.classes, 0.9, self.chances)
        for each in self.rounds:
            collector.add(each.record.round, each.seen, each.predictions, each.record.threshold)
        return collector.record()

    def report(self, text: str = "text of object {}") -> Report:
        """The report, read again as ExportManifest writes it."""
        quality = self.evidence()
        records = {number: {"source": text.format(number)} for number in example_ids(quality)}
        failures = Failures()
        for number in self.ledger.ids(State.FAILED).tolist():
            failures.note(number + 1, "people gave no label, asked 2 times")
        report = report_of(self.ended(), failures, with_excerpts(quality, records))
        return Report.read(json.loads(json.dumps(report.as_file())))

    def local_report(self) -> Report:
        """The report with what a simulation on a laptop adds to it."""
        report = self.report()
        seconds = {"SelectForHumans": 1.5, "CreateTrainingJob": 20.0, "ActiveLearning": 30.0}
        return report.model_copy(
            update={
                "rounds": tuple(record.model_copy(update={"seconds": seconds}) for record in report.rounds),
                "score": Score(auto_label_error=0.0123, human_label_error=0.0, final_error=0.0045),
                "seconds": 123.4,
                "next_round": Forecast(
                    human_labels=40, expected_auto_labels=25, explanation="The curve is flat."
                ),
            }
        )

    def _ask(self, ids: Ids, number: int, state: State = State.HUMAN) -> None:
        self.ledger.ask(ids)
        self.ledger.label(ids, self.truth[ids], state, number)

    def _train(self, number: int, *, last: bool) -> None:
        if number == 2 and self.policy == "blog":
            people = self.ledger.ids(State.HUMAN)
            self.ledger.keep_for_validation(np.sort(self._rng.permutation(people)[: len(people) // 2]))
        seen = self.ledger.copy()
        asked_of_model = seen.ids(State.POOL, State.VALIDATION)
        lines = self._prediction_lines(asked_of_model)
        categories = LabelCategories(tuple(self.names))
        predictions = read_predictions(lines, asked_of_model, self.size, categories)
        pool = seen.ids(State.POOL)
        doubtful = pool[np.argsort(predictions.margin[pool], kind="stable")]
        asked, sure = doubtful[: self.size // 10], np.sort(doubtful[self.size // 10 :])
        self._ask(np.sort(asked), number)
        threshold = None
        if self.policy == "blog":
            threshold = 0.5
        elif last:
            threshold = float(predictions.margin[sure].min())
            drawn = self._test(sure, predictions)
            self._ask(drawn, number, State.VALIDATION)
            asked, sure = np.concatenate([asked, drawn]), np.setdiff1d(sure, drawn)
        if last and self.certified:
            failed, labeled = np.sort(sure[: self.failing]), np.sort(sure[self.failing :])
            self.ledger.fail(failed, number)
            self.ledger.label(labeled, predictions.label[labeled], State.AUTO, number)
        self._note(number, len(asked), len(sure), threshold, predictions, seen, last=last)
        self.rounds.append(Round(seen, lines, predictions, self.records[-1]))

    def _test(self, sure: Ids, predictions: Predictions) -> Ids:
        """Draw for the test of a certificate on what the last model would label."""
        uncertainty = 0.1 * (1 - predictions.confidence[sure])  # else no test could be hoped to pass
        groups = [Group(Plan(0.5, 0.5, len(sure) / 2), 0.1)]
        self.audit = Audit.of(
            sure,
            predictions.label[sure],
            predictions.confidence[sure],
            uncertainty,
            np.zeros(len(sure), np.int64),
            groups,
            Promise(0.3),  # of so few objects no share is promised that is much less
            len(sure),
            self._rng,
            reviewed=True,
        )
        drawn = self.audit.next_stage()
        self.chances = inclusion_chances_of(self.audit)
        return drawn

    def _note(
        self,
        number: int,
        asked: int,
        auto: int = 0,
        threshold: float | None = None,
        predictions: Predictions | None = None,
        seen: Ledger | None = None,
        *,
        last: bool = False,
    ) -> None:
        validation = seen.ids(State.VALIDATION) if seen else np.empty(0, np.int64)
        accuracy = None
        if predictions is not None and len(validation):
            accuracy = float(np.mean(predictions.label[validation] == self.truth[validation]))
        trained, default = predictions is not None, self.policy == "default"
        tested = trained and last and default
        drawn = int(self.audit.asked.sum()) if tested else 0
        self.records.append(
            RoundRecord(
                round=number,
                trained=trained,
                validation_accuracy=accuracy,
                threshold=threshold,
                certificate=self._certificate(drawn, auto, threshold) if tested and self.certified else None,
                expected_error=0.06 - 0.005 * number if trained and default else None,
                left_to_people=60 - 5 * number if trained and default else None,
                expected_draws=90.0 - number if trained and default and number > 2 else None,
                drawn_for_test=drawn,
                test=self._test_record(drawn) if tested else None,
                repeated_answers=2 if tested else 0,
                auto_labels_committed=auto - self.failing if last and self.certified else 0,
                sent_to_people=asked,
                labeled_by_people=asked,
                counts=self.ledger.counts(),
            )
        )

    def _test_record(self, drawn: int) -> TestRecord:
        return TestRecord(
            verdict=Verdict.PASSED if self.certified else Verdict.FAILED,
            drawn=drawn,
            wrong=2,
            withdrawn=0,
            error_estimate=0.013,
            error_bound=0.0432,
        )

    def _certificate(self, drawn: int, auto: int, threshold: float | None) -> Certificate:
        assert threshold is not None
        return Certificate(
            promise="error among the auto-labels <= 0.05, 90% confidence",
            threshold=threshold,
            target_error=0.05,
            confidence=0.9,
            level=0.06,
            error_bound=0.0432,
            error_estimate=0.0131,
            coverage=0.75,
            auto_labels=auto - self.failing,
            validation_objects=drawn,
            validation_errors=2,
            by_class=(),
        )

    def _prediction_lines(self, ids: Ids) -> list[bytes]:
        return [
            json.dumps(
                {"labelloop-id": number, "source": "x", "SageMakerOutput": self._answer(number)}
            ).encode()
            for number in ids.tolist()
        ]

    def _answer(self, number: int) -> dict[str, Any]:
        scores: npt.NDArray[np.float64] = self._rng.normal(size=self.classes)
        scores[self.truth[number]] += 2.5
        probabilities = np.exp(scores) / np.exp(scores).sum()
        order = np.argsort(-probabilities)
        return {
            "label": [f"__label__{index}" for index in order],
            "prob": [float(probabilities[index]) for index in order],
        }
