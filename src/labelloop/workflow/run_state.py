"""What one step passes to the next: URIs, counts and settings, never records of data objects."""

from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_pascal

from labelloop.core.certificate.audit import Audit
from labelloop.core.certificate.audit_evidence import Group
from labelloop.core.certificate.audit_schedule import AuditSchedule
from labelloop.core.certificate.betting import Plan
from labelloop.core.certificate.conclusion import TestUnderWay
from labelloop.core.errors import DocumentError
from labelloop.core.ledger import Counts
from labelloop.core.loop import Loop
from labelloop.core.manifest.label_categories import LabelCategories
from labelloop.core.manifest.lines import LabelAttribute
from labelloop.core.records import (
    Certificate,
    FoundationModelRecord,
    ModelRecord,
    TestRecord,
    first_problem,
)
from labelloop.core.settings import LoopSettings
from labelloop.core.sizes import RoundTimes
from labelloop.core.stopping import Decision, Next
from labelloop.workflow.request import ActiveLearning, LabelingRequest
from labelloop.workflow.run_files import (
    FoundationModelFiles,
    RoundFiles,
    RunFiles,
    part_of_pool,
    transform_output,
)


class _Passed(BaseModel):
    model_config = ConfigDict(
        extra="forbid", alias_generator=to_pascal, populate_by_name=True, protected_namespaces=()
    )


class ModelOutput(ModelRecord):
    """What the round's model said, and where it is stored."""

    model_config = _Passed.model_config

    predictions_s3_uri: str  # the arrays; of earlier versions, the lines that the transform job wrote
    auto_labels_s3_uri: str
    auto_labels: int

    @classmethod
    def of(cls, record: ModelRecord, *, predictions_s3_uri: str, auto_labels_s3_uri: str) -> "ModelOutput":
        return cls(
            predictions_s3_uri=predictions_s3_uri, auto_labels_s3_uri=auto_labels_s3_uri, **dict(record)
        )


class Training(_Passed):
    """Where SplitLabels wrote the channels, and where the jobs write their output: nothing without a job."""

    train_s3_uri: str
    validation_s3_uri: str
    pool_s3_uri: str  # a folder; of earlier versions, its only file
    pool_parts: int | None = None  # files in that folder
    ledger_s3_uri: str
    model_folder_s3_uri: str
    predictions_folder_s3_uri: str
    # The labeler's part of CreateTrainingJob; None: nothing is trained.
    job: dict[str, Any] | None = None
    environment: dict[str, str] | None = None  # of the transform job

    @property
    def pool_files(self) -> list[str]:
        """What the model is asked about, in order."""
        if self.pool_parts is None:
            return [self.pool_s3_uri]
        return [part_of_pool(self.pool_s3_uri, number) for number in range(self.pool_parts)]

    @property
    def prediction_files(self) -> list[str]:
        """The lines that the transform job writes, a file for each of the pool's."""
        return [transform_output(self.predictions_folder_s3_uri, uri) for uri in self.pool_files]


class LabelingPart(_Passed):
    """What one labeling job shows to people, and what the labeling backend says about it."""

    job_name: str
    selection_s3_uri: str
    output_s3_uri: str | None = None
    error: str | None = None
    cause: str | None = None


class LabelingAhead(_Passed):
    """What people go on with while the next model learns, and where their answers will be."""

    job_name: str
    selection_s3_uri: str
    selected: int
    output_s3_uri: str
    recorded_s3_uri: str | None = None  # what the model said about these objects
    collected: bool = False  # people are not asked any more


