"""The folder tree that SageMaker and a container use to exchange files: /opt/ml, or the folder ML_ROOT."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classifier.failures import UserError


class ConfigurationError(UserError):
    """Raised when one of SageMaker's files in input/config cannot be read."""


class ChannelError(UserError):
    """Raised when an input channel is missing, empty, or has an unsupported mode."""


class OutputError(UserError):
    """Raised when the container may not write to its output folders."""


@dataclass(frozen=True)
class MlTree:
    """The tree below one root. Files are read only when they are needed."""

    root: Path

    @classmethod
    def of_environment(cls) -> MlTree:
        return cls(Path(os.environ.get("ML_ROOT") or "/opt/ml"))

    @property
    def model(self) -> Path:
        return self.root / "model"

    @property
    def failure(self) -> Path:
        return self.root / "output" / "failure"

    @property
    def checkpoints(self) -> Path | None:
        """The folder that SageMaker keeps when it takes a spot instance away; None if the job has none."""
        folder = self.root / "checkpoints"
        return folder if folder.is_dir() else None

    def require_writable(self) -> None:
        """Raises OutputError when the container may not write to its output folders."""
        for folder in (self.model, self.failure.parent):
            place = next(path for path in (folder, *folder.parents) if path.exists())
            if not os.access(place, os.W_OK | os.X_OK):
                raise OutputError(
                    f"The user that runs the container (id {os.getuid()}) may not write to {folder}: "
                    "allow it, or run the container as root, as SageMaker does."
                )

    @property
    def out_of_fold(self) -> Path:
        """The file for predictions of the training examples, each by a net that had not seen it."""
        return self.root / "output" / "data" / "out_of_fold.jsonl"

    def hyperparameters(self) -> dict[str, Any]:
        """Return the job's hyperparameters as in their file; {} if there are none."""
        return _read_object(self.root / "input" / "config" / "hyperparameters.json")

    def require_one_instance(self) -> None:
        """Raises ConfigurationError for several instances, because each would train the same model."""
        hosts = _read_object(self.root / "input" / "config" / "resourceconfig.json").get("hosts")
        if isinstance(hosts, list) and len(hosts) > 1:
            raise ConfigurationError(
                f"The job has {len(hosts)} instances, but this container trains on one: "
                "set InstanceCount to 1."
            )

    def channels(self) -> list[str]:
        """The names of the job's channels, according to its configuration."""
        return sorted(_read_object(self._channels_file))

    def channel_files(self, channel: str) -> list[Path]:
        """Return the channel's files in the order of their paths; [] if the job has no such channel.

        Raises ChannelError for a channel in Pipe mode, ConfigurationError for an unreadable configuration.
        """
        folder = self.root / "input" / "data" / channel
        if self._channels_file.exists():
            channels = _read_object(self._channels_file)
            if channel not in channels:
                return []
            _refuse_pipe_mode(channel, channels[channel])
        return sorted(path for path in folder.rglob("*") if path.is_file())

    @property
    def _channels_file(self) -> Path:
        return self.root / "input" / "config" / "inputdataconfig.json"


def _refuse_pipe_mode(channel: str, settings: Any) -> None:
    mode = settings.get("TrainingInputMode", "File") if isinstance(settings, dict) else "File"
    if mode == "Pipe":
        raise ChannelError(
            f"Channel '{channel}' is in Pipe mode, but this container reads files: "
            "set the channel's InputMode to File or FastFile."
        )


def _read_object(file: Path) -> dict[str, Any]:
    if not file.exists():
        return {}
    try:
        content = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{file} cannot be read ({error}): write it as a JSON object.") from error
    if not isinstance(content, dict):
        raise ConfigurationError(f"{file} is not a JSON object: write it as one.")
    return content
