"""Stores the state of a training in the folder that SageMaker keeps when it takes a spot instance away.

A checkpoint is the complete state that changes during training: the network's variables, the optimizer's, and
the random state of dropout. So a training that continues from a checkpoint ends with exactly the same model.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

logger = logging.getLogger(__name__)

_SECONDS_BETWEEN = 30.0
_TROUBLE = (OSError, SafetensorError, ValueError, KeyError)


def identity_of(*parts: object) -> str:
    """Return a hash of everything a training depends on. It differs if the model would differ."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(json.dumps(part).encode("ascii"))
        digest.update(b"\n")
    return digest.hexdigest()


class Checkpoint:
    """The newest state of one network, in one file. If it cannot be read or written, it is not used."""

    def __init__(self, file: Path | None, training: str) -> None:
        """Take the file (None: store nothing) and the training's identity. Files of others are not used."""
        self._file = file
        self._training = training
        self._kept = time.monotonic()

    def restore(self, variables: Sequence[Any]) -> int:
        """Restore the values of the variables, and return how many steps are done: 0 without a checkpoint."""
        if self._file is None or not self._file.exists():
            return 0
        try:
            with safe_open(self._file, "numpy") as content:
                about = content.metadata() or {}
                if about.get("training") != self._training:
                    logger.info("The checkpoint %s belongs to another training: not used.", self._file)
                    return 0
                arrays = [content.get_tensor(str(number)) for number in range(len(variables))]
                steps = int(about["steps"])
        except _TROUBLE as error:
            logger.info("The checkpoint %s cannot be read (%s): not used.", self._file, error)
            return 0
        for variable, array in zip(variables, arrays, strict=True):
            variable.assign(array)
        logger.info("Continuing from the checkpoint %s: %d steps are done.", self._file.name, steps)
        return steps

    def keep_at_times(self, variables: Iterable[Any], steps: int) -> None:
        """Store the state if the last stored one is half a minute old."""
        if time.monotonic() - self._kept > _SECONDS_BETWEEN:
            self.keep(variables, steps)

    def keep(self, variables: Iterable[Any], steps: int) -> None:
        """Store the state after this many steps, completely or not at all."""
        if self._file is None:
            return
        arrays = {str(number): np.asarray(variable.numpy()) for number, variable in enumerate(variables)}
        partial = self._file.with_suffix(".partial")
        try:
            save_file(arrays, partial, {"training": self._training, "steps": str(steps)})
            partial.replace(self._file)
        except _TROUBLE as error:
            logger.info(
                "No checkpoint can be stored in %s (%s): continuing without one.", self._file.parent, error
            )
            self._file = None
        self._kept = time.monotonic()


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints of a training, one for each network and phase. Without a folder, nothing is stored."""

    folder: Path | None = None
    training: str = ""
    """The identity of the training: see `identity_of`."""
    phase: str = ""

    def in_phase(self, phase: str) -> Checkpoints:
        return replace(self, phase=phase)

    def of(self, network: str) -> Checkpoint:
        file = self.folder / f"{self.phase}-{network}.safetensors" if self.folder else None
        return Checkpoint(file, self.training)
