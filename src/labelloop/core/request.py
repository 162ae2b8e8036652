"""The execution input: the post's request, unchanged, and one optional block `ActiveLearning`."""

import math
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_pascal

from labelloop.core.errors import RequestError
from labelloop.core.manifest import label_attribute_fault
from labelloop.core.query_strategies import (
    DEFAULT_QUERY_STRATEGY,
    QueryStrategyError,
    load_query_strategy,
)

S3Uri = Annotated[
    str, StringConstraints(pattern=r"^s3://[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9](/.*)?$", max_length=1024)
]
S3ObjectUri = Annotated[
    str, StringConstraints(pattern=r"^s3://[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]/.+$", max_length=1024)
]
Arn = Annotated[str, StringConstraints(pattern=r"^arn:aws[a-z\-]*:[^\s]+$", max_length=2048)]
# A share of the input when below 1, else a count of data objects.
Size = Annotated[float, Field(gt=0)]


class _Block(BaseModel):
    # Fields have AWS's names outside (ManifestS3Uri) and Python's inside (manifest_s3_uri).
    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, alias_generator=to_pascal, protected_namespaces=()
    )


class S3DataSource(_Block):
    manifest_s3_uri: S3ObjectUri


class DataSource(_Block):
    s3_data_source: S3DataSource


class DataAttributes(_Block):
    content_classifiers: list[Literal["FreeOfPersonallyIdentifiableInformation", "FreeOfAdultContent"]] = (
        Field(default_factory=list)
    )


class InputConfig(_Block):
    data_source: DataSource
    data_attributes: DataAttributes | None = None


class OutputConfig(_Block):
    s3_output_path: S3Uri
    kms_key_id: str | None = None

    @field_validator("s3_output_path")
    @classmethod
    def _end_in_a_slash(cls, uri: str) -> str:
        return uri if uri.endswith("/") else uri + "/"


class UiConfig(_Block):
    ui_template_s3_uri: S3ObjectUri | None = None
    human_task_ui_arn: Arn | None = None


class AnnotationConsolidationConfig(_Block):
    annotation_consolidation_lambda_arn: Arn


class AmountInUsd(_Block):
    dollars: int = Field(default=0, ge=0, le=2)
    cents: int = Field(default=0, ge=0, le=99)
    tenth_fractions_of_a_cent: int = Field(default=0, ge=0, le=9)


class PublicWorkforceTaskPrice(_Block):
    amount_in_usd: AmountInUsd | None = None


class HumanTaskConfig(_Block):
    """What Ground Truth needs to show data objects to people; passed on as it is."""

    workteam_arn: Arn
    ui_config: UiConfig
    pre_human_task_lambda_arn: Arn | None = None
    task_keywords: list[Annotated[str, StringConstraints(min_length=1, max_length=30)]] | None = Field(
        default=None, min_length=1, max_length=5
    )
    task_title: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    task_description: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    number_of_human_workers_per_data_object: int = Field(ge=1, le=9)
    task_time_limit_in_seconds: int = Field(ge=30)
    task_availability_lifetime_in_seconds: int | None = Field(default=None, ge=60)
    max_concurrent_task_count: int | None = Field(default=None, ge=1, le=5000)
    annotation_consolidation_config: AnnotationConsolidationConfig | None = None
    public_workforce_task_price: PublicWorkforceTaskPrice | None = None


class ModelSettings(_Block):
    """How the model is trained and asked. `ImageUri` is the stack's own model image unless given."""

    image_uri: Annotated[str, StringConstraints(pattern=r"^\S+$", max_length=255)] | None = None
    hyper_parameters: dict[str, str] = Field(default_factory=dict, max_length=90)
    training_instance_type: str = "ml.m5.xlarge"
    transform_instance_type: str = "ml.m5.xlarge"
    volume_size_in_gb: int = Field(default=30, ge=1, alias="VolumeSizeInGB")
    max_runtime_in_seconds: int = Field(default=4 * 3600, ge=60)
    # Of the training labels, what the container may tune on instead of learning from. Unless given: none for
    # the stack's own image, which needs none, a tenth for another.
    holdout_share: float | None = Field(default=None, ge=0, le=0.5)
    batch_strategy: Literal["MultiRecord", "SingleRecord"] = "MultiRecord"
    max_payload_in_mb: int = Field(default=6, ge=1, le=100, alias="MaxPayloadInMB")


class SimulatedPeople(_Block):
    """People who know the truth, for trying a policy out: the `simulated` labeling backend."""

    truth_s3_uri: S3ObjectUri | None = None
    error_rate: float = Field(default=0.0, ge=0, le=1)
    unanswered_share: float = Field(default=0.0, ge=0, le=1)
    seed: int = Field(default=0, ge=0)


