"""How to prepare a data set. Every value is checked when it is set."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from labelloop.core.label_words import DEFAULT_MISSING, LabelWords
from labelloop.core.manifest.lines import (
    LONGEST_LABEL_ATTRIBUTE,
    label_attribute_fault,
    prior_attribute_fault,
)
from labelloop.preparation.classes import check_given_classes
from labelloop.preparation.errors import LabelAttributeError, OptionError

DEFAULT_LABEL_ATTRIBUTE = "label"
DEFAULT_BUCKET = "labelloop-local"
DEFAULT_JOB_NAME_PREFIX = "labelloop"
# Placeholders, in the account number that AWS reserves for documentation: a run on a laptop never uses them.
PLACEHOLDER_ROLE_ARN = "arn:aws:iam::111122223333:role/labelloop-labeling"
PLACEHOLDER_WORKTEAM_ARN = "arn:aws:sagemaker:us-east-1:111122223333:workteam/private-crowd/labelloop"
# Fixed, because the same seed must give the same bytes. The date of the true labels is unknown anyway.
DEFAULT_CREATION_DATE = datetime(2000, 1, 1)

_BUCKET = re.compile(r"[a-z0-9](?:[a-z0-9-]|\.(?!\.)){1,61}[a-z0-9]", re.ASCII)
# A labeling job's name has at most 63 characters: half of them are left for what makes it unique.
_JOB_NAME_PREFIX = re.compile(r"[a-zA-Z0-9](?:-*[a-zA-Z0-9]){0,30}", re.ASCII)
_ROLE_ARN = re.compile(r"arn:aws[a-z\-]*:iam::\d{12}:role/[a-zA-Z_0-9+=,.@\-_/]+", re.ASCII)
_WORKTEAM_ARN = re.compile(r"arn:aws[a-z\-]*:sagemaker:[a-z0-9\-]+:[0-9]{12}:workteam/.+", re.ASCII)
_RESERVED_ENDINGS = ("-metadata", "-ref")
_RESERVED_PREFIX = "labelloop-"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparationOptions:
    """How to prepare a data set.

    `classes` are labels as in the data, in the order of their index; None takes those found, sorted by name.
    `class_names` maps labels to the names to show. `labeled_share` is the share (0 to 1) of the rows whose
    label goes into the manifest as people's; None takes all labels that are known where some are not, and
    none where all are: such a file tries a run out. `sample` is the number of rows to take (None: all).
    `missing`, `exact_labels` and `merge_case`: see `LabelWords`. `prior_attributes`: the key
    in the manifest of each source of prior labels. Raises OptionError, ClassListError or LabelAttributeError.
    """

    label_attribute: str
    classes: tuple[str, ...] | None = None
    class_names: Mapping[str, str] = field(default_factory=dict)
    labeled_share: float | None = None
    sample: int | None = None
    seed: int = 0
    bucket: str = DEFAULT_BUCKET
    skip_bad_rows: bool = False
    overwrite: bool = False
    creation_date: datetime = DEFAULT_CREATION_DATE
    job_name_prefix: str = DEFAULT_JOB_NAME_PREFIX
    role_arn: str = PLACEHOLDER_ROLE_ARN
    workteam_arn: str = PLACEHOLDER_WORKTEAM_ARN
    prior_attributes: tuple[str, ...] = ()
    missing: tuple[str, ...] = DEFAULT_MISSING
    exact_labels: bool = False
    merge_case: bool = False
    images: bool = False  # the texts are S3 URIs of images

    @property
    def label_words(self) -> LabelWords:
        """What reads the labels of a data set."""
        return LabelWords(self.classes, self.missing, self.exact_labels, self.merge_case)

    def __post_init__(self) -> None:
        check_label_attribute(self.label_attribute)
        if self.classes is not None:
            check_given_classes(self.classes)
        self._check_numbers()
        self._check_names()
        self._check_prior_attributes()

    def _check_prior_attributes(self) -> None:
        for name in self.prior_attributes:
            if fault := prior_attribute_fault(name):
                raise LabelAttributeError(f"Prior labels cannot be under the key {name!r}: {fault}.")
            if name == self.label_attribute:
                raise LabelAttributeError(
                    f"{name!r} is the label attribute, where people's labels go: keep prior labels under "
                    "another key. --label-attribute names another label attribute."
                )
            if self.prior_attributes.count(name) > 1:
                raise LabelAttributeError(
                    f"Two sources of prior labels would both be under the key {name!r}: rename a column."
                )

    def _check_numbers(self) -> None:
        if self.labeled_share is not None and not 0 <= self.labeled_share <= 1:
            raise OptionError(f"The labeled share must be between 0 and 1, not {self.labeled_share}.")
        if self.sample is not None and self.sample < 1:
            raise OptionError(f"The sample must hold at least one row, not {self.sample}.")
        if self.seed < 0:
            raise OptionError(f"The seed must be 0 or more, not {self.seed}.")

    def _check_names(self) -> None:
        if not _BUCKET.fullmatch(self.bucket):
            raise OptionError(
                f"{self.bucket!r} is not an S3 bucket name: 3 to 63 lower-case letters, digits, dots, '-'."
            )
        if not _JOB_NAME_PREFIX.fullmatch(self.job_name_prefix) or len(self.job_name_prefix) > 31:
            raise OptionError(
                f"{self.job_name_prefix!r} cannot begin a labeling job's name: up to 31 letters a-z, digits, "
                "and hyphens between them."
            )
        if not _ROLE_ARN.fullmatch(self.role_arn):
            raise OptionError(f"{self.role_arn!r} is not the ARN of an IAM role.")
        if not _WORKTEAM_ARN.fullmatch(self.workteam_arn):
            raise OptionError(f"{self.workteam_arn!r} is not the ARN of a SageMaker work team.")


def check_label_attribute(name: str, *, option: str = "--label-attribute") -> None:
    """Refuse a name that Ground Truth would refuse, or that another key of a manifest line has.

    Raises LabelAttributeError, which proposes a valid name.
    """
    if fault := label_attribute_fault(name):
        raise LabelAttributeError(
            f"The label attribute cannot be {name!r}: {fault}. Try {option} {propose_label_attribute(name)}"
        )


def prior_attributes(columns: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """The key for the labels of each column; the second of a pair is the column of its confidences.

    Raises LabelAttributeError for a name that belongs to something else.
    """
    return tuple(_prior_attribute(name, number) for number, (name, _) in enumerate(columns, 1))


def _prior_attribute(column: str, number: int) -> str:
    if column.endswith(_RESERVED_ENDINGS):
        raise LabelAttributeError(
            f"Column {column!r} cannot be a prior column: {prior_attribute_fault(column)}. Rename it."
        )
    proposal = propose_label_attribute(column) if label_attribute_fault(column) else column
    return f"prior-{number}" if proposal == DEFAULT_LABEL_ATTRIBUTE != column else proposal


def propose_label_attribute(name: str) -> str:
    """A valid attribute name that resembles `name`."""
    proposal = re.sub(r"[^a-zA-Z0-9]+", "-", name)[:LONGEST_LABEL_ATTRIBUTE].strip("-")
    proposal = proposal.removeprefix(_RESERVED_PREFIX)
    while proposal.endswith(_RESERVED_ENDINGS):
        proposal = proposal.rpartition("-")[0].rstrip("-")
    return DEFAULT_LABEL_ATTRIBUTE if label_attribute_fault(proposal) else proposal
