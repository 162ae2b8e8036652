"""A transform job: runs a container's `serve` under SageMaker's contract with a serving container."""

import contextlib
import http.client
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

from labelloop.local.archive import ArchiveError, unpack
from labelloop.local.container_process import RunningContainer
from labelloop.local.job import Job, JobFailed, JobStopped, JobSurroundings
from labelloop.local.s3_objects import S3ObjectsError, download, find_objects, split_s3_uri, upload
from labelloop.local.transform_records import (
    MiniBatch,
    RecordsError,
    compile_filter,
    join_record,
    make_mini_batches,
    parse_json,
    read_records,
    to_json,
)

_MEGABYTE = 1024 * 1024
# SageMaker's defaults.
_MAX_PAYLOAD_MB = 6
_INVOCATION_TIMEOUT_SECONDS = 600
_INVOCATION_RETRIES = 3
# How long a container may take to answer /ping, and to end after SIGTERM.
_STARTUP_SECONDS = 600.0
_PING_TIMEOUT_SECONDS = 2.0
_STOP_SECONDS = 30.0
_ANSWER_CHARACTERS = 300


class TransformJob(Job):
    """Runs `serve` on a model and sends it every record of the input."""

    kind: ClassVar[str] = "TransformJob"
    arn_type: ClassVar[str] = "transform-job"

    def __init__(
        self, request: Mapping[str, Any], surroundings: JobSurroundings, model: Mapping[str, Any]
    ) -> None:
        """`model` is the request that made the model the job runs."""
        super().__init__(request, surroundings)
        self._model_container: Mapping[str, Any] = model["PrimaryContainer"]
        self._running: RunningContainer | None = None

    def stop(self, grace_seconds: float | None = None) -> None:
        """Also ends the container, because a request may hang in it."""
        super().stop(grace_seconds)
        if self.stop_requested.is_set() and self._running is not None:
            self._running.kill()

    def details(self) -> dict[str, Any]:
        """The times."""
        times = {"TransformStartTime": self.created}
        return times if self.end_time is None else {**times, "TransformEndTime": self.end_time}

    def work(self, folder: Path) -> None:
        """Serves the model, transforms each input object, stores `<name>.out` for it."""
        ml_root = folder / "ml"
        objects = self._find_input()
        self._fetch_model(folder, ml_root)
        environment = {**self._model_container.get("Environment", {}), **self.request.get("Environment", {})}
        container, port = self.surroundings.container.serve(ml_root, environment, self.log)
        self._running = container
        try:
            client = _ContainerClient(port, self.request.get("ModelClientConfig", {}))
            self._wait_until_ready(container, client)
            processing = _DataProcessing(self.request, client.execution_parameters())
            for bucket, key, relative in objects:
                self._transform(processing, client, (bucket, key), relative, folder)
        except RecordsError as error:
            raise JobFailed(f"ClientError: {error}") from error
        finally:
            container.terminate()
            container.wait(_STOP_SECONDS)
            container.kill()

    def _find_input(self) -> list[tuple[str, str, str]]:
        try:
            return find_objects(
                self.surroundings.s3, self.request["TransformInput"]["DataSource"]["S3DataSource"]
            )
        except S3ObjectsError as error:
            raise JobFailed(f"ClientError: {error}, given in TransformInput") from error

    def _fetch_model(self, folder: Path, ml_root: Path) -> None:
        model = ml_root / "model"
        model.mkdir(parents=True)
        uri = self._model_container.get("ModelDataUrl")
        if uri is None:
            return
        archive = folder / "model.tar.gz"
        try:
            download(self.surroundings.s3, *split_s3_uri(uri), archive)
            unpack(archive, model)
        except (ArchiveError, S3ObjectsError, self.surroundings.s3.exceptions.NoSuchKey) as error:
            raise JobFailed(f"ClientError: the model data at {uri} cannot be used: {error}") from error
        archive.unlink()

    def _wait_until_ready(self, container: RunningContainer, client: "_ContainerClient") -> None:
        deadline = time.monotonic() + _STARTUP_SECONDS
        while not client.answers_ping():
            self._obey_stop()
            if container.exit_code() is not None:
                raise JobFailed(
                    f"AlgorithmError: the container ended with exit code {container.exit_code()} before it "
                    f"answered /ping, log: {self.log}"
                )
            if time.monotonic() > deadline:
                raise JobFailed(
                    f"AlgorithmError: no answer to /ping in {_STARTUP_SECONDS:g} s, log: {self.log}"
                )
            self._obey_stop()
            time.sleep(0.01)

    def _obey_stop(self) -> None:
        if self.stop_requested.is_set():
            raise JobStopped

    def _transform(
        self,
        processing: "_DataProcessing",
        client: "_ContainerClient",
        source: tuple[str, str],
        relative: str,
        folder: Path,
    ) -> None:
        uri = f"s3://{source[0]}/{source[1]}"
        file, output = folder / "input", folder / "output"
        download(self.surroundings.s3, *source, file)
        try:
            with file.open("rb") as records, output.open("wb") as answers:
                self._send_all(processing, client, records, answers)
        except RecordsError as error:
            raise RecordsError(f"{uri}: {error}") from error
        except _ContainerError as error:
            self._obey_stop()
            raise JobFailed(f"{error.kind}: {uri}: {error}, log: {self.log}") from error
        bucket, prefix = split_s3_uri(self.request["TransformOutput"]["S3OutputPath"])
        key = f"{prefix.rstrip('/')}/{relative}.out".removeprefix("/")
        try:
            upload(self.surroundings.s3, output, bucket, key)
        except self.surroundings.s3.exceptions.NoSuchBucket as error:
            raise JobFailed(f"ClientError: there is no bucket {bucket!r} for the output") from error

    def _send_all(
        self, processing: "_DataProcessing", client: "_ContainerClient", records: BinaryIO, answers: BinaryIO
    ) -> None:
        def send(batch: MiniBatch, body: bytes) -> bytes:
            self._obey_stop()
            return processing.assemble(batch, client.invoke(batch, body, processing.headers))

        with ThreadPoolExecutor(processing.concurrent) as pool:
            for answer in _in_order(pool, send, processing.batches(records), processing.concurrent):
                answers.write(answer)


