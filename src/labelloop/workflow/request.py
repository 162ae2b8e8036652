"""The execution input: the post's request, unchanged, and one optional block `ActiveLearning`."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_pascal

from labelloop.core.certificate.promise import CertificateFor
from labelloop.core.costs import LIST_PRICE_OF_AN_ANSWER, LIST_PRICE_OF_THE_SERVICE, PriceList
from labelloop.core.errors import RequestError
from labelloop.core.implementations import name_fault
from labelloop.core.manifest.lines import label_attribute_fault, prior_attribute_fault
from labelloop.core.near_names import nearest_name
from labelloop.core.query_strategies import (
    DEFAULT_QUERY_STRATEGY,
    QueryStrategyError,
    check_name,
)
from labelloop.core.randomness import SECRET_SEED, SMALL_SEEDS, Seed, seed_number
from labelloop.core.settings import LoopSettings
from labelloop.workflow.instance_types import takes_a_volume_key


def _usable_prior_attribute(name: str) -> str:
    if fault := prior_attribute_fault(name):
        raise ValueError(f"no prior label can be under {name!r}: {fault}")
    return name


S3Uri = Annotated[
    str, StringConstraints(pattern=r"^s3://[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9](/.*)?$", max_length=1024)
]
S3ObjectUri = Annotated[
    str, StringConstraints(pattern=r"^s3://[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]/.+$", max_length=1024)
]
Arn = Annotated[str, StringConstraints(pattern=r"^arn:aws[a-z\-]*:[^\s]+$", max_length=2048)]
InstanceType = Annotated[str, StringConstraints(pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9]+$")]
PriorAttribute = Annotated[str, AfterValidator(_usable_prior_attribute)]
KmsKeyId = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9:/_-]+$", max_length=2048)]
WorkteamArn = Annotated[
    str,
    StringConstraints(
        pattern=r"^arn:aws[a-z\-]*:sagemaker:[a-z0-9\-]+:[0-9]{12}:workteam/\S+$", max_length=256
    ),
]
FunctionArn = Annotated[
    str,
    StringConstraints(
        pattern=r"^arn:aws[a-z\-]*:lambda:[a-z0-9\-]+:[0-9]{12}:function:\S+$", max_length=2048
    ),
]
# What people are asked where the request does not say.
_TITLE = "Choose the class"
_INSTRUCTIONS = "Choose the one class that fits best."
# A share of the input when below 1, else a count of data objects.
Size = Annotated[float, Field(gt=0)]


class _Block(BaseModel):
    # Fields have AWS's names in JSON (ManifestS3Uri) and Python's names in the code (manifest_s3_uri).
    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, alias_generator=to_pascal, protected_namespaces=()
    )


_Form = TypeVar("_Form", bound=_Block)


def _checked_name(name: str) -> str:
    """The name of a class that the steps' image loads: only that image can tell whether the class exists."""
    if fault := name_fault(name):
        raise ValueError(fault)
    return name


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


class StoppingConditions(_Block):
    """When Ground Truth stops a labeling job by itself. Applies to each job, and every round has one."""

    max_human_labeled_object_count: int | None = Field(default=None, ge=1)
    max_percentage_of_input_dataset_labeled: int | None = Field(default=None, ge=1, le=100)


class UiConfig(_Block):
    ui_template_s3_uri: S3ObjectUri | None = None
    human_task_ui_arn: Arn | None = None


class AnnotationConsolidationConfig(_Block):
    annotation_consolidation_lambda_arn: FunctionArn


class AmountInUsd(_Block):
    dollars: int = Field(default=0, ge=0, le=2)
    cents: int = Field(default=0, ge=0, le=99)
    tenth_fractions_of_a_cent: int = Field(default=0, ge=0, le=9)


class PublicWorkforceTaskPrice(_Block):
    amount_in_usd: AmountInUsd | None = None