class Labeling(_Passed):
    """The selection people are asked about, and what the labeling backend says about it."""

    selection_s3_uri: str
    selected: int
    recorded_s3_uri: str | None = None  # what the model said about the objects people are asked about
    drawn: int = 0  # how many of the selected objects were drawn for a test
    selected_at: str | None = None  # ISO 8601
    wait_seconds: int | None = None  # from now to the deadline, if an owner has moved it
    alike_s3_uri: str | None = None  # positions in the selection, by position: see `alike`
    job_name: str
    output_folder_s3_uri: str
    output_s3_uri: str | None = None  # of the labeling job's output manifest
    error: str | None = None
    cause: str | None = None
    parts: list[LabelingPart] = Field(default_factory=list)  # of the selection, one per labeling job
    ahead: LabelingAhead | None = None  # the next round hears of these objects

    @property
    def is_over(self) -> bool:
        """Whether the labeling backend has said how it ended, or nobody was asked."""
        ends = ((self.output_s3_uri, self.error), *((part.output_s3_uri, part.error) for part in self.parts))
        return not self.selected or any(output or error for output, error in ends)

    @model_validator(mode="after")
    def _at_least_one_part(self) -> "Labeling":
        if not self.parts:
            self.parts = [LabelingPart(job_name=self.job_name, selection_s3_uri=self.selection_s3_uri)]
        return self


class LastLabeling(_Passed):
    """How many labels people gave in their last round, and when; moments in ISO 8601."""

    labels: int
    began: str
    ended: str

    def times(self, now: str) -> RoundTimes:
        """At the moment `now`, when the next objects are chosen."""
        began, ended, chosen = map(datetime.fromisoformat, (self.began, self.ended, now))
        return RoundTimes(
            self.labels, (ended - began).total_seconds(), max(0.0, (chosen - ended).total_seconds())
        )


class GroupUnderTest(_Passed):
    """How objects are drawn from one group of an audit, and the confidence its test needs."""

    evenness: float
    stake: float
    draws: float
    level: float


class AuditUnderWay(_Passed):
    """The test of a certificate; `candidates` holds what was drawn, and what people said."""

    candidates_s3_uri: str
    auto_labels_s3_uri: str  # where the labels are that a passed test commits
    threshold: float
    pool: int  # objects without a label when the model predicted
    most_draws: int
    # Of the promise that is tested: see `Promise`.
    output: int | None = None
    by_people: int = 0
    granted: int = 0
    groups: list[GroupUnderTest]

    @classmethod
    def of(cls, test: TestUnderWay, *, candidates_s3_uri: str, auto_labels_s3_uri: str) -> "AuditUnderWay":
        groups = [
            GroupUnderTest(
                evenness=group.plan.evenness,
                stake=group.plan.stake,
                draws=group.plan.draws,
                level=group.level,
            )
            for group in test.audit.groups
        ]
        return cls(
            candidates_s3_uri=candidates_s3_uri,
            auto_labels_s3_uri=auto_labels_s3_uri,
            threshold=test.threshold,
            pool=test.pool,
            most_draws=test.audit.most_draws,
            output=test.audit.promise.output,
            by_people=test.audit.promise.by_people,
            granted=test.audit.promise.granted,
            groups=groups,
        )

    def test(self, candidates: Any, settings: LoopSettings) -> TestUnderWay:
        """With its candidates, of dtype `CANDIDATE`."""
        groups = [Group(Plan(group.evenness, group.stake, group.draws), group.level) for group in self.groups]
        audit = Audit(
            candidates,
            groups,
            settings.promise(self.output or 0, self.by_people, self.granted),
            self.most_draws,
            reviewed=settings.review_disagreements,
        )
        return TestUnderWay(audit, self.threshold, self.pool)


class BatchJob(_Passed):
    """A batch inference job: what it is asked for, and what the state machine heard of it."""

    number: int
    # CreateModelInvocationJob's, without the role.
    request: dict[str, Any]
    status: str | None = None
    message: str | None = None
    found: bool = False  # an earlier execution began it
    # Where it could not be created or followed.
    error: str | None = None
    cause: str | None = None


class ModelWork(_Passed):
    """How far a foundation model's labels are; `next` is the branch that the state machine takes.

    It may be asked twice: `first` is what came of the first asking, from when the second one begins.
    """

    next: Literal["ASK", "BATCH", "MERGE"] = "ASK"
    jobs: list[BatchJob] = Field(default_factory=list)  # of the branch BATCH
    answered: int = 0  # texts
    estimated: float | None = None  # what all answers will cost, from the first
    record: FoundationModelRecord | None = None
    first: FoundationModelRecord | None = None

    @property
    def records(self) -> tuple[FoundationModelRecord, ...]:
        """Of the askings that have ended."""
        return tuple(record for record in (self.first, self.record) if record is not None)


