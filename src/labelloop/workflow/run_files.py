"""Every S3 key of a run, written and read in this one place.

All are under `<S3OutputPath><execution name>/`. None is ever written again with other content:

    execution.json                    the execution that owns this prefix
    prepared/      manifest.jsonl  ledger.npy  prior-labels.npz  state.json
                   executions/        <execution name>.json: see `labelloop.storage.lineage`
    foundation-model/  mark.json  forms/  answers/<digest of the request>.json
                   jobs/001/          input/requests.jsonl  output/<job id>/requests.jsonl.out  ended.json
                   labels/            readings.jsonl  manifest.jsonl  prior-labels.npz  state.json
    asked-again/   foundation-model/  mark.json  forms/  answers/  jobs/
    round-001/     foundation-model/  labels/: if the model was asked again before this round
                   training/          train/ validation/ pool/ ledger.npy
                   model/             SageMaker's model.tar.gz, output.tar.gz
                   predictions/       00000.jsonl.out ...: of pool/00000.jsonl ...
                   auto-labels/       predictions.npz  auto-labels.jsonl  candidates.npy
                   selected/          selection.manifest  expectations.npy  candidates.npy  ledger.npy
                                      ahead.manifest  ahead/expectations.npy  alike.npy  state.json
                   labeling/          <job>/manifests/output/output.manifest
                   merged/            manifest.jsonl  candidates.npy  probes.npy  chances.npy  ledger.npy
                                      round.json  state.json
                   checkpoints/       if the request asks for them
    round-000/     auto-labels/       tests/0001.json, ...: see `labelloop.storage.lineage`
    encodings/                        what the model containers keep for later jobs, if the labeler says so
    output/        output.manifest  report.json  report.html

`prior-labels.npz` exists if the request names any, `candidates.npy` while a test goes on, `probes.npy` while
people disagree on a spot check, `chances.npy` when a test has ended, `alike.npy` if people get like after
like, and `ahead.manifest` if they label while the next model learns. `foundation-model/` exists if the
request names such a model; an execution that goes on from another finds the answers in the first one's, and
the encodings too.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# Below a labeling job's own folder, as Ground Truth has it.
LABELING_OUTPUT = "manifests/output/output.manifest"
_AHEAD = "-ahead"
# Folders of a round and of the start that only their run needs. What is ahead must outlast the next round.
_INTERMEDIATE = re.compile(
    r"/(prepared(?!/prior-labels\.npz$)|round-\d+/(training|predictions|auto-labels|selected(?!/ahead)|merged))/"
)
# What later executions must count, as long as there is anything to resume.
_LINEAGE = re.compile(r"/(prepared/executions|round-000/auto-labels/tests)/")
_SNAPSHOT = re.compile(r"(?:round-(\d+)/)?(prepared|foundation-model/labels|selected|merged)/state\.json")
# In the order in which they are written, at the start and in each round.
_SNAPSHOTS = ("prepared", "foundation-model/labels", "selected", "merged")
_MODEL_MANIFEST = "/foundation-model/labels/manifest.jsonl"
_ROUND_RECORD = re.compile(r"round-(\d+)/merged/round\.json")
# SageMaker's archive of everything that a training container leaves in output/data.
_TRAINING_OUTPUT = "/output/output.tar.gz"


def is_intermediate(uri: str) -> bool:
    """Whether only its run needs the file: a lifecycle rule may then remove it after some time."""
    if uri.endswith(_MODEL_MANIFEST):
        return True
    return _INTERMEDIATE.search(uri) is not None and not _LINEAGE.search(uri)


def reviews_beside(output_uri: str) -> str:
    """Where the reviews are, for a labeling job with its output manifest at `output_uri`."""
    return f"{output_uri.removesuffix('output.manifest')}relabeled.jsonl"


def training_output(uris: Iterable[str]) -> str | None:
    """The archive of output/data among a training job's files; the newest, if the job was repeated."""
    return max((uri for uri in uris if uri.endswith(_TRAINING_OUTPUT)), default=None)


def part_of_pool(folder: str, number: int) -> str:
    """One of the files in a pool's folder; they are counted from 0."""
    return f"{folder}{number:05d}.jsonl"


def transform_output(folder: str, input_uri: str) -> str:
    """The transform job's output is named after its input."""
    return f"{folder}{input_uri.rsplit('/', 1)[1]}.out"


