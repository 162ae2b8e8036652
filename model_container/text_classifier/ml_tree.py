"""The folder tree through which SageMaker and a container speak: /opt/ml, or what ML_ROOT says."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from text_classifier.failures import UserError


class ConfigurationError(UserError):
    """Raised when a file of SageMaker's under input/config cannot be read."""


class ChannelError(UserError):
    """Raised when an input channel is missing, empty or of a mode that is not read here."""


class OutputError(UserError):
    """Raised when the container may not write where its output belongs."""


@dataclass(frozen=True)
class MlTree:
    """The tree under one root; nothing is read or made before it is asked for."""

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
        """What SageMaker keeps when it takes a spot instance away; None when the job asked for none."""
        folder = self.root / "checkpoints"
        return folder if folder.is_dir() else None

    def require_writable(self) -> None:
        """Raises OutputError when the container may not write its output."""
        for folder in (self.model, self.failure.parent):
            place = next(path for path in (folder, *folder.parents) if path.exists())
            if not os.access(place, os.W_OK | os.X_OK):
                raise OutputError(
                    f"The user the container runs as (id {os.getuid()}) may not write to {folder}: "
                    "let it, or run the container as root, as SageMaker does."
                )

    @property
    def out_of_fold(self) -> Path:
        """Where training leaves predictions of its examples, each by a net that had not seen it."""
        return self.root / "output" / "data" / "out_of_fold.jsonl"

    def hyperparameters(self) -> dict[str, Any]:
        """Return the job's hyperparameters as they stand in their file, {} when it gave none."""
        return _read_object(self.root / "input" / "config" / "hyperparameters.json")

    def require_one_instance(self) -> None:
        """Raises ConfigurationError where more instances were asked for: each would train the same model."""
        hosts = _read_object(self.root / "input" / "config" / "resourceconfig.json").get("hosts")
        if isinstance(hosts, list) and len(hosts) > 1:
            raise ConfigurationError(
                f"The job has {len(hosts)} instances, but this container trains on one: "
                "set InstanceCount to 1."
            )

    def channels(self) -> list[str]:
        """The names of the channels the job was given, as far as its configuration says."""
        return sorted(_read_object(self._channels_file))

    def channel_files(self, channel: str) -> list[Path]:
        """Return the channel's files in order of their paths: [] when the job has no such channel.

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
        raise ConfigurationError(f"{file} holds no JSON object: write it as one.")
    return content
