"""Every error that a person can fix. Classes not defined here are defined where they are raised.

LabelloopError
├── RequestError                the execution input cannot be used
├── EventError                  a step was invoked with something that is not its event
├── LabelCategoriesError        the label category file cannot be used
├── ManifestError               the input manifest has lines that cannot be used
├── QueryStrategyError          a query strategy is missing or breaks its contract
├── PredictionsError            the model's predictions do not fit what was asked
├── DocumentError               a stored document is of a later version, or damaged
├── LedgerError                 a ledger does not fit its manifest
├── TruthError                  the file of true labels cannot be used
├── StorageError                an S3 object or bucket is missing or may not be read
├── PreparationError            a data set cannot be prepared as asked
│   ├── InputFileError          the file cannot be read, or holds no rows
│   ├── ColumnError             a column is not in the file, or is there twice
│   ├── BadRowsError            rows cannot be used, and nobody asked to skip them
│   ├── ClassListError          there are too few classes, a class is repeated, or they differ from the file's
│   ├── LabelAttributeError     the label attribute is not a name Ground Truth accepts
│   ├── OptionError             an option has a value it cannot have
│   └── OutputFolderError       the output folder is in use, or cannot be written
├── FoundationModelError        a foundation model cannot be asked
│   ├── PromptError             no prompt can be made of template, guidelines or descriptions
│   ├── ModelServerError        the model's server is not reached, refuses, or does not answer as it should
│   └── AnswerCacheError        the file of kept answers is in use, damaged, or not one of ours
├── WorkbenchError              the workbench cannot do what was asked
│   ├── NotFoundError           there is no such batch or task
│   ├── RefusedError            the state of the batch or task does not allow it
│   ├── NotAllowedError         the person does not have the role that is needed
│   ├── ConflictError           somebody else wrote first
│   ├── UnavailableError        something that the workbench needs does not work now
│   ├── WorkerTemplateError     a worker template cannot be rendered or answered
│   └── PortError               there is no port to serve on
├── OperationError              AWS cannot do what a command asked for
│   └── QuotaError              SageMaker would refuse a run's jobs
├── LocalAwsError               the local AWS does not have what was asked for
├── TemplateError               template.yaml cannot be read, or the local AWS cannot use it
├── S3FolderError               a folder cannot be used in place of S3
├── DockerError                 Docker does not answer, or lacks what is needed
├── SamError                    SAM is missing, or does not start
├── MotoVersionError            the installed moto is not a version that labelloop knows
├── FrameError                  a data frame cannot be used
├── AnswersError                a function in the place of people does not answer as it should
├── ModelFailedError            the programs of a container failed, in a run in memory
├── RunFailedError              an execution did not succeed
└── SampleRunError              a step of the sample run failed

The command line catches the root. The tree leaves out exceptions that another module always turns into
something else before a person sees them:

    RecordError, StrictJsonError                            a line of a ManifestError
    ServiceError, JSONataError, MarshalError                what AWS itself would answer
    JobFailed, JobStopped, LabelingFailed                   how a job of the local AWS ends
    ArchiveError, ContainerError, RecordsError              the reason why such a job failed
    S3ObjectsError                                          likewise
    RequestRefusedError, NoAnswerError                      why a foundation model gave an object no label
    CostLimitReachedError                                   likewise
    EstimateIsFlat, PeopleAreAsked                          how a run on a terminal is interrupted

Private exceptions (`_TaskTimedOutError`) never leave their module. A test compares this text with the code.
"""


class LabelloopError(Exception):
    """The root: something a person can fix. The message says where and how."""


class RequestError(LabelloopError):
    """Raised when the execution input has an unknown, missing or impossible field."""


class EventError(LabelloopError):
    """Raised when a step's event lacks a field, or has one that is unknown or impossible."""


class LabelCategoriesError(LabelloopError):
    """Raised when the label category file is malformed, repeats a class or has fewer than two."""


class ManifestError(LabelloopError):
    """Raised when lines of the input manifest cannot be used; lists the first of them."""


class QueryStrategyError(LabelloopError):
    """Raised when a query strategy cannot be loaded, lacks what it needs, or returns no ranking."""


class PredictionsError(LabelloopError):
    """Raised when the transform job's output is missing or holds objects that were not sent."""


class DocumentError(LabelloopError):
    """Raised when a stored document has a later format, or is damaged."""


class LedgerError(LabelloopError):
    """Raised when a ledger cannot be read, or does not allow a change."""


class TruthError(LabelloopError):
    """Raised when the file of true labels for simulated people does not fit the manifest."""


class StorageError(LabelloopError):
    """Raised when an S3 object or bucket is missing or may not be read."""
