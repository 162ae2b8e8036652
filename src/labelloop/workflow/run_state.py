"""What the steps hand to one another: URIs, counts and settings, never records."""

from dataclasses import asdict
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_pascal

from labelloop.core.certificate.audit import Audit
from labelloop.core.certificate.audit_evidence import Group
from labelloop.core.certificate.audit_schedule import AuditSchedule, level
from labelloop.core.certificate.betting import Plan, fewest_draws
from labelloop.core.certificate.certificate import Certificate
from labelloop.core.ledger import Counts, Ledger
from labelloop.core.people.second_opinions import MOST_VOTES
from labelloop.core.stopping import Limits, Next, Progress, default_start_size
from labelloop.workflow.request import ActiveLearning, LabelingRequest, resolve_size


class _Passed(BaseModel):
    model_config = ConfigDict(
        extra="forbid", alias_generator=to_pascal, populate_by_name=True, protected_namespaces=()
    )


class ModelOutput(_Passed):
    """What the round's model said, and what it may label."""

    predictions_s3_uri: str
    auto_labels_s3_uri: str
    auto_labels: int
    validation_accuracy: float | None = None  # under the policy `blog`
    threshold: float | None = None
    expected_error: float | None = None  # of the labels the model would give, by its own account
    left_to_people: int | None = None  # objects it would give none
    expected_draws: float | None = None  # what a test would take; none where none can be expected to pass
    unreadable: int = 0  # objects the model could not read
    first_unreadable: str | None = None


class Training(_Passed):
    """Where SplitLabels put the channels, and where the jobs put what they make."""

    train_s3_uri: str
    validation_s3_uri: str
    pool_s3_uri: str
    ledger_s3_uri: str
    model_folder_s3_uri: str
    predictions_folder_s3_uri: str
    job: dict[str, Any]  # the training job's part of CreateTrainingJob: see `training_job`

    @property
    def predictions_s3_uri(self) -> str:
        """The transform job names its output after its input."""
        return f"{self.predictions_folder_s3_uri}{self.pool_s3_uri.rsplit('/', 1)[1]}.out"


class LabelingPart(_Passed):
    """What one labeling job shows to people, and what the labeling backend says of it."""

    job_name: str
    selection_s3_uri: str
    output_s3_uri: str | None = None
    error: str | None = None
    cause: str | None = None


class Labeling(_Passed):
    """The selection people are asked about, and what the labeling backend says of it."""

    selection_s3_uri: str
    selected: int
    expectations_s3_uri: str | None = None  # what the model said of the objects people are asked about
    drawn: int = 0  # of the objects selected, those drawn for a test
    job_name: str
    output_folder_s3_uri: str
    output_s3_uri: str | None = None  # of the labeling job's output manifest
    error: str | None = None
    cause: str | None = None
    parts: list[LabelingPart] = Field(default_factory=list)  # of the selection, one a labeling job

    @model_validator(mode="after")
    def _at_least_one_part(self) -> "Labeling":
        if not self.parts:
            self.parts = [LabelingPart(job_name=self.job_name, selection_s3_uri=self.selection_s3_uri)]
        return self


class GroupUnderTest(_Passed):
    """How one group of an audit is drawn from, and how sure its test must be."""

    evenness: float
    stake: float
    draws: float
    level: float


class AuditUnderWay(_Passed):
    """The test of a certificate: what was drawn, and what people said, stands in `candidates`."""

    candidates_s3_uri: str
    auto_labels_s3_uri: str  # what is committed of when the test has passed
    threshold: float
    pool: int  # objects without a label when the model predicted
    most_draws: int
    groups: list[GroupUnderTest]

    @classmethod
    def of(
        cls, audit: Audit, *, threshold: float, pool: int, candidates_s3_uri: str, auto_labels_s3_uri: str
    ) -> "AuditUnderWay":
        groups = [
            GroupUnderTest(
                evenness=group.plan.evenness,
                stake=group.plan.stake,
                draws=group.plan.draws,
                level=group.level,
            )
            for group in audit.groups
        ]
        return cls(
            candidates_s3_uri=candidates_s3_uri,
            auto_labels_s3_uri=auto_labels_s3_uri,
            threshold=threshold,
            pool=pool,
            most_draws=audit.most_draws,
            groups=groups,
        )

    def audit(self, candidates: Any, settings: ActiveLearning) -> Audit:
        """With its candidates, of dtype `CANDIDATE`."""
        groups = [Group(Plan(group.evenness, group.stake, group.draws), group.level) for group in self.groups]
        return Audit(
            candidates,
            groups,
            settings.target_error,
            self.most_draws,
            reviewed=settings.review_disagreements,
        )


