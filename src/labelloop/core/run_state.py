"""What the steps hand to one another: URIs, counts and settings, never records."""

from dataclasses import asdict
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_pascal

from labelloop.core.certificate import Certificate, fewest_validation_objects
from labelloop.core.ledger import Counts, Ledger
from labelloop.core.looks import Looks, level
from labelloop.core.request import (
    ActiveLearning,
    LabelingRequest,
    default_start_size,
    default_validation_size,
    resolve_size,
)
from labelloop.core.stopping import Limits, Next, Progress


class _Passed(BaseModel):
    model_config = ConfigDict(
        extra="forbid", alias_generator=to_pascal, populate_by_name=True, protected_namespaces=()
    )


class ModelOutput(_Passed):
    """What the round's model said, and what it may label."""

    predictions_s3_uri: str
    auto_labels_s3_uri: str
    auto_labels: int
    validation_accuracy: float | None = None
    threshold: float | None = None
    certificate: dict[str, Any] | None = None
    tested: bool = False  # whether a certificate was tried in this round
    expected_error: float | None = None  # of the labels of all but one batch, by the model's own account
    allowed_error: float | None = None  # in the validation set, to pass the next test
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
    hyper_parameters: dict[str, str]

    @property
    def predictions_s3_uri(self) -> str:
        """The transform job names its output after its input."""
        return f"{self.predictions_folder_s3_uri}{self.pool_s3_uri.rsplit('/', 1)[1]}.out"


class Labeling(_Passed):
    """The selection people are asked about, and what the labeling backend says of it."""

    selection_s3_uri: str
    selected: int
    expectations_s3_uri: str | None = None  # what the model said of the objects people are asked about
    for_validation_s3_uri: str | None = None  # of the objects selected, those that top the validation set up
    job_name: str
    output_folder_s3_uri: str
    output_s3_uri: str | None = None  # of the labeling job's output manifest
    error: str | None = None
    cause: str | None = None


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
    validation_drawn: bool = False
    looks: Looks = Looks()
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
        return f"{self.job_prefix}-r{self.round:03d}"

    @property
    def limits(self) -> Limits:
        total = self.counts.input
        settings = self.settings
        validation = (
            default_validation_size(total)
            if settings.validation_size is None
            else resolve_size(settings.validation_size, total)
        )
        return Limits(
            start=(
                default_start_size(validation, total)
                if settings.start_size is None
                else resolve_size(settings.start_size, total)
            ),
            validation=validation,
            batch=resolve_size(settings.batch_size, total),
            new_human_labels=(
                total if settings.max_human_labels is None else resolve_size(settings.max_human_labels, total)
            ),
            rounds=settings.max_rounds,
            fewest_validation=self.fewest_validation,
        )

    @property
    def has_certificate(self) -> bool:
        """Whether the model's labels are certified, be it in this round: then no test is to come."""
        return self.certificate is not None or (self.model is not None and self.model.certificate is not None)

    @property
    def fewest_validation(self) -> int:
        """With fewer validation objects the next test can certify nothing."""
        if self.settings.policy == "blog":
            return 0
        return fewest_validation_objects(
            self.settings.target_error, level(self.looks, self.settings.confidence)
        )

    def progress(self, *, rounds_done: int, new_human_labels: int) -> Progress:
        """Where the loop stands, for `decide`."""
        return Progress(
            counts=self.counts,
            labels_in_input=self.labels_in_input,
            unusable_for_validation=0 if self.input_is_random else self.labels_in_input,
            round_number=rounds_done,
            new_human_labels=new_human_labels,
            idle_rounds=self.idle_rounds,
            validation_drawn=self.validation_drawn,
            committed=self.certificate is not None,
        )

    @property
    def input_is_random(self) -> bool:
        """Whether the validation set may be drawn from labels that came with the input; the post did so."""
        return self.settings.labeled_input_is_random or self.settings.policy == "blog"

    def with_ledger(self, ledger: Ledger, uri: str) -> "RunState":
        return self.model_copy(update={"counts": ledger.counts(), "ledger_s3_uri": uri})

    def as_document(self) -> dict[str, Any]:
        return self.model_dump(by_alias=True, mode="json", exclude_none=True)


def round_folder(prefix: str, round_number: int) -> str:
    return f"{prefix}round-{round_number:03d}/"


def certificate_document(certificate: Certificate | None) -> dict[str, Any] | None:
    """A certificate with the sentence that says what it promises."""
    if certificate is None:
        return None
    fields = {to_pascal(name): value for name, value in asdict(certificate).items()}
    error, confidence = f"{certificate.target_error:.3g}", f"{certificate.confidence:.0%}"
    promise = f"error among the auto-labels <= {error}, {confidence} confidence"
    return {"Promise": promise, **fields}
