"""Every error that labelloop raises on purpose.

LabelloopError
├── RequestError              the execution input cannot be used as it stands
├── EventError                what a step was invoked with is no event of its
├── LabelCategoriesError      the label category file cannot be used
├── ManifestError             the input manifest has lines that cannot be used
├── QueryStrategyError        a query strategy is not there, or does not do what one must
├── PredictionsError          the model's predictions do not fit what was asked
├── LabelingOutputError       a labeling job's output manifest cannot be used
├── DocumentError             a stored document was written by a later version
├── LedgerError               a ledger does not fit its manifest
├── TruthError                the file of true labels cannot be used
└── StorageError              an S3 object or bucket that is needed is not there
"""


class LabelloopError(Exception):
    """Something a person can mend; the message says where and how."""


class RequestError(LabelloopError):
    """Raised when the execution input has an unknown, missing or impossible field."""


class EventError(LabelloopError):
    """Raised when a step's event lacks a field, or has one that is not known or cannot be."""


class LabelCategoriesError(LabelloopError):
    """Raised when the label category file is malformed, has duplicates or fewer than two classes."""


class ManifestError(LabelloopError):
    """Raised when lines of the input manifest cannot be used; lists the first of them."""


class QueryStrategyError(LabelloopError):
    """Raised when a query strategy cannot be loaded, lacks what it needs, or returns no ranking."""


class PredictionsError(LabelloopError):
    """Raised when the transform job's output is missing or holds objects that were not sent."""


class LabelingOutputError(LabelloopError):
    """Raised when a labeling job's output manifest is missing or unreadable."""


class DocumentError(LabelloopError):
    """Raised when a stored document has a format that this version does not know."""


class LedgerError(LabelloopError):
    """Raised when a ledger and what is done to it contradict each other."""


class TruthError(LabelloopError):
    """Raised when the file of true labels for simulated people does not fit the manifest."""


class StorageError(LabelloopError):
    """Raised when an S3 object or bucket is missing or may not be read."""
