"""The records of a run: what is stored about rounds, tests, certificates and the whole run.

Only this module reads and writes them. Their fields are snake_case, in Python and as JSON. Only a certificate
has AWS's PascalCase as JSON, because it is part of an execution's output.

A document in a file carries its `format`. A reader accepts every format up to its own.
"""

import math
from collections.abc import Callable, Iterator
from enum import StrEnum
from itertools import chain
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_pascal

from labelloop.core.certificate.promise import CertificateFor
from labelloop.core.errors import DocumentError
from labelloop.core.ledger import Counts

# Written only where there is something to say.
IfKnown = Field(exclude_if=lambda value: value is None)
IfAny = Field(exclude_if=lambda value: value == 0)
IfSo = Field(exclude_if=lambda value: not value)


class Record(BaseModel):
    """A part of a document; it never changes."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=(), populate_by_name=True)

    def as_document(self) -> dict[str, Any]:
        """As JSON takes it."""
        return self.model_dump(by_alias=True, mode="json")


class Document(Record):
    """A record with a file of its own."""

    FORMAT: ClassVar[int]

    def as_file(self) -> dict[str, Any]:
        """As JSON takes it, with its format."""
        return {"format": self.FORMAT, **self.as_document()}

    @classmethod
    def read(cls, content: dict[str, Any]) -> Self:
        """What `as_file` wrote, in this version or an earlier one.

        Raises DocumentError when a later version wrote it, or when it is not such a record.
        """
        fields = dict(content)
        written = int(fields.pop("format", 1))
        if written > cls.FORMAT:
            raise DocumentError(
                f"a {cls.__name__} of format {written} was written by a later version of labelloop, and this "
                f"one reads up to {cls.FORMAT}: use the version that wrote it, or a newer one"
            )
        try:
            return cls.model_validate(cls.upgraded(fields, written))
        except ValidationError as error:
            raise DocumentError(f"not a {cls.__name__} of labelloop: {first_problem(error)}") from error

    @classmethod
    def upgraded(cls, fields: dict[str, Any], written: int) -> dict[str, Any]:  # noqa: ARG003
        """The fields of an earlier format, converted to this one."""
        return fields


def first_problem(error: ValidationError) -> str:
    """The first problem of a document, with its place."""
    first = error.errors(include_url=False, include_context=False)[0]
    return ": ".join(filter(None, (".".join(map(str, first["loc"])), first["msg"])))


class Verdict(StrEnum):
    """The progress of a test."""

    PASSED = "PASSED"
    OPEN = "OPEN"  # more answers can decide it
    FAILED = "FAILED"


class TestRecord(Record):
    """A test of a certificate, at the end of a round."""

    __test__: ClassVar = False  # pytest: not a test case

    verdict: Verdict
    drawn: int  # randomly drawn objects with an answer from people
    wrong: int  # how many of these the model got wrong
    # How many people have not answered or agreed about: they count as wrong until then.
    unsettled: Annotated[int, IfAny] = 0
    withdrawn: int = 0  # doubtful candidates that people labeled, so that the rest may pass
    error_estimate: float  # of the model, on all that it would label
    error_bound: float  # of what nobody was asked about; the largest of all groups


class _InPascalCase(Record):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_pascal,
        populate_by_name=True,
        protected_namespaces=(),
    )


ALL_LABELS = "all labels of the output"


def promise_in_words(whose: str, error: float, confidence: float) -> str:
    return f"error among {whose} <= {error:.3g}, {confidence:.0%} confidence"


class ClassCertificate(_InPascalCase):
    """What is promised about the auto-labels of one class."""

    class_index: int
    auto_labels: int
    error_bound: float
    validation_objects: int
    validation_errors: int

    def plus(self, other: "ClassCertificate") -> "ClassCertificate":
        """Of one class, with what another test has certified; the bounds hold together."""
        labels = self.auto_labels + other.auto_labels
        wrong = self.error_bound * self.auto_labels + other.error_bound * other.auto_labels
        return ClassCertificate(
            class_index=self.class_index,
            auto_labels=labels,
            error_bound=wrong / labels if labels else 0.0,
            validation_objects=self.validation_objects + other.validation_objects,
            validation_errors=self.validation_errors + other.validation_errors,
        )


class Lineage(_InPascalCase):
    """The executions that go on from the same first one, and what their tests took.

    Executions on a copy of the input, or begun anew, are others: nothing is known of them.
    """

    executions: int
    tests: int
    chance_spent: float  # the probability of a wrong certificate that all these tests took


class Certificate(_InPascalCase):
    """What is promised about the pool objects that the model labeled, and the evidence."""

    promise: str
    threshold: float  # the smallest margin among them
    target_error: float
    confidence: float  # for the whole run
    level: float  # its tests' part of the allowed chance of a wrong promise
    error_bound: float  # exact upper bound at that level
    error_estimate: float  # of the model's labels before people corrected those drawn
    coverage: float  # share of the pool that the model labeled
    auto_labels: int
    validation_objects: int  # drawn at random for the test
    validation_errors: int  # how many of them the model got wrong
    # How many people did not answer or agree about: they count as wrong.
    validation_unsettled: Annotated[int, IfAny] = 0
    by_class: tuple[ClassCertificate, ...] = ()
    # The same bound as a number of auto-labels, and as a share of all labels of the output, where those that
    # people gave count as right. Unknown in a certificate of an earlier version.
    certificate_for: Annotated[CertificateFor | None, IfKnown] = None
    wrong_bound: Annotated[int | None, IfKnown] = None
    dataset_error_bound: Annotated[float | None, IfKnown] = None
    lineage: Annotated[Lineage | None, IfKnown] = None
    parts: Annotated[int | None, IfKnown] = None  # how many tests have passed, where it was more than one

    def of_lineage(self, lineage: Lineage) -> "Certificate":
        """With what was tried before it."""
        return self.model_copy(update={"lineage": lineage})

    @property
    def is_of_dataset(self) -> bool:
        """Whether the promise is about all labels of the output, not the auto-labels alone."""
        return self.certificate_for == "dataset"

    def plus(self, part: "Certificate") -> "Certificate":
        """With another part of the pool that a later test has certified.

        The bounds hold together with the sum of the levels as the chance of a wrong one (union bound). Both
        certificates must know their `wrong_bound`.
        """
        labels = self.auto_labels + part.auto_labels
        wrong = (self.wrong_bound or 0) + (part.wrong_bound or 0)
        tested = (self.auto_labels + self.validation_objects, part.auto_labels + part.validation_objects)
        by_class = {one.class_index: one for one in self.by_class}
        for one in part.by_class:
            known = by_class.get(one.class_index)
            by_class[one.class_index] = known.plus(one) if known else one
        pool = self.auto_labels / self.coverage if self.coverage else math.inf
        return self.model_copy(
            update={
                "threshold": min(self.threshold, part.threshold),
                "level": self.level + part.level,
                "error_bound": max((one.error_bound for one in by_class.values()), default=wrong / labels),
                "wrong_bound": wrong,
                "error_estimate": (tested[0] * self.error_estimate + tested[1] * part.error_estimate)
                / sum(tested),
                "coverage": labels / pool,
                "auto_labels": labels,
                "validation_objects": self.validation_objects + part.validation_objects,
                "validation_errors": self.validation_errors + part.validation_errors,
                "validation_unsettled": self.validation_unsettled + part.validation_unsettled,
                "by_class": tuple(by_class[number] for number in sorted(by_class)),
                "parts": (self.parts or 1) + (part.parts or 1),
            }
        )

    @property
    def promised_error(self) -> float:
        """What is promised: the target, or more where people have not labeled all that was left to them."""
        bound = self.dataset_error_bound
        if not self.is_of_dataset or bound is None or bound <= self.target_error:
            return self.target_error
        return math.ceil(round(bound * 1_000, 6)) / 1_000

    def of_output(self, labels: int) -> "Certificate":
        """With its bound on the whole output, which has this number of labels.

        A promise about all of them may say more than the target then: it was tested as if people would label
        what is left to them.
        """
        if self.wrong_bound is None or not labels:
            return self
        found = self.model_copy(update={"dataset_error_bound": self.wrong_bound / labels})
        if not self.is_of_dataset:
            return found
        promise = promise_in_words(ALL_LABELS, found.promised_error, self.confidence)
        return found.model_copy(update={"promise": promise})


class OtherPromise(Record):
    """A promise, and how many labels people would give in all if this round's model was tested for it."""

    certificate_for: CertificateFor
    target_error: float
    human_labels: int