class HumanTaskConfig(_Block):
    """What Ground Truth needs to show data objects to people; passed on unchanged."""

    workteam_arn: WorkteamArn
    ui_config: UiConfig
    pre_human_task_lambda_arn: FunctionArn | None = None
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
    """How the model is trained and used. `ImageUri` is the stack's own model image unless given."""

    algorithm: str = "container"  # the labeler
    image_uri: Annotated[str, StringConstraints(pattern=r"^\S+$", max_length=255)] | None = None
    hyper_parameters: dict[str, str] = Field(default_factory=dict, max_length=90)
    training_instance_type: InstanceType = "ml.m5.xlarge"
    training_instance_count: int = Field(default=1, ge=1)
    transform_instance_type: InstanceType = "ml.m5.xlarge"
    transform_instance_count: int = Field(default=1, ge=1)
    volume_size_in_gb: int = Field(default=30, ge=1, alias="VolumeSizeInGB")
    volume_kms_key_id: KmsKeyId | None = None
    max_runtime_in_seconds: int = Field(default=4 * 3600, ge=60)
    use_spot_training: bool = False
    # For spot instances and the training together; twice MaxRuntimeInSeconds unless given.
    max_wait_time_in_seconds: int | None = Field(default=None, ge=60)
    # Each round's training has its own folder under this one; by default it is in the round's folder.
    checkpoint_s3_uri: S3Uri | None = None
    input_mode: Literal["File", "FastFile", "Pipe"] | None = None  # the labeler's choice unless given
    # Share of the training labels that the model may use for tuning; the labeler's choice unless given.
    holdout_share: float | None = Field(default=None, ge=0, le=0.5)
    batch_strategy: Literal["MultiRecord", "SingleRecord"] = "MultiRecord"
    max_payload_in_mb: int = Field(default=6, ge=1, le=100, alias="MaxPayloadInMB")

    @property
    def volumes_take_a_key(self) -> bool:
        """Whether SageMaker takes a VolumeKmsKeyId for both jobs' instances."""
        return takes_a_volume_key(self.training_instance_type) and takes_a_volume_key(
            self.transform_instance_type
        )

    @field_validator("algorithm")
    @classmethod
    def _well_named(cls, name: str) -> str:
        return _checked_name(name)


class SimulatedPeopleFaults(_Block):
    """People who know the truth, to try out a policy: the `simulated` labeling backend."""

    truth_s3_uri: S3ObjectUri | None = None
    error_rate: float = Field(default=0.0, ge=0, le=1)
    unanswered_share: float = Field(default=0.0, ge=0, le=1)
    seed: int = Field(default=0, ge=0)


class GoldObjects(_Block):
    """Objects with a known label, mixed in to see how well people label; given as an augmented manifest."""

    manifest_s3_uri: S3ObjectUri
    share: float = Field(default=0.05, gt=0, le=0.5)  # of the batch


_MINUTE, _DAY = 60, 24 * 3600


class WorkbenchSettings(_Block):
    """How people label in the workbench. These fields override what `HumanTaskConfig` says about the task."""

    title: Annotated[str, StringConstraints(min_length=1, max_length=128)] | None = None
    short_instructions: Annotated[str, StringConstraints(min_length=1, max_length=2000)] | None = None
    full_instructions: Annotated[str, StringConstraints(min_length=1, max_length=50_000)] | None = None
    number_of_human_workers_per_data_object: int | None = Field(default=None, ge=1, le=9)
    # Whether to use the user's own Ground Truth worker template (HumanTaskConfig.UiConfig.UiTemplateS3Uri).
    use_worker_template: bool = False
    show_guess: bool = False  # the model's label, which biases people
    show_prior_label: bool = False  # to confirm or correct; it biases people, too
    adjudicate: bool = (
        False  # whether batches stay open until an owner has decided what people disagree about
    )
    # Whether people get like after like, or several that are alike at once; never where a test may be.
    like_with_like: Literal["off", "order", "grid"] = "off"
    lease_in_seconds: int = Field(default=10 * _MINUTE, ge=10, le=_DAY)
    # After this time without an answer, or in total, the labels so far count and the loop goes on.
    heartbeat_in_seconds: int = Field(default=7 * _DAY, ge=1)
    deadline_in_seconds: int = Field(default=30 * _DAY, ge=2, le=360 * _DAY)
    gold: GoldObjects | None = None
    # As a share of the batch: labels that the model contradicts most confidently; people are asked again.
    relabel_share: float = Field(default=0.0, ge=0, le=0.5)
    # As a share of the batch: objects that people go on with while the next model learns; 0: they wait.
    label_ahead_share: float = Field(default=0.0, ge=0, le=2)

    @model_validator(mode="after")
    def _heartbeat_before_deadline(self) -> "WorkbenchSettings":
        if self.heartbeat_in_seconds >= self.deadline_in_seconds:
            raise ValueError("HeartbeatInSeconds must be shorter than DeadlineInSeconds")
        return self