class RunState(_Passed):
    """The whole state of a run: every step takes it and returns it."""

    FORMAT: ClassVar = 3

    format: int = FORMAT
    execution_name: str
    prefix: str  # s3://.../<execution name>/
    job_prefix: str  # unique to the execution; job names are this and the round
    request: LabelingRequest
    class_names: list[str]
    image_uri: str | None = None  # None: nothing is trained
    prior_labels_s3_uri: str | None = None
    # Facts about the parts that are chosen by name: only PrepareManifest loads these parts.
    looks_for_doubt: bool = True  # the query strategy; see `QueryStrategy`
    people_per_object: int = 1  # the labeling backend
    holdout_share: float = 0.0  # the labeler
    labels_are_given: bool = False  # the labeler; see `Labeler`
    people_take_time: bool = False  # the labeling backend: it waits for its people
    # The secret seed of a run whose request gives none, and those that its draws came from before.
    secret_seed: str | None = None
    earlier_seeds: list[str] = Field(default_factory=list)
    earlier_prefixes: list[str] = Field(default_factory=list)  # of the executions that this one resumes
    labels_in_input: int
    counts: Counts
    next: Next = Next.SELECT
    round: int = 1
    idle_rounds: int = 0
    repeated_answers: int = 0
    schedule: AuditSchedule = AuditSchedule()
    tests_counted: int = 0  # of the lineage's, in what the schedule has left
    audit: AuditUnderWay | None = None
    spot_checks_s3_uri: str | None = None  # of randomly drawn objects that people do not agree on
    test: TestRecord | None = None  # its progress at the end of the last round
    last_labeling: LastLabeling | None = None  # where people take time
    manifest_s3_uri: str
    ledger_s3_uri: str
    training: Training | None = None
    model: ModelOutput | None = None
    labeling: Labeling | None = None
    ahead: LabelingAhead | None = None  # chosen in the round before; this one hears of them
    foundation_model: ModelWork | None = None
    trained_model_arn: str | None = None
    certificate: Certificate | None = None
    goes_on: bool = False  # after a certificate: see `Loop`
    stopped_because: str | None = None
    labeling_failure: str | None = None  # people's labels are kept, but the run cannot continue

    @model_validator(mode="before")
    @classmethod
    def _from_earlier_formats(cls, state: Any) -> Any:
        """A run that an earlier version began can continue."""
        if not isinstance(state, dict) or "execution_name" in state:
            return state
        written = state.get("Format", 1)
        if written > cls.FORMAT:
            raise ValueError(
                f"its Format is {written}, and this version of labelloop reads up to {cls.FORMAT}: "
                "deploy the version that wrote it, or a newer one"
            )
        if written == 1:
            state = _from_format_1(state)
        return _from_format_2(state) if written < 3 else state

    @classmethod
    def read(cls, document: Any) -> "RunState":
        """Raises DocumentError when a later version wrote it, or when it is not a run's state."""
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            raise DocumentError(f"not the state of a run: {first_problem(error)}") from error

    @classmethod
    def of_output(cls, output: Any) -> "RunState | None":
        """What a state of the state machine returned, if that is the state of the run."""
        return cls.read(output) if isinstance(output, dict) and "ExecutionName" in output else None

    @property
    def settings(self) -> ActiveLearning:
        return self.request.active_learning

    @property
    def loop_settings(self) -> LoopSettings:
        return self.settings.loop_settings(
            spent_on_foundation_model=sum(record.spent or 0.0 for record in self.model_records),
            people_per_object=self.people_per_object,
            holdout_share=self.holdout_share,
            looks_for_doubt=self.looks_for_doubt,
            secret_seed=self.secret_seed,
            # Where nothing is trained, nobody waits.
            labels_ahead=self.settings.labeling_backend == "workbench" and self.image_uri is not None,
        )

    @property
    def model_records(self) -> tuple[FoundationModelRecord, ...]:
        """What came of each asking of the foundation model, so far."""
        return self.foundation_model.records if self.foundation_model else ()

    @property
    def asks_model_again(self) -> bool:
        """Whether the foundation model is asked for the second time, or was."""
        return self.foundation_model is not None and self.foundation_model.first is not None

    @property
    def prior_attributes(self) -> tuple[str, ...]:
        """The keys of the prior labels that there are so far, in the order of the sources."""
        return (*self.request.given_attributes, *(record.attribute for record in self.model_records))

    @property
    def label_attribute(self) -> LabelAttribute:
        return LabelAttribute(self.request.label_attribute_name)

    @property
    def label_categories(self) -> LabelCategories:
        return LabelCategories(tuple(self.class_names))

    @property
    def files(self) -> RunFiles:
        return RunFiles(self.prefix)

    @property
    def first_files(self) -> RunFiles:
        """Those of the execution that this one goes on from in the end: the lineage's."""
        return self.all_files[0]

    @property
    def round_files(self) -> RoundFiles:
        return self.files.round(self.round)

    @property
    def asked_files(self) -> FoundationModelFiles:
        """Where the foundation model's answers are: the lineage's, those of each asking by themselves."""
        first = self.first_files
        return first.foundation_model_again if self.asks_model_again else first.foundation_model

    @property
    def model_label_files(self) -> FoundationModelFiles:
        """Where its labels are: this execution's."""
        return self.round_files.foundation_model if self.asks_model_again else self.files.foundation_model

    @property
    def all_files(self) -> list[RunFiles]:
        """The files of the executions that this one continues, and its own."""
        return [*map(RunFiles, self.earlier_prefixes), self.files]

    @property
    def round_name(self) -> str:
        """The name of this round's jobs; unique to the execution and the round."""
        return round_name(self.job_prefix, self.round)

    def with_loop(self, loop: Loop, **changes: Any) -> "RunState":
        """The state after the loop's step, with other changes. The caller saves what is kept in files."""
        return self.model_copy(
            update={
                "counts": loop.counts,
                "round": loop.round,
                "idle_rounds": loop.idle_rounds,
                "repeated_answers": loop.repeated_answers,
                "schedule": loop.schedule,
                "certificate": loop.certificate,
                "goes_on": loop.goes_on,
                **changes,
            }
        )

    def decided(self, decision: Decision) -> "RunState":
        """The state with the next action."""
        return self.model_copy(update={"next": decision.next, "stopped_because": decision.stopped_because})

    def as_document(self) -> dict[str, Any]:
        return self.model_dump(by_alias=True, mode="json", exclude_none=True)