class ModelRecord(Record):
    """What a round's model said about its own labels, before people answered."""

    auto_labels: int = 0  # labels it gives, or would give once a test has passed
    validation_accuracy: float | None = None  # under the policy `blog`
    threshold: float | None = None  # on the margin between the two best classes
    expected_error: float | None = None  # of the labels it would give, as the model estimates it
    left_to_people: int | None = None  # pool objects it would not label
    expected_draws: float | None = None  # for a test; None where no test can be expected to pass
    unreadable: int = 0  # objects it could not read
    first_unreadable: str | None = None
    # Told where this model can certify next to nothing of what was asked for, or the budget is too small.
    other_promises: Annotated[tuple[OtherPromise, ...], IfSo] = ()


class ReviewCounts(Record):
    """Labels that people were asked about again, counted by result."""

    confirmed: int = 0
    changed: int = 0
    undecided: int = 0
    corrected: Annotated[int, IfAny] = 0  # by a reviewer who was not asked

    @property
    def answered(self) -> int:
        """How many objects people were asked about once more: each costs as much as a label."""
        return self.confirmed + self.changed + self.undecided


class TrueClass(Record):
    """People's answers about objects drawn at random that belong to one class, by their own label."""

    class_index: Annotated[int, Field(alias="class")]
    seen: int = 0
    wrong: int = 0  # to these the model gave another label
    # Objects with the model's label that they represent: all, and those with the wrong one.
    objects: float = 0.0
    wrong_objects: float = 0.0

    def plus(self, other: "TrueClass") -> "TrueClass":
        """Both together, of one class."""
        return TrueClass(
            class_index=self.class_index,
            seen=self.seen + other.seen,
            wrong=self.wrong + other.wrong,
            objects=self.objects + other.objects,
            wrong_objects=self.wrong_objects + other.wrong_objects,
        )


