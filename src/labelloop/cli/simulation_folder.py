"""The folder of a simulation (`--out`): its settings, its runs, and simulation.json."""

import json
from pathlib import Path
from typing import Any

from labelloop.cli.run_folder import RunFolder, write_json
from labelloop.core.errors import RequestError

_OTHER_FOLDER = "choose another --out"


class SimulationFolder:
    """Files under `--out`."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.runs = out / "runs"
        self.encodings = out / "encodings"  # of texts, by a container: all runs share them
        self.result = out / "simulation.json"
        self._settings = out / "settings.json"

    def run(self, policy: str, seed: int) -> RunFolder:
        """The folder of one run. Once its report is there, the run has ended."""
        return RunFolder(self.runs / f"{policy}-seed-{seed}")

    def take(self, settings: dict[str, Any]) -> None:
        """Use this folder for a simulation with these settings.

        Raises RequestError when the folder holds anything else.
        """
        self._refuse_foreign_files()
        if self._settings.exists():
            self._refuse_other_runs(settings)
        write_json(self._settings, settings)

    def _refuse_foreign_files(self) -> None:
        ours = {self.runs, self.encodings, self.result, self._settings}
        found = set(self.out.iterdir()) if self.out.exists() else set()
        foreign = sorted(path.name for path in found - ours if path.suffix != ".writing")
        if foreign:
            raise RequestError(f"{self.out} holds {foreign[0]}, which no simulation wrote: {_OTHER_FOLDER}")

    def _refuse_other_runs(self, settings: dict[str, Any]) -> None:
        earlier = json.loads(self._settings.read_bytes())
        changed = [name for name, value in settings.items() if earlier.get(name) != value]
        if changed and self.runs.exists():
            raise RequestError(
                f"{self.out} holds the runs of a simulation with other {', '.join(changed)}: {_OTHER_FOLDER}"
            )
