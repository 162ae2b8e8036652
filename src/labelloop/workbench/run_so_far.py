"""The run's part of GET /api/run: the state of the run, from the files of its steps."""

from functools import lru_cache
from typing import Any

from labelloop.core.errors import StorageError
from labelloop.core.ledger import Counts
from labelloop.core.records import Certificate, Record, RoundRecord
from labelloop.storage import s3
from labelloop.workflow.run_state import ModelOutput, RunState


class ObjectCounts(Record):
    """Data objects by their state; `human` are all that people labeled, with those of `validation`."""

    input: int
    human: int
    auto: int
    failed: int
    pool: int
    validation: int
    ahead: int = 0

    @classmethod
    def of(cls, counts: Counts) -> "ObjectCounts":
        return cls(
            input=counts.input,
            human=counts.human_labels,
            auto=counts.auto,
            failed=counts.failed,
            pool=counts.pool,
            ahead=counts.ahead,
            validation=counts.validation,
        )

    @property
    def trained_on(self) -> int:
        """Labels by people that the model learns from."""
        return self.human - self.validation


class FinishedRound(Record):
    """A round whose labels are merged."""

    round: int
    human_labels: int
    accuracy: float | None
    expected_error: float | None

    @property
    def best_known_accuracy(self) -> float | None:
        """Measured if the policy measures it, else expected by the model."""
        if self.accuracy is None and self.expected_error is not None:
            return 1 - self.expected_error
        return self.accuracy


class RunSoFar(Record):
    """What an owner sees of the run itself."""

    name: str
    round: int
    ended: str | None
    counts: ObjectCounts
    rounds: tuple[FinishedRound, ...]
    certificate: Certificate | None
    model: ModelOutput | None
    target_error: float
    confidence: float

    def as_document(self) -> dict[str, Any]:
        """As JSON takes it: the model's part as the state has it."""
        model = self.model.model_dump(by_alias=True, mode="json", exclude_none=True) if self.model else None
        return {**super().as_document(), "model": model}


def run_so_far(state_uri: str) -> RunSoFar | None:
    """The state of the run, from its snapshots; None if they do not exist (any more)."""
    try:
        state = RunState.read(s3.read_json(state_uri))
        found = [(files, list(s3.list_uris(files.rounds))) for files in state.all_files]
        newest = [uri for files, uris in found if (uri := files.newest_snapshot(uris))]
        state = RunState.read(s3.read_json(newest[-1])) if newest else state
        rounds = [_finished_round(uri) for files, uris in found for uri in files.round_records(uris)]
        ended = s3.exists(state.files.report)
    except StorageError:
        return None
    return RunSoFar(
        name=state.execution_name,
        round=state.round,
        ended=f"Its output manifest is {state.files.output_manifest}." if ended else None,
        counts=ObjectCounts.of(state.counts),
        rounds=tuple(rounds),
        certificate=state.certificate,
        model=state.model,
        target_error=state.settings.target_error,
        confidence=state.settings.confidence,
    )


@lru_cache(maxsize=1000)
def _finished_round(uri: str) -> FinishedRound:
    """A round's record is written once and never changes."""
    record = RoundRecord.read(s3.read_json(uri))
    return FinishedRound(
        round=record.round,
        human_labels=record.human_labels,
        accuracy=record.validation_accuracy,
        expected_error=record.expected_error,
    )