class _ContainerError(Exception):
    """Raised when a container fails to answer; `kind` is whose fault it is, in SageMaker's terms."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class _DataProcessing:
    """How the job splits, sends and joins: as set by the request, else the container, else the defaults."""

    def __init__(self, request: Mapping[str, Any], preferred: Mapping[str, Any]) -> None:
        settings = {**preferred, **request}
        transform_input, output = request["TransformInput"], request["TransformOutput"]
        processing = request.get("DataProcessing", {})
        split = transform_input.get("SplitType", "None")
        if split not in ("None", "Line"):
            raise RecordsError(f"SplitType {split} is not known here: use Line")
        self._by_line = split == "Line"
        self._many = self._by_line and settings.get("BatchStrategy", "MultiRecord") == "MultiRecord"
        # 0 means no limit.
        self._most_bytes = int(settings.get("MaxPayloadInMB", _MAX_PAYLOAD_MB)) * _MEGABYTE or sys.maxsize
        self.concurrent = max(1, int(settings.get("MaxConcurrentTransforms", 1)))
        self._joins = processing.get("JoinSource", "None") == "Input"
        self._filters_input = processing.get("InputFilter", "$") != "$"
        self._filters_output = processing.get("OutputFilter", "$") != "$"
        self._input_filter = compile_filter(processing.get("InputFilter"))
        self._output_filter = compile_filter(processing.get("OutputFilter"))
        self._line_end = b"\n" if output.get("AssembleWith", "None") == "Line" else b""
        if (self._joins or self._filters_output) and not (self._by_line and self._line_end):
            raise RecordsError("JoinSource and OutputFilter need SplitType Line and AssembleWith Line here")
        self.headers = {
            "Content-Type": transform_input.get("ContentType", "application/octet-stream"),
            "Accept": output.get("Accept", "*/*"),
        }

    def batches(self, file: BinaryIO) -> Iterator[tuple[MiniBatch, bytes]]:
        """The requests to send for a file."""
        records = read_records(file, by_line=self._by_line)
        return make_mini_batches(records, most_bytes=self._most_bytes, many=self._many, prepare=self._prepare)

    def assemble(self, batch: MiniBatch, answer: bytes) -> bytes:
        """What the answer to a batch adds to the output file.

        Raises `RecordsError` when lines must be joined, but there is not one line for each record.
        """
        if not (self._joins or self._filters_output):
            return answer if not self._line_end or answer.endswith(b"\n") else answer + self._line_end
        lines = answer.removesuffix(b"\n").split(b"\n") if answer else []
        if len(lines) != len(batch.records):
            raise RecordsError(
                f"{batch.numbers}: the container answered {len(lines)} lines for {len(batch.records)} records"
            )
        pairs = zip(batch.records, lines, strict=True)
        return b"".join(to_json(self._output_filter(self._join(*pair))) + self._line_end for pair in pairs)

    def _prepare(self, record: bytes) -> bytes:
        return to_json(self._input_filter(parse_json(record, "a record"))) if self._filters_input else record

    def _join(self, record: bytes, line: bytes) -> Any:
        output = parse_json(line, "a line of the container's answer")
        return join_record(parse_json(record, "a record"), output) if self._joins else output


class _ContainerClient:
    """Talks to the serving container, with one connection per request like SageMaker's agent."""

    def __init__(self, port: int, settings: Mapping[str, Any]) -> None:
        self._port = port
        self._timeout = float(settings.get("InvocationsTimeoutInSeconds", _INVOCATION_TIMEOUT_SECONDS))
        self._retries = int(settings.get("InvocationsMaxRetries", _INVOCATION_RETRIES))

    def answers_ping(self) -> bool:
        """True when `GET /ping` returns 200."""
        try:
            return self._request("GET", "/ping", timeout=_PING_TIMEOUT_SECONDS)[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def execution_parameters(self) -> dict[str, Any]:
        """What the container prefers: MaxConcurrentTransforms, BatchStrategy, MaxPayloadInMB, or nothing."""
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
            status, body = self._request("GET", "/execution-parameters", timeout=_PING_TIMEOUT_SECONDS)
            preferred = json.loads(body) if status == 200 else None
            if isinstance(preferred, dict):
                return preferred
        return {}

    def invoke(self, batch: MiniBatch, body: bytes, headers: Mapping[str, str]) -> bytes:
        """Posts a request, with retries. Raises `_ContainerError` if the container keeps failing."""
        for attempt in range(self._retries + 1):
            try:
                status, answer = self._request("POST", "/invocations", body, headers, self._timeout)
            except (OSError, http.client.HTTPException) as error:
                failure = _ContainerError(
                    "AlgorithmError",
                    f"{batch.numbers}: no answer from the container ({type(error).__name__}: {error})",
                )
            else:
                if 200 <= status < 300:
                    return answer
                text = answer[:_ANSWER_CHARACTERS].decode(errors="replace")
                kind = "ClientError" if status < 500 else "AlgorithmError"
                failure = _ContainerError(
                    kind, f"{batch.numbers}: bad HTTP status from the container: {status}: {text}"
                )
                if status < 500:
                    break
            if attempt == self._retries:
                break
        raise failure

    def _request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = _PING_TIMEOUT_SECONDS,
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=timeout)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


def _in_order(
    pool: ThreadPoolExecutor,
    send: Callable[[MiniBatch, bytes], bytes],
    batches: Iterator[tuple[MiniBatch, bytes]],
    ahead: int,
) -> Iterator[bytes]:
    """The answers in the order of the batches; at most `ahead` requests are sent or waiting to be written."""
    waiting = [pool.submit(send, *item) for item in islice(batches, ahead)]
    while waiting:
        answer = waiting.pop(0).result()
        following = next(batches, None)
        if following is not None:
            waiting.append(pool.submit(send, *following))
        yield answer
