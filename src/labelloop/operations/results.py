"""Downloads the results of an execution into a folder."""

import filecmp
import tempfile
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import ClientError

from labelloop.operations.cloud import Cloud, OperationError, explained, is_missing
from labelloop.storage.s3 import split_uri
from labelloop.workflow.execution import SUCCEEDED, Execution
from labelloop.workflow.run_output import RunOutput

MANIFEST, REPORT, PAGE = "output.manifest", "report.json", "report.html"


@dataclass(frozen=True)
class Fetched:
    """A file that is there now; `already`: the same file was there before."""

    path: Path
    already: bool


def fetch(cloud: Cloud, execution: Execution, folder: Path, *, overwrite: bool = False) -> list[Fetched]:
    """Download output manifest and report into a folder: all of them or none.

    Raises OperationError when the execution has no output, or files of another run would be lost.
    """
    if execution.status != SUCCEEDED:
        raise OperationError(no_output(execution))
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetching-", dir=folder) as work:
        new = {}
        for name, uri in _uris(RunOutput.read(execution.output)).items():
            new[name] = Path(work) / name
            _download(cloud, uri, new[name])
        same = {name for name, path in new.items() if _same(path, folder / name)}
        lost = [name for name in new if (folder / name).exists() and name not in same]
        if lost and not overwrite:
            raise OperationError(
                f"{folder} holds another {', another '.join(lost)}: choose another --out, or add --overwrite"
            )
        for name, path in new.items():
            path.replace(folder / name)
    return [Fetched(folder / name, name in same) for name in new]


def _uris(output: RunOutput) -> dict[str, str]:
    """Where the files are, by the names they get."""
    uris = {MANIFEST: output.final_manifest_s3_uri, REPORT: output.report_s3_uri}
    return uris if output.report_html_s3_uri is None else {**uris, PAGE: output.report_html_s3_uri}


def _download(cloud: Cloud, uri: str, path: Path) -> None:
    with explained():
        try:
            cloud.s3.download_file(*split_uri(uri), str(path))
        except ClientError as error:
            if not is_missing(error):
                raise
            raise OperationError(
                f"{uri} is no longer in S3: `labelloop cleanup --output` removes it, and a lifecycle "
                "rule of the bucket may do so too"
            ) from error


def no_output(execution: Execution) -> str:
    """Why there is nothing to fetch, and what to do."""
    if execution.running:
        return f"the execution {execution.name} is still running: wait until it is done (`labelloop watch`)"
    cause = execution.cause or execution.error or "no cause is given"
    return f"the execution {execution.name} is {execution.status} and has no output: {cause}"


def _same(path: Path, other: Path) -> bool:
    return other.is_file() and filecmp.cmp(path, other, shallow=False)
