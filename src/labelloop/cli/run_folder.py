"""The folder of a run (`--out`): the request, the executions so far, and the results."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from labelloop.core.errors import RequestError
from labelloop.core.records import Report
from labelloop.work_folder.json_file import write_json


@dataclass
class RunRecord:
    """What `--resume` needs to know: written before the first step runs."""

    request: dict[str, Any]
    s3_root: str
    truth: str | None = None
    people: str = "simulated"
    model_skill: float | None = None  # of a simulated foundation model
    model_server: str | None = None  # of a real one
    key_variable: str | None = None
    executions: list[str] = field(default_factory=list)
    finished: bool = False


class RunFolder:
    """Files under `--out`."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.manifest = out / "output.manifest"
        self.report = out / "report.json"
        self.page = out / "report.html"
        self.check_list = out / "check.csv"
        # People's second look at labels, by the execution that gave them.
        self.checks = out / "check"
        self.model_answers = out / "model.answers.sqlite"
        self.history = out / "history.json"
        self.logs = out / "logs"
        self.encodings = out / "encodings"
        self.workbench_database = out / "workbench.sqlite"
        self.workbench_key = out / "workbench.key"
        self._record = out / "run.json"

    def load(self) -> RunRecord | None:
        """The record of an earlier run in this folder, if there is one.

        Raises RequestError when the file is something else.
        """
        if not self._record.exists():
            return None
        try:
            return RunRecord(**json.loads(self._record.read_bytes()))
        except (ValueError, TypeError) as error:
            raise RequestError(f"{self._record} is not the record of a run: {error}") from error

    def save(self, record: RunRecord) -> None:
        write_json(self._record, asdict(record))

    def read_report(self) -> Report:
        """Raises DocumentError when a later version has written it."""
        return Report.read(json.loads(self.report.read_bytes()))

    def write_report(self, report: Report) -> None:
        write_json(self.report, report.as_file())


def local_path(s3_root: Path, uri: str) -> Path:
    """The file that stands for an S3 object."""
    return s3_root / uri.removeprefix("s3://")


def read_request(path: Path) -> dict[str, Any]:
    """Read an execution input from a file. Raises RequestError when it is not one JSON object."""
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise RequestError(f"the request {path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise RequestError(f"the request {path} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise RequestError(f"the request {path} is not a JSON object")
    return document
