"""A transform job: runs a container's `serve` under SageMaker's contract with a serving container."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from labelloop.local.archive import ArchiveError, unpack
from labelloop.local.batch_transform import BatchTransform
from labelloop.local.container_client import ContainerClient, ContainerError, serving, wait_until_ready
from labelloop.local.container_process import RunningContainer
from labelloop.local.job import Job, JobFailed, JobStopped, JobSurroundings
from labelloop.local.s3_objects import S3ObjectsError, download, find_objects, split_s3_uri, upload
from labelloop.local.transform_records import RecordsError


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
        try:
            with serving(self.surroundings.container, ml_root, environment, self.log) as (container, port):
                self._running = container
                client = ContainerClient(port, self.request.get("ModelClientConfig", {}))
                wait_until_ready(container, client, self.log, self._obey_stop)
                processing = BatchTransform(self.request, client.execution_parameters())
                for bucket, key, relative in objects:
                    self._transform(processing, client, (bucket, key), relative, folder)
        except RecordsError as error:
            raise JobFailed(f"ClientError: {error}") from error

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

    def _obey_stop(self) -> None:
        if self.stop_requested.is_set():
            raise JobStopped

    def _transform(
        self,
        processing: BatchTransform,
        client: ContainerClient,
        source: tuple[str, str],
        relative: str,
        folder: Path,
    ) -> None:
        uri = f"s3://{source[0]}/{source[1]}"
        file, output = folder / "input", folder / "output"
        download(self.surroundings.s3, *source, file)
        try:
            with file.open("rb") as records, output.open("wb") as written:
                written.writelines(processing.answers(records, client, self._obey_stop))
        except RecordsError as error:
            raise RecordsError(f"{uri}: {error}") from error
        except ContainerError as error:
            self._obey_stop()
            raise JobFailed(f"{error.kind}: {uri}: {error}, log: {self.log}") from error
        bucket, prefix = split_s3_uri(self.request["TransformOutput"]["S3OutputPath"])
        key = f"{prefix.rstrip('/')}/{relative}.out".removeprefix("/")
        try:
            upload(self.surroundings.s3, output, bucket, key)
        except self.surroundings.s3.exceptions.NoSuchBucket as error:
            raise JobFailed(f"ClientError: there is no bucket {bucket!r} for the output") from error