class RunState(_Passed):
    """The whole state of a run; what every step takes and returns."""

    execution_name: str
    prefix: str  # s3://.../<execution name>/
    job_prefix: str  # unique to the execution; job names are this and the round
    request: LabelingRequest
    class_names: list[str]
    image_uri: str
    earlier_prefixes: list[str] = Field(default_factory=list)  # of the executions this one resumes
    labels_in_input: int
    counts: Counts
    next: Next = Next.SELECT
    round: int = 1
    idle_rounds: int = 0
    repeated_answers: int = 0
    schedule: AuditSchedule = AuditSchedule()
    audit: AuditUnderWay | None = None
    spot_checks_s3_uri: str | None = None  # of objects drawn at random that people have not agreed on
    test: dict[str, Any] | None = None  # how it stood at the end of the last round, as in the round's record
    manifest_s3_uri: str
    ledger_s3_uri: str
    training: Training | None = None
    model: ModelOutput | None = None
    labeling: Labeling | None = None
    trained_model_arn: str | None = None
    certificate: dict[str, Any] | None = None
    stopped_because: str | None = None
    labeling_failure: str | None = None  # what people labeled is kept, but the run cannot go on

    @property
    def settings(self) -> ActiveLearning:
        return self.request.active_learning

    @property
    def round_folder(self) -> str:
        return round_folder(self.prefix, self.round)

    @property
    def round_name(self) -> str:
        """What this round's jobs are called; unique to the execution and the round."""
        return round_name(self.job_prefix, self.round)

    @property
    def limits(self) -> Limits:
        total, settings = self.counts.input, self.settings
        blog = settings.policy == "blog"
        return Limits(
            start=(
                default_start_size(total)
                if settings.start_size is None
                else resolve_size(settings.start_size, total)
            ),
            validation=resolve_size(settings.validation_size or 0, total) if blog else 0,
            batch=resolve_size(settings.batch_size, total),
            new_human_labels=self._most_human_labels(),
            rounds=settings.max_rounds,
            fewest_draws=(
                0 if blog else fewest_draws(settings.target_error, level(self.schedule, settings.confidence))
            ),
        )

    def _most_human_labels(self) -> int:
        total, settings = self.counts.input, self.settings
        # Without a limit, as many as could ever be asked for: in a test some objects are asked about again.
        unlimited = total * MOST_VOTES
        most = (
            unlimited if settings.max_human_labels is None else resolve_size(settings.max_human_labels, total)
        )
        price = settings.prices.of_an_object(self.request.people_per_object)
        if settings.max_cost is None or not price:
            return most
        return min(most, int(settings.max_cost / price))

    def progress(self, *, rounds_done: int, new_human_labels: int) -> Progress:
        """Where the loop stands, for `decide`."""
        return Progress(
            counts=self.counts,
            labels_in_input=self.labels_in_input,
            round_number=rounds_done,
            new_human_labels=new_human_labels,
            idle_rounds=self.idle_rounds,
            repeated_answers=self.repeated_answers,
            testing=self.audit is not None,
            committed=self.certificate is not None,
        )

    def with_ledger(self, ledger: Ledger, uri: str) -> "RunState":
        return self.model_copy(update={"counts": ledger.counts(), "ledger_s3_uri": uri})

    def as_document(self) -> dict[str, Any]:
        return self.model_dump(by_alias=True, mode="json", exclude_none=True)


def round_name(job_prefix: str, round_number: int) -> str:
    return f"{job_prefix}-r{round_number:03d}"


def round_folder(prefix: str, round_number: int) -> str:
    return f"{prefix}round-{round_number:03d}/"


def first_snapshot(prefix: str) -> str:
    """The address of the state that an execution under `prefix` writes first of all."""
    return f"{prefix.rstrip('/')}/prepared/state.json"


def certificate_document(certificate: Certificate | None) -> dict[str, Any] | None:
    """A certificate with the sentence that says what it promises."""
    if certificate is None:
        return None
    fields = _in_pascal_case(asdict(certificate))
    fields["ByClass"] = [_in_pascal_case(asdict(part)) for part in certificate.by_class]
    error, confidence = f"{certificate.target_error:.3g}", f"{certificate.confidence:.0%}"
    promise = f"error among the auto-labels <= {error}, {confidence} confidence"
    if certificate.by_class:
        promise = f"error among the auto-labels of each class <= {error}, {confidence} confidence"
    return {"Promise": promise, **fields}


def _in_pascal_case(fields: dict[str, Any]) -> dict[str, Any]:
    return {to_pascal(name): value for name, value in fields.items()}