class RoundRecord(Document):
    """The result of a round."""

    FORMAT: ClassVar = 2

    round: int
    trained: bool
    validation_accuracy: float | None = None
    threshold: float | None = None
    expected_error: float | None = None
    left_to_people: int | None = None
    expected_draws: float | None = None
    other_promises: Annotated[tuple[OtherPromise, ...], IfSo] = ()
    drawn_for_test: int = 0
    test: TestRecord | None = None
    certificate: Certificate | None = None
    auto_labels_committed: int = 0
    unreadable_by_model: int = 0
    first_unreadable: str | None = None
    sent_to_people: int = 0
    labeled_by_people: int = 0
    ignored_answers: int = 0
    repeated_answers: int = 0
    label_review: ReviewCounts = ReviewCounts()
    # What people said of the spot checks they agree on, and of the draws of a test that has passed.
    spot_checks_by_class: Annotated[tuple[TrueClass, ...], IfSo] = ()
    draws_by_class: Annotated[tuple[TrueClass, ...], IfSo] = ()
    counts: Counts
    next: str = ""  # the branch the state machine takes
    # Where later steps find what the round's model saw and said, and what its test drew.
    predictions_s3_uri: Annotated[str | None, IfKnown] = None
    ledger_s3_uri: Annotated[str | None, IfKnown] = None
    chances_s3_uri: Annotated[str | None, IfKnown] = None
    seconds: Annotated[dict[str, float] | None, IfKnown] = None  # by state; only a run on a laptop adds them

    @property
    def outcomes(self) -> "OutcomeCounts":
        """Who had labeled how many objects at the end of the round."""
        return OutcomeCounts.of(self.counts)

    @property
    def human_labels(self) -> int:
        """Labels by people, at the end of the round."""
        return self.counts.human_labels

    @property
    def human_labels_before(self) -> int:
        """Labels by people when the round began: those its model was trained on."""
        return self.counts.human_labels - self.labeled_by_people