@dataclass(frozen=True)
class RunFiles:
    """A run's files; `prefix` ends in a slash."""

    prefix: str

    @classmethod
    def under(cls, uri: str) -> "RunFiles":
        """With or without a slash at the end, as people write it."""
        return cls(uri.rstrip("/") + "/")

    @property
    def execution(self) -> str:
        return f"{self.prefix}execution.json"

    @property
    def prior_labels(self) -> str:
        """As arrays. Every round may read them, however long the run takes: not an intermediate file."""
        return f"{self.prefix}prepared/prior-labels.npz"

    @property
    def prepared_manifest(self) -> str:
        return f"{self.prefix}prepared/manifest.jsonl"

    @property
    def prepared_ledger(self) -> str:
        return f"{self.prefix}prepared/ledger.npy"

    @property
    def prepared_state(self) -> str:
        """The first snapshot of all."""
        return f"{self.prefix}prepared/state.json"

    @property
    def executions(self) -> str:
        """The executions that go on from this one, where PrepareManifest may write."""
        return f"{self.prefix}prepared/executions/"

    def execution_entry(self, name: str) -> str:
        return f"{self.executions}{name}.json"

    @property
    def tests(self) -> str:
        """The tests that these executions began, where AutoLabel may write."""
        return f"{self.rounds}000/auto-labels/tests/"

    def test_entry(self, number: int) -> str:
        return f"{self.tests}{number:04d}.json"

    @property
    def foundation_model(self) -> "FoundationModelFiles":
        return FoundationModelFiles(f"{self.prefix}foundation-model/")

    @property
    def encodings(self) -> str:
        """Where jobs keep what they encoded. Only containers know what is in it."""
        return f"{self.prefix}encodings/"

    @property
    def foundation_model_again(self) -> "FoundationModelFiles":
        """The answers when it was asked again; its labels then are the round's."""
        return FoundationModelFiles(f"{self.prefix}asked-again/foundation-model/")

    @property
    def output_folder(self) -> str:
        return f"{self.prefix}output/"

    @property
    def output_manifest(self) -> str:
        return f"{self.prefix}output/output.manifest"

    @property
    def report(self) -> str:
        return f"{self.prefix}output/report.json"

    @property
    def report_page(self) -> str:
        return f"{self.prefix}output/report.html"

    @property
    def rounds(self) -> str:
        """The beginning of the keys of all rounds."""
        return f"{self.prefix}round-"

    def round(self, number: int) -> "RoundFiles":
        """The files of a round, counted from 1."""
        return RoundFiles(f"{self.rounds}{number:03d}/")

    def newest_snapshot(self, uris: Iterable[str]) -> str | None:
        """The newest of these snapshots."""
        found = {}
        for uri in uris:
            if match := _SNAPSHOT.fullmatch(uri.removeprefix(self.prefix)):
                found[int(match[1] or 0), _SNAPSHOTS.index(match[2])] = uri
        return found[max(found)] if found else None

    def round_records(self, uris: Iterable[str]) -> Iterator[str]:
        """The records of rounds among these files, in order."""
        return (uri for uri in uris if _ROUND_RECORD.fullmatch(uri.removeprefix(self.prefix)))


@dataclass(frozen=True)
class FoundationModelFiles:
    """What a foundation model was asked, what it answered, and its labels; `folder` ends in a slash."""

    folder: str

    @property
    def mark(self) -> str:
        """What stands around texts in its prompts."""
        return f"{self.folder}mark.json"

    @property
    def answers(self) -> str:
        """The answers to single requests."""
        return f"{self.folder}answers/"

    def answer(self, digest: bytes) -> str:
        return f"{self.answers}{digest.hex()}.json"

    def form(self, digest: bytes) -> str:
        """What a model accepts of the protocol."""
        return f"{self.folder}forms/{digest.hex()}.json"

    @property
    def jobs(self) -> str:
        return f"{self.folder}jobs/"

    def job(self, number: int) -> "BatchJobFiles":
        """The files of a batch inference job, counted from 1."""
        return BatchJobFiles(f"{self.jobs}{number:03d}/")

    # Of the execution that has the labels.

    @property
    def readings(self) -> str:
        """What the model says of each object, in order."""
        return f"{self.folder}labels/readings.jsonl"

    @property
    def manifest(self) -> str:
        return f"{self.folder}labels/manifest.jsonl"

    @property
    def prior_labels(self) -> str:
        """As arrays, with those of all other sources."""
        return f"{self.folder}labels/prior-labels.npz"

    @property
    def state(self) -> str:
        return f"{self.folder}labels/state.json"


@dataclass(frozen=True)
class BatchJobFiles:
    """The files of a batch inference job; `folder` ends in a slash."""

    folder: str

    @property
    def requests(self) -> str:
        return f"{self.folder}input/requests.jsonl"

    @property
    def output(self) -> str:
        """The job writes below it, into a folder with its own id."""
        return f"{self.folder}output/"

    @property
    def ended(self) -> str:
        """How it ended."""
        return f"{self.folder}ended.json"