# Fields that format 1 named differently.
_RENAMED_SINCE_1 = {"Looks": "Schedule", "ProbesS3Uri": "SpotChecksS3Uri"}


def _from_format_1(state: dict[str, Any]) -> dict[str, Any]:
    fields = {_RENAMED_SINCE_1.get(name, name): value for name, value in state.items()}
    if labeling := fields.get("Labeling"):
        renamed = {"ExpectationsS3Uri": "RecordedS3Uri"}
        fields["Labeling"] = {renamed.get(name, name): value for name, value in labeling.items()}
    return {**fields, **_told_by_request(fields["Request"])}


def _from_format_2(state: dict[str, Any]) -> dict[str, Any]:
    """Its draws came from the request's seed, which was 0 unless given."""
    request = state["Request"]
    settings = {"Seed": 0, **request.get("ActiveLearning", {})}
    return {**state, "Request": {**request, "ActiveLearning": settings}, "Format": RunState.FORMAT}


def _told_by_request(request: dict[str, Any]) -> dict[str, Any]:
    """What every step worked out from the request itself, before the state held it."""
    settings, task = request.get("ActiveLearning", {}), request.get("HumanTaskConfig", {})
    field, model = "NumberOfHumanWorkersPerDataObject", settings.get("Model", {})
    people = task.get(field, 1)
    if settings.get("LabelingBackend") == "workbench":
        people = settings.get("Workbench", {}).get(field, people)
    own_image = model.get("Algorithm", "container") == "container" and "ImageUri" not in model
    return {
        "PeoplePerObject": people,
        "HoldoutShare": model.get("HoldoutShare", 0.0 if own_image else 0.1),
    }


def round_name(job_prefix: str, round_number: int) -> str:
    return f"{job_prefix}-r{round_number:03d}"