class OutcomeCounts(Record):
    """Data objects by who labeled them; sums to the input."""

    input: int
    human: int
    auto: int
    failed: int
    unlabeled: int

    @classmethod
    def of(cls, counts: Counts) -> "OutcomeCounts":
        return cls(
            input=counts.input,
            human=counts.human_labels,
            auto=counts.auto,
            failed=counts.failed,
            unlabeled=counts.unlabeled,
        )

    @property
    def labeled(self) -> int:
        return self.human + self.auto

    @property
    def without_a_label(self) -> int:
        return self.failed + self.unlabeled

    @property
    def human_share(self) -> float:
        return self.share(self.human)

    @property
    def auto_share(self) -> float:
        return self.share(self.auto)

    def share(self, objects: int) -> float:
        """The share of the input that this number of objects is."""
        return objects / self.input if self.input else 0.0


class FoundationModelRecord(Record):
    """The labels that a foundation model gave when it was asked; see `labelloop.model_labels`."""

    model: str
    attribute: str  # the key of its labels in the manifest
    prompt_digest: str
    labels: int  # of data objects
    without_label: int
    reasons: Annotated[dict[str, int], IfSo] = {}  # why there is none; data objects for each, most first
    texts: int  # different ones: each is asked about once
    tokens_in: int
    tokens_out: int
    by_batch: Annotated[int, IfAny] = 0  # texts answered by batch inference
    estimated: Annotated[float | None, IfKnown] = None  # of all texts, after the first answers
    spent: Annotated[float | None, IfKnown] = None  # None where the request has no prices
    asked_after: Annotated[int, IfAny] = 0  # labels by people in the run; 0 for the first asking


class LabelingCost(Record):
    """What the run's labels cost; see `labelloop.core.costs`."""

    currency: str
    human_label: float
    service_fee: float
    auto_label: float
    list_prices: bool
    people_per_object: int
    human_labels: int
    repeated_answers: int = 0
    answers: int
    auto_labels: int
    answers_saved: int
    spent_on_people: float
    spent_on_repeated_answers: float = 0.0
    spent_on_model: float
    spent_on_foundation_model: Annotated[float, IfAny] = 0.0
    spent: float
    model_labels_by_people: float
    saved: float

    @property
    def first_answers(self) -> int:
        """Answers behind the labels by people."""
        return self.human_labels * self.people_per_object

    @property
    def answers_again(self) -> int:
        """Answers about objects that people had answered about before."""
        return self.repeated_answers * self.people_per_object

    @property
    def answers_in_place_of_model(self) -> int:
        """Answers that people would have needed to label what the model labeled."""
        return self.auto_labels * self.people_per_object


class AccuracyOfRound(Record):
    """A round's model on objects it had not learned from. Unknown values are absent."""

    round: int
    expected_accuracy: float | None = None  # mean confidence
    objects: Annotated[float | None, IfKnown] = None
    labeled: Annotated[int | None, IfKnown] = None
    correct: Annotated[float | None, IfKnown] = None
    accuracy: Annotated[float | None, IfKnown] = None
    low: Annotated[float | None, IfKnown] = None
    high: Annotated[float | None, IfKnown] = None
    on_the_last: Annotated[float | None, IfKnown] = None  # on the objects of the last round

    @property
    def interval(self) -> tuple[float, float] | None:
        return None if self.low is None or self.high is None else (self.low, self.high)