@dataclass(frozen=True)
class RoundFiles:
    """A round's files; `folder` ends in a slash."""

    folder: str

    @classmethod
    def of_training_ledger(cls, uri: str) -> "RoundFiles":
        """The files of the round whose model saw this ledger."""
        return cls(uri.removesuffix("training/ledger.npy"))

    # MergeModelLabels, where a foundation model is asked again

    @property
    def foundation_model(self) -> FoundationModelFiles:
        return FoundationModelFiles(f"{self.folder}foundation-model/")

    # SplitLabels

    @property
    def train(self) -> str:
        return f"{self.folder}training/train/train.jsonl"

    @property
    def holdout(self) -> str:
        """The channel that SageMaker calls `validation`."""
        return f"{self.folder}training/validation/validation.jsonl"

    @property
    def pool(self) -> str:
        """The folder of what the model is asked about: files of consecutive objects, numbered from 0."""
        return f"{self.folder}training/pool/"

    @property
    def training_ledger(self) -> str:
        return f"{self.folder}training/ledger.npy"

    @property
    def checkpoints(self) -> str:
        return f"{self.folder}checkpoints/"

    @property
    def model_folder(self) -> str:
        return f"{self.folder}model/"

    @property
    def predictions_folder(self) -> str:
        return f"{self.folder}predictions/"

    # AutoLabel

    @property
    def predictions(self) -> str:
        """As arrays."""
        return f"{self.folder}auto-labels/predictions.npz"

    @property
    def auto_labels(self) -> str:
        return f"{self.folder}auto-labels/auto-labels.jsonl"

    @property
    def candidates(self) -> str:
        """The candidates of a test that begins."""
        return f"{self.folder}auto-labels/candidates.npy"

    # SelectForHumans

    @property
    def selection(self) -> str:
        return f"{self.folder}selected/selection.manifest"

    @property
    def recorded_predictions(self) -> str:
        """What the round's model said about the objects people are asked about."""
        return f"{self.folder}selected/expectations.npy"

    @property
    def selection_ahead(self) -> str:
        """What people go on with while the next round's model learns."""
        return f"{self.folder}selected/ahead.manifest"

    @property
    def predictions_ahead(self) -> str:
        """What the round's model said about these."""
        return f"{self.folder}selected/ahead/expectations.npy"

    @property
    def alike(self) -> str:
        """Which of the selected objects are alike, if people get like after like."""
        return f"{self.folder}selected/alike.npy"

    @property
    def selected_candidates(self) -> str:
        return f"{self.folder}selected/candidates.npy"

    @property
    def selected_ledger(self) -> str:
        return f"{self.folder}selected/ledger.npy"

    @property
    def selected_state(self) -> str:
        return f"{self.folder}selected/state.json"

    @property
    def labeling_folder(self) -> str:
        return f"{self.folder}labeling/"

    # MergeLabels

    @property
    def merged_manifest(self) -> str:
        return f"{self.folder}merged/manifest.jsonl"

    @property
    def merged_candidates(self) -> str:
        return f"{self.folder}merged/candidates.npy"

    @property
    def disputed_spot_checks(self) -> str:
        return f"{self.folder}merged/probes.npy"

    @property
    def inclusion_chances(self) -> str:
        """For a test that has ended: each candidate's chance to be drawn."""
        return f"{self.folder}merged/chances.npy"

    @property
    def merged_ledger(self) -> str:
        return f"{self.folder}merged/ledger.npy"

    @property
    def record(self) -> str:
        return f"{self.folder}merged/round.json"

    @property
    def merged_state(self) -> str:
        return f"{self.folder}merged/state.json"


def is_batch_output(uri: str) -> bool:
    """Whether a batch inference job wrote its answers there."""
    return uri.endswith(".jsonl.out")


def is_recorded_predictions(uri: str) -> bool:
    """Whether this file holds what a round's model said about the objects people were asked about."""
    return uri.endswith(("/selected/expectations.npy", "/selected/ahead/expectations.npy"))


def labeling_output(folder: str, job_name: str) -> str:
    """The output manifest of the labeling job with this output folder."""
    return f"{folder}{job_name}/{LABELING_OUTPUT}"


def ahead_of(job_name: str) -> str:
    """The job that people go on with after this one, while the next model learns."""
    return f"{job_name}{_AHEAD}"


def is_ahead(output_uri: str) -> bool:
    """Whether this is the output manifest of such a job."""
    return output_uri.endswith(f"{_AHEAD}/{LABELING_OUTPUT}")


def part_of_selection(selection_uri: str, number: int) -> str:
    """A part of a selection that is too large for one labeling job; parts are counted from 1."""
    return f"{selection_uri.removesuffix('.manifest')}-{number:03d}.manifest"


def labeling_outputs_of(job_name: str, folder: str, uris: Iterable[str]) -> Iterator[str]:
    """A job's output manifests, newest first: after a redrive, the job's name ends with its number."""
    job = re.compile(rf"{re.escape(folder)}{re.escape(job_name)}(?:-\d+)?/{LABELING_OUTPUT}")
    return (uri for uri in sorted(uris, reverse=True) if job.fullmatch(uri))


def labeling_jobs(uris: Iterable[str]) -> Iterator[str]:
    """The names of the labeling jobs whose output is among these files of a run."""
    job = re.compile(rf"/round-\d+/labeling/([^/]+)/{LABELING_OUTPUT}$")
    return (found[1] for uri in uris if (found := job.search(uri)))


def state_beside(selection_uri: str) -> str:
    """The snapshot that names a selection."""
    return f"{selection_uri.rpartition('/')[0]}/state.json"
