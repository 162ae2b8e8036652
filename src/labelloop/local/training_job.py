"""A training job: runs a container's `train` under SageMaker's contract with a training container."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from labelloop.local.archive import pack
from labelloop.local.job import Job, JobFailed, JobStopped, JobSurroundings
from labelloop.local.pipe_channel import PipeChannel, check_pipe, pipe_records
from labelloop.local.s3_objects import (
    S3ObjectsError,
    download,
    fetch_channel,
    list_keys,
    safe_relative_path,
    split_s3_uri,
    upload,
)
from labelloop.local.training_folder import reason_of_failure, write_settings

# SageMaker's own default.
_MAX_RUNTIME_SECONDS = 86400


class TrainingJob(Job):
    """Runs `train` on its channels and stores the model."""

    kind: ClassVar[str] = "TrainingJob"
    arn_type: ClassVar[str] = "training-job"

    def __init__(self, request: Mapping[str, Any], surroundings: JobSurroundings) -> None:
        super().__init__(request, surroundings)
        self._timed_out = False

    def details(self) -> dict[str, Any]:
        """The URI of the model, and the times."""
        details: dict[str, Any] = {
            "SecondaryStatus": self._secondary_status(),
            "TrainingStartTime": self.created,
            "LastModifiedTime": self.changed,
            "ModelArtifacts": {"S3ModelArtifacts": f"{self._output_uri()}/model.tar.gz"},
        }
        if self.end_time is not None:
            details["TrainingEndTime"] = self.end_time
            details["TrainingTimeInSeconds"] = int((self.end_time - self.created).total_seconds())
        return details

    def work(self, folder: Path) -> None:
        """Fetches the channels, trains, stores what the container left in `model` and `output/data`."""
        self._prepare(folder)
        pipes = self._open_pipes(folder)
        container = self.surroundings.container.train(folder, self._environment(), self.log)
        try:
            self.wait_for_exit(container, self._max_runtime())
        except TimeoutError:
            self._timed_out = True
            self._store(folder)
            raise JobStopped from None
        except JobStopped:
            self._store(folder)
            raise
        finally:
            container.kill()
            for pipe in pipes:
                pipe.close()
            self._keep_checkpoints(folder)
        code = container.exit_code()
        if code != 0:
            raise JobFailed(reason_of_failure(folder, code, self.log))
        self._store(folder)

    def _secondary_status(self) -> str:
        if self.status == "Stopped" and self._timed_out:
            return "MaxRuntimeExceeded"
        return "Training" if self.status == "InProgress" else self.status

    def _max_runtime(self) -> float:
        return float(self.request["StoppingCondition"].get("MaxRuntimeInSeconds", _MAX_RUNTIME_SECONDS))

    def _environment(self) -> dict[str, str]:
        own = {"TRAINING_JOB_NAME": self.name, "TRAINING_JOB_ARN": self.arn}
        return {**self.request.get("Environment", {}), **own}

    def _prepare(self, folder: Path) -> None:
        channels = self.request.get("InputDataConfig", [])
        for channel in channels:
            try:
                self._fetch(channel, folder / "input/data")
            except S3ObjectsError as error:
                raise JobFailed(
                    f"ClientError: {error}, given in input data source {channel['ChannelName']!r}"
                ) from error
        write_settings(folder, self.request)
        self._fetch_checkpoints(folder)

    def _fetch(self, channel: Mapping[str, Any], folder: Path) -> None:
        if channel.get("InputMode") == "Pipe":
            check_pipe(self.surroundings.s3, channel)
        else:
            fetch_channel(self.surroundings.s3, channel, folder / channel["ChannelName"])

    def _open_pipes(self, folder: Path) -> list[PipeChannel]:
        return [
            PipeChannel(
                folder / "input/data",
                channel["ChannelName"],
                partial(pipe_records, self.surroundings.s3, channel),
            )
            for channel in self.request.get("InputDataConfig", [])
            if channel.get("InputMode") == "Pipe"
        ]

    def _checkpoints(self, folder: Path) -> tuple[Path, str, str] | None:
        """The folder of the checkpoints with its bucket and prefix; None if the job has none."""
        config = self.request.get("CheckpointConfig")
        if config is None:
            return None
        inside = config.get("LocalPath", "/opt/ml/checkpoints").removeprefix("/opt/ml/")
        bucket, prefix = split_s3_uri(config["S3Uri"].rstrip("/") + "/")
        return folder / inside, bucket, prefix

    def _fetch_checkpoints(self, folder: Path) -> None:
        kept = self._checkpoints(folder)
        if kept is None:
            return
        place, bucket, prefix = kept
        place.mkdir(parents=True, exist_ok=True)
        try:
            for key in list_keys(self.surroundings.s3, bucket, prefix):
                relative = safe_relative_path(key.removeprefix(prefix))
                download(self.surroundings.s3, bucket, key, place / relative)
        except S3ObjectsError as error:
            raise JobFailed(f"ClientError: {error}, given in CheckpointConfig") from error

    def _keep_checkpoints(self, folder: Path) -> None:
        # SageMaker does this all the time. Once is enough here, as the folder outlives the container.
        kept = self._checkpoints(folder)
        if kept is None:
            return
        place, bucket, prefix = kept
        for path in sorted(path for path in place.rglob("*") if path.is_file()):
            upload(self.surroundings.s3, path, bucket, f"{prefix}{path.relative_to(place).as_posix()}")

    def _output_uri(self) -> str:
        return f"{self.request['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{self.name}/output"

    def _store(self, folder: Path) -> None:
        for source, name in ((folder / "model", "model.tar.gz"), (folder / "output/data", "output.tar.gz")):
            if any(source.iterdir()):
                pack(source, folder / name)
                bucket, key = split_s3_uri(f"{self._output_uri()}/{name}")
                try:
                    upload(self.surroundings.s3, folder / name, bucket, key)
                except self.surroundings.s3.exceptions.NoSuchBucket as error:
                    raise JobFailed(f"ClientError: there is no bucket {bucket!r} for the output") from error