class CoveragePoint(Record):
    """The answers whose score is at least `score`."""

    covered: float  # objects
    coverage: float  # share of all
    accuracy: float
    bound: float  # one-sided lower bound on the accuracy
    score: float


class Confusion(Record):
    """How often people's labels and the model's agree."""

    # People's class, the model's, objects; most frequent first.
    pairs: tuple[tuple[int, int, float], ...] = ()
    objects: float = 0.0
    unread: float = 0.0  # the model could not read them
    pairs_left_out: int = 0

    @property
    def agreed(self) -> float:
        """Objects about which people and the model agree."""
        return sum(number for people, model, number in self.pairs if people == model)


class ClassQuality(Record):
    """One class: its labels by people and by the model, and how accurate the last model was."""

    class_index: Annotated[int, Field(alias="class")]
    human: int
    auto: int
    objects: float
    correct: float
    bound: float  # one-sided lower bound on the accuracy

    @property
    def labeled(self) -> int:
        return self.human + self.auto

    @property
    def accuracy(self) -> float | None:
        return self.correct / self.objects if self.objects else None


class Example(Record):
    """A data object that is worth a look."""

    line: int  # in the output manifest, from 1
    model: int
    confidence: float
    margin: float
    round: int
    people: int | None
    outcome: str
    source: Annotated[str | None, IfKnown] = None  # the beginning of its text
    source_ref: Annotated[str | None, IfKnown, Field(alias="source-ref")] = None
    truth: Annotated[int | None, IfKnown] = None  # where it is known

    @property
    def label(self) -> int:
        """People's label, or the model's if they gave none."""
        return self.model if self.people is None else self.people

    @property
    def excerpt(self) -> str:
        """The beginning of its text, or its address if it has no text."""
        return self.source if self.source is not None else self.source_ref or ""


class Examples(Record):
    """The data objects that are worth a look, by reason."""

    near_threshold: tuple[Example, ...] = ()
    least_confident: tuple[Example, ...] = ()
    likely_label_errors: tuple[Example, ...] = ()

    def all(self) -> Iterator[Example]:
        """The examples of all groups."""
        return chain(self.near_threshold, self.least_confident, self.likely_label_errors)

    def each(self, change: Callable[[Example], Example]) -> "Examples":
        """With each example changed."""
        return Examples(
            near_threshold=tuple(map(change, self.near_threshold)),
            least_confident=tuple(map(change, self.least_confident)),
            likely_label_errors=tuple(map(change, self.likely_label_errors)),
        )


class ModelQuality(Record):
    """What the models' predictions say, compared with people's labels."""

    round: int  # of the last model
    threshold: float | None = None
    basis: str  # `validation set`, `all objects` or `unknown`
    labeled: int  # labels by people that the last model had not learned from
    stood_for: int  # unlabeled objects that a random sample represents
    not_known: int  # unlabeled objects that no sample represents
    accuracy_by_round: tuple[AccuracyOfRound, ...] = ()
    coverage_curve: tuple[CoveragePoint, ...] = ()
    confusion: Confusion = Confusion()
    by_class: tuple[ClassQuality, ...] = ()
    examples: Examples = Examples()

    @property
    def on_a_validation_set(self) -> bool:
        """Whether the accuracies come from a random sample that no model learned from."""
        return self.basis == "validation set"


class LearningLaw(Record):
    """accuracy = limit - factor * labels ** -decay"""

    limit: float
    factor: float
    decay: float


class RandomBaseline(Record):
    """The accuracy from randomly drawn labels, or why it is not known."""

    unknown_because: Annotated[str | None, IfKnown] = None
    law: Annotated[LearningLaw | None, IfKnown] = None
    rounds: Annotated[tuple[int, ...] | None, IfKnown] = None  # the law was fitted to
    human_labels: Annotated[int | None, IfKnown] = None  # at the last model
    accuracy: Annotated[float | None, IfKnown] = None  # there, by the law
    curve: Annotated[tuple[tuple[float, float], ...] | None, IfKnown] = None  # labels, accuracy