class Prices(_Block):
    """What labels cost, for the report alone.

    The defaults are of Ground Truth's public price list for text classification: what Amazon Mechanical Turk
    took for one person's answer, and the service's own fee (first 50,000 objects a month). Vendors and
    private people have a price of their own.
    """

    human_label: float = Field(default=0.012, ge=0)  # one person's answer about one data object
    service_fee: float = Field(default=0.08, ge=0)  # for each object people label, however many answer
    auto_label: float = Field(default=0.0, ge=0)
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = "USD"

    @model_validator(mode="after")
    def _in_one_currency(self) -> "Prices":
        if self.currency != "USD" and not {"human_label", "service_fee"} <= self.model_fields_set:
            raise ValueError(
                f"give HumanLabel and ServiceFee in {self.currency} too: their defaults are in USD"
            )
        return self


class ActiveLearning(_Block):
    """Every choice about the loop, each with a default. Sizes: a share of the input below 1, else a count."""

    policy: Literal["default", "blog"] = "default"
    labeling_backend: Literal["groundtruth", "simulated"] = "groundtruth"
    model: ModelSettings = ModelSettings()
    target_error: float = Field(default=0.05, gt=0, lt=1)
    confidence: float = Field(default=0.9, gt=0, lt=1)
    query_strategy: str = DEFAULT_QUERY_STRATEGY
    start_size: Size | None = None
    validation_size: Size | None = None
    batch_size: Size = 0.02
    labeled_input_is_random: bool = False
    max_rounds: int = Field(default=50, ge=1, le=500)
    max_human_labels: Size | None = None
    seed: int = Field(default=0, ge=0, lt=2**32)
    simulated_people: SimulatedPeople = SimulatedPeople()
    prices: Prices = Prices()
    resume_from_s3_uri: S3ObjectUri | None = None

    @field_validator("query_strategy")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            load_query_strategy(name)
        except QueryStrategyError as error:
            raise ValueError(str(error)) from error
        return name


# The rules of the 2020 post, so that anything better can be measured against them.
_BLOG_RULES = {"QueryStrategy": "random", "StartSize": 0.2, "ValidationSize": 0.1, "BatchSize": 0.1}
BLOG_MARGIN = 0.5


class LabelingRequest(_Block):
    """The execution input of `ActiveLearningLoop`."""

    input_config: InputConfig
    output_config: OutputConfig
    human_task_config: HumanTaskConfig | None = None
    labeling_job_name_prefix: Annotated[
        str, StringConstraints(pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9])*$", max_length=63)
    ]
    label_attribute_name: str
    label_category_config_s3_uri: S3ObjectUri
    role_arn: Arn
    active_learning: ActiveLearning = ActiveLearning()

    @field_validator("label_attribute_name")
    @classmethod
    def _usable(cls, name: str) -> str:
        fault = label_attribute_fault(name)
        if fault:
            raise ValueError(f"{name!r} cannot be a label attribute name: {fault}")
        return name

    @model_validator(mode="before")
    @classmethod
    def _with_the_rules_of_the_post(cls, request: Any) -> Any:
        block = request.get("ActiveLearning") if isinstance(request, dict) else None
        if not isinstance(block, dict) or block.get("Policy") != "blog":
            return request
        changed = [name for name, rule in _BLOG_RULES.items() if block.get(name, rule) != rule]
        if changed:
            raise ValueError(
                f"Policy blog fixes {', '.join(changed)}: leave it out, or choose Policy default"
            )
        return {**request, "ActiveLearning": {**block, **_BLOG_RULES}}

    @model_validator(mode="after")
    def _somebody_to_ask(self) -> "LabelingRequest":
        if self.active_learning.labeling_backend == "groundtruth" and self.human_task_config is None:
            raise ValueError(
                "HumanTaskConfig is missing: Ground Truth needs it to show data objects to people"
            )
        simulated = self.active_learning.labeling_backend == "simulated"
        if simulated and self.active_learning.simulated_people.truth_s3_uri is None:
            raise ValueError(
                "ActiveLearning.SimulatedPeople.TruthS3Uri is missing: simulated people must know the truth"
            )
        return self


def parse_request(document: object) -> LabelingRequest:
    """Check an execution input. Raises RequestError naming each field that is wrong, and why."""
    try:
        return LabelingRequest.model_validate(document)
    except ValidationError as error:
        problems = "; ".join(_describe(problem) for problem in error.errors())
        raise RequestError(f"the request cannot be used: {problems}") from error


def default_validation_size(total: int) -> int:
    """How large a validation set pays for an input of this size.

    A larger one lets the certificate come sooner, as its bound narrows with the root of the size, but costs
    labels the model does not learn from: their sum is least near the power 2/3 of the input. The factor is
    measured (bench/).
    """
    return min(total, math.ceil(1.7 * math.pow(total, 2 / 3)))


def default_start_size(validation: int, total: int) -> int:
    """How many labels before the first model: the validation set, and half as many to learn from."""
    return min(total, math.ceil(1.5 * validation))


def resolve_size(size: float, total: int) -> int:
    """A share of the total (rounded up) when below 1, else a count; never more than the total."""
    return min(total, math.ceil(round(size * total, 6)) if size < 1 else math.ceil(size))


def _describe(problem: Any) -> str:
    place = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"unknown field {place}"
    if problem["type"] == "missing":
        return f"{place} is missing"
    message = str(problem["msg"]).removeprefix("Value error, ")
    return f"{place}: {message}" if place else message