class Prices(_Block):
    """What labels cost, for the report and for MaxCost; the defaults are Ground Truth's list prices.

    Vendors and private teams have their own prices.
    """

    human_label: float = Field(default=LIST_PRICE_OF_AN_ANSWER, ge=0)  # one person's answer about one object
    service_fee: float = Field(default=LIST_PRICE_OF_THE_SERVICE, ge=0)  # each object people label
    auto_label: float = Field(default=0.0, ge=0)
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = "USD"

    def price_list(self, people_per_object: int) -> PriceList:
        """The prices if this many people label each object."""
        return PriceList(
            human_label=self.human_label,
            service_fee=self.service_fee,
            auto_label=self.auto_label,
            currency=self.currency,
            people_per_object=people_per_object,
            list_prices=self == Prices(),
        )

    @model_validator(mode="after")
    def _in_one_currency(self) -> "Prices":
        if self.currency != "USD" and not {"human_label", "service_fee"} <= self.model_fields_set:
            raise ValueError(
                f"give HumanLabel and ServiceFee in {self.currency} too: their defaults are in USD"
            )
        return self


class ModelPrices(_Block):
    """What a foundation model's tokens cost, per million, in the currency of the request's `Prices`."""

    input_tokens: float = Field(ge=0)
    output_tokens: float = Field(ge=0)
    batch_share: float = Field(default=0.5, ge=0, le=1)  # of these prices, for batch inference