class Forecast(Record):
    """How many more labels by people are probably needed until the model labels the rest."""

    human_labels: int
    expected_auto_labels: int
    explanation: str


class Failure(Record):
    """A data object without a label."""

    line: int  # in the output manifest, from 1
    reason: str


class FailureRecord(Record):
    """All objects without a label: counted by reason, with the first of them listed."""

    by_reason: dict[str, int] = {}
    first: tuple[Failure, ...] = ()


class Score(Record):
    """Shares of wrong labels, if the truth is known; None if there are no such labels."""

    auto_label_error: float | None = None
    human_label_error: float | None = None
    final_error: float | None = None
    # Of the labels by machine that came with the input: they are not among the auto-labels above.
    machine_input_label_error: Annotated[float | None, IfKnown] = None


class Report(Document):
    """The machine-readable report of a run."""

    FORMAT: ClassVar = 2

    execution: str
    policy: str
    query_strategy: str
    seed: int | str  # a secret one, drawn for the run, in hexadecimal digits
    seed_was_secret: Annotated[bool, IfSo] = False  # until the run ended
    earlier_seeds: Annotated[tuple[str, ...], IfSo] = ()  # of the executions before
    target_error: float
    confidence: float
    classes: tuple[str, ...]
    counts: OutcomeCounts
    human_labels_in_input: int = 0
    machine_labels_in_input: Annotated[int, IfSo] = 0  # of counts.auto: the run's model did not give them
    certificate: Certificate | None = None
    no_certificate_because: str | None = None
    stopped_because: str | None = None
    cost: LabelingCost | None = None
    rounds: tuple[RoundRecord, ...] = ()
    random_baseline: RandomBaseline | None = None
    evidence: ModelQuality | None = None
    given_by: Annotated[tuple[str, ...] | None, IfKnown] = None  # the auto-labels, if no model gave them
    foundation_model: Annotated[FoundationModelRecord | None, IfKnown] = None  # asked before people
    foundation_model_again: Annotated[FoundationModelRecord | None, IfKnown] = None
    true_classes: Annotated[tuple[TrueClass, ...], IfSo] = ()
    next_round: Forecast | None = None
    failures: FailureRecord = FailureRecord()
    settings: dict[str, Any] = {}  # the request's block `ActiveLearning`, with its defaults
    # A run on a laptop adds its duration and, if the truth is known, the accuracy of the labels.
    output: Annotated[dict[str, Any] | None, IfKnown] = None
    seconds: Annotated[float | None, IfKnown] = None
    seconds_after_last_round: Annotated[dict[str, float] | None, IfKnown] = None
    score: Annotated[Score | None, IfKnown] = None

    @property
    def askings(self) -> tuple[FoundationModelRecord, ...]:
        """What came of each asking of a foundation model."""
        both = (self.foundation_model, self.foundation_model_again)
        return tuple(asking for asking in both if asking is not None)

    @property
    def labels_by_model(self) -> int:
        """Those that this run's model gave."""
        return self.counts.auto - self.machine_labels_in_input

    @property
    def repeated_answers(self) -> int:
        """How often people were asked again in tests and spot checks, over all rounds."""
        return sum(record.repeated_answers for record in self.rounds)

    def as_document(self) -> dict[str, Any]:
        """As JSON: the share of people and the score's fields are on the same level as the report's own."""
        fields = super().as_document()
        score = fields.pop("score", None) or {}
        return {**fields, "human_share": self.counts.human_share, **score}

    @model_validator(mode="before")
    @classmethod
    def _without_what_is_derived(cls, fields: Any) -> Any:
        if not isinstance(fields, dict):
            return fields
        known = {name: value for name, value in fields.items() if name != "human_share"}
        score = {name: known.pop(name) for name in Score.model_fields if name in known}
        return {**known, "score": score} if score else known