class ModelExample(_Block):
    """A text that the model is shown with its label."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=10_000)]
    label: str


# The least and the most of a batch inference job, unless AWS has set another limit for an account.
FEWEST_BATCH_RECORDS, MOST_BATCH_RECORDS = 100, 50_000


class FoundationModel(_Block):
    """A model at Amazon Bedrock that labels all texts before people are asked; see `ModelLabels`."""

    # Of a model or of an inference profile.
    model_id: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9:./_-]*$", max_length=2048)]
    attribute: PriorAttribute = "foundation-model"
    instructions: Annotated[str, StringConstraints(max_length=50_000)] = ""
    class_descriptions: dict[str, str] = Field(default_factory=dict)
    examples: list[ModelExample] = Field(default_factory=list, max_length=100)
    # So many of the texts that came with people's labels are shown too.
    examples_per_class: int = Field(default=1, ge=0, le=10)
    # Beside these, so many that are like the text asked about.
    examples_near: int = Field(default=0, ge=0, le=20)
    # Once people have labeled so many objects in the run, it is asked again, with their labels as examples.
    ask_again_after: int | None = Field(default=None, ge=1)
    prompt_template_s3_uri: S3ObjectUri | None = None
    confidence_from: Literal["stated", "samples"] = "stated"
    samples: int = Field(default=5, ge=2, le=25)
    inference: Literal["auto", "batch", "converse"] = "auto"
    # `auto` takes batch inference from so many texts on.
    batch_from: int = Field(default=1_000, ge=FEWEST_BATCH_RECORDS)
    batch_timeout_in_hours: int = Field(default=24, ge=24, le=168)
    requests_at_once: int = Field(default=8, ge=1, le=64)
    max_answer_tokens: int = Field(default=256, ge=1)
    prices: ModelPrices | None = None

    @property
    def attribute_again(self) -> str:
        """The key of the labels that it gives when it is asked again."""
        return f"{self.attribute}-again"

    @model_validator(mode="after")
    def _asked_again_with_examples(self) -> "FoundationModel":
        if self.ask_again_after is None:
            return self
        if not self.examples_near:
            raise ValueError(
                "AskAgainAfter asks again with the texts that people have labeled as examples: say how many "
                "go with each text, ExamplesNear 4 for instance"
            )
        if fault := prior_attribute_fault(self.attribute_again):
            raise ValueError(f"Attribute {self.attribute!r} is too long to be asked again under: {fault}")
        return self

    @model_validator(mode="after")
    def _one_answer_a_record(self) -> "FoundationModel":
        if self.inference == "batch" and self.confidence_from == "samples":
            raise ValueError(
                "a batch has one answer for each text: ConfidenceFrom samples needs Inference converse"
            )
        return self


# A run's own secret seed may be given again, to repeat its draws once its report has told it.
GivenSeed = (
    Annotated[int, Field(ge=0, lt=SMALL_SEEDS)]
    | Annotated[str, StringConstraints(pattern=rf"^{SECRET_SEED.pattern}$")]
)


class ActiveLearning(_Block):
    """Every choice about the loop, each with a default. Sizes: a share of the input below 1, else a count."""

    policy: Literal["default", "blog"] = "default"
    labeling_backend: str = "groundtruth"
    model: ModelSettings = ModelSettings()
    target_error: float = Field(default=0.05, gt=0, lt=1)
    confidence: float = Field(default=0.9, gt=0, lt=1)
    query_strategy: str = DEFAULT_QUERY_STRATEGY
    start_size: Size | None = None
    validation_size: Size | None = None
    batch_size: Size | None = None
    # What a certificate covers: all auto-labels together, or those of each class separately.
    certificate_for: CertificateFor = "all"
    # Where a test's answer differs from the model's, more people are asked until two agree.
    review_disagreements: bool = True
    # The cost of a wrong label, in human labels. Objects whose chance of being wrong is above its inverse go
    # to people.
    wrong_label_cost: float | None = Field(default=None, ge=1)
    max_rounds: int = Field(default=100, ge=1, le=500)
    max_human_labels: Size | None = None
    # Of people's labels and the foundation model's, by the prices below.
    max_cost: float | None = Field(default=None, gt=0)
    # What all draws come from. A run that is given none draws a secret one, and tells it in its report.
    seed: GivenSeed | None = None
    simulated_people: SimulatedPeopleFaults = SimulatedPeopleFaults()
    workbench: WorkbenchSettings = WorkbenchSettings()
    prices: Prices = Prices()
    foundation_model: FoundationModel | None = None
    resume_from_s3_uri: S3ObjectUri | None = None

    @model_validator(mode="before")
    @classmethod
    def _with_one_labeler(cls, block: Any) -> Any:
        """`Labeler` is `Model.Algorithm` by the name it has for a labeler that trains no model."""
        if not isinstance(block, dict) or "Labeler" not in block:
            return block
        labeler, model = block["Labeler"], block.get("Model", {})
        if not isinstance(labeler, str):
            raise ValueError("Labeler must be a name")
        if not isinstance(model, dict):
            return block
        if model.get("Algorithm", labeler) != labeler:
            raise ValueError(
                f"Labeler is {labeler!r} and Model.Algorithm {model['Algorithm']!r}: they say the same "
                "thing, so leave one of them out"
            )
        others = {name: value for name, value in block.items() if name != "Labeler"}
        return {**others, "Model": {**model, "Algorithm": labeler}}

    @model_validator(mode="after")
    def _all_costs_are_known(self) -> "ActiveLearning":
        model = self.foundation_model
        if model is not None and model.prices is None and self.max_cost is not None:
            raise ValueError(
                "MaxCost covers the foundation model's labels too: give FoundationModel.Prices, InputTokens "
                "and OutputTokens per million"
            )
        return self

    def loop_settings(
        self,
        *,
        spent_on_foundation_model: float = 0.0,
        people_per_object: int = 1,
        holdout_share: float | None = None,
        looks_for_doubt: bool = True,
        secret_seed: str | None = None,
        labels_ahead: bool = False,
    ) -> LoopSettings:
        """The part that the loop needs to know. `secret_seed`: the run's, if the request gives none.

        `labels_ahead`: whether who runs the loop can ask people about the next round's objects already.

        The arguments come from labeling backend, labeler and query strategy: only code that loads them knows
        these values.
        """
        return LoopSettings(
            policy=self.policy,
            target_error=self.target_error,
            confidence=self.confidence,
            certificate_for=self.certificate_for,
            review_disagreements=self.review_disagreements,
            wrong_label_cost=self.wrong_label_cost,
            start_size=self.start_size,
            validation_size=self.validation_size,
            batch_size=self.batch_size,
            ahead_share=self.workbench.label_ahead_share if labels_ahead else 0.0,
            max_rounds=self.max_rounds,
            max_human_labels=self.max_human_labels,
            max_cost=None if self.max_cost is None else max(0.0, self.max_cost - spent_on_foundation_model),
            prices=self.prices.price_list(people_per_object),
            holdout_share=self.model.holdout_share or 0.0 if holdout_share is None else holdout_share,
            looks_for_doubt=looks_for_doubt,
            seed=self._seed_number(secret_seed),
            seed_was_given=self.seed is not None,
        )

    def _seed_number(self, secret: str | None) -> int:
        seed: Seed | None = secret if self.seed is None else self.seed
        assert seed is not None, "a run without a given seed draws one at its start"
        return seed_number(seed)

    @field_validator("labeling_backend")
    @classmethod
    def _backend_well_named(cls, name: str) -> str:
        return _checked_name(name)

    @field_validator("query_strategy")
    @classmethod
    def _strategy_well_named(cls, name: str) -> str:
        # The steps' image checks whether a user's own class exists: it may exist only there.
        try:
            check_name(name)
        except QueryStrategyError as error:
            raise ValueError(str(error)) from error
        return name

    @model_validator(mode="before")
    @classmethod
    def _with_the_rules_of_the_post(cls, block: Any) -> Any:
        if not isinstance(block, dict) or block.get("Policy") != "blog":
            return block
        changed = [name for name, rule in _BLOG_RULES.items() if block.get(name, rule) != rule]
        if changed:
            raise ValueError(
                f"Policy blog fixes {', '.join(changed)}: leave it out, or choose Policy default"
            )
        return {**block, **_BLOG_RULES}


# The rules of the 2020 post, so that anything better can be measured against them.
_BLOG_RULES = {"QueryStrategy": "random", "StartSize": 0.2, "ValidationSize": 0.1, "BatchSize": 0.1}


# Fields of CreateLabelingJob that are not allowed here.
_WHY_NOT = {
    "LabelingJobAlgorithmsConfig": "Ground Truth would label with its own model, but here yours labels: "
    "leave it out",
    "LabelingJobName": "every round has its own labeling job: give LabelingJobNamePrefix",
}


class PriorLabelSource(_Block):
    """Labels that something else gave: the key they have in the manifest, in Ground Truth's form."""

    attribute: PriorAttribute


class Question(NamedTuple):
    """What people are asked about each data object."""

    title: str
    short_instructions: str
    full_instructions: str


class LabelingRequest(_Block):
    """The execution input of `ActiveLearningLoop`."""

    input_config: InputConfig
    output_config: OutputConfig
    human_task_config: HumanTaskConfig | None = None
    stopping_conditions: StoppingConditions | None = None
    labeling_job_name_prefix: Annotated[
        str, StringConstraints(pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9])*$", max_length=63)
    ]
    label_attribute_name: str
    label_category_config_s3_uri: S3ObjectUri
    role_arn: Arn
    prior_labels: Annotated[list[PriorLabelSource], Field(max_length=10)] | None = None
    active_learning: ActiveLearning = ActiveLearning()

    @field_validator("label_attribute_name")
    @classmethod
    def _usable(cls, name: str) -> str:
        fault = label_attribute_fault(name)
        if fault:
            raise ValueError(f"{name!r} cannot be a label attribute name: {fault}")
        return name

    @property
    def question(self) -> Question:
        """As the workbench asks it: `Workbench` says so, else `HumanTaskConfig`."""
        words, task = self.active_learning.workbench, self.human_task_config
        title = words.title or (task.task_title if task else _TITLE)
        short = words.short_instructions or (task.task_description if task else _INSTRUCTIONS)
        return Question(title, short, words.full_instructions or short)

    @property
    def given_attributes(self) -> tuple[str, ...]:
        """The keys of the prior labels that the input has, one of each source."""
        return tuple(source.attribute for source in self.prior_labels or ())

    @property
    def prior_attributes(self) -> tuple[str, ...]:
        """The keys of all prior labels before the first round; the foundation model's is the last."""
        model = self.active_learning.foundation_model
        return self.given_attributes if model is None else (*self.given_attributes, model.attribute)

    @model_validator(mode="after")
    def _different_attributes(self) -> "LabelingRequest":
        model, attribute = self.active_learning.foundation_model, self.label_attribute_name
        if attribute in self.given_attributes:
            raise ValueError(
                f"PriorLabels: {attribute!r} is the LabelAttributeName, which holds people's "
                "labels: keep prior labels under another key"
            )
        if model is not None and (
            taken := {model.attribute, model.attribute_again} & {attribute, *self.given_attributes}
        ):
            raise ValueError(
                f"ActiveLearning.FoundationModel.Attribute: {min(taken)!r} has other labels: choose a "
                "key of its own"
            )
        names = self.given_attributes
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"PriorLabels names {twice[0]!r} twice")
        return self


def with_default_backend(document: object, backend: str | None) -> object:
    """The execution input, with this labeling backend if it names none."""
    if not backend or not isinstance(document, dict):
        return document
    block = document.get("ActiveLearning", {})
    if not isinstance(block, dict) or "LabelingBackend" in block:
        return document
    return {**document, "ActiveLearning": {**block, "LabelingBackend": backend}}


def parse_request(document: object) -> LabelingRequest:
    """Check an execution input. Raises RequestError naming each field that is wrong, and why."""
    return _checked(LabelingRequest, document)


def parse_settings(block: object) -> ActiveLearning:
    """Check a block `ActiveLearning` by itself. Raises RequestError as `parse_request` does."""
    return _checked(ActiveLearning, block)


def _checked(form: type[_Form], document: object) -> _Form:
    try:
        return form.model_validate(document)
    except ValidationError as error:
        problems = "; ".join(_describe(problem, form) for problem in error.errors())
        raise RequestError(f"the request cannot be used: {problems}") from error


def _describe(problem: Any, form: type[_Block]) -> str:
    place = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        reason = _WHY_NOT.get(place)
        return f"{place} cannot be used: {reason}" if reason else _unknown_field(problem["loc"], form)
    if problem["type"] == "missing":
        return f"{place} is missing"
    message = str(problem["msg"]).removeprefix("Value error, ")
    return f"{place}: {message}" if place else message


def _unknown_field(location: Sequence[int | str], form: type[_Block]) -> str:
    """The field, and the one that was probably meant: of the same block, else of another."""
    place = ".".join(map(str, location))
    *outer, name = map(str, location)
    siblings = {path[-1]: path for path in _paths(form) if [*path[:-1]] == outer}
    others = {path[-1]: path for path in _paths(form)}
    for known in (siblings, others):
        if meant := nearest_name(name, known):
            path = known[meant]
            return f"unknown field {place}: did you mean {meant if known is siblings else '.'.join(path)}?"
    return f"unknown field {place}"


def _paths(form: type[_Block], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every field of a form and of the blocks in it, the outer ones last: of two alike, they are meant."""
    names = [(field.alias or name, field.annotation) for name, field in form.model_fields.items()]
    for name, annotation in names:
        for kind in (annotation, *get_args(annotation)):
            if isinstance(kind, type) and issubclass(kind, _Block):
                yield from _paths(kind, (*above, name))
    yield from ((*above, name) for name, _ in names)
    if form is ActiveLearning:
        yield (*above, "Labeler")
