"""The folder of a simulation (`--out`): its settings, its runs, and simulation.json."""

from pathlib import Path
from typing import Any

from labelloop.cli.run_folder import RunFolder
from labelloop.core.errors import RequestError
from labelloop.work_folder.json_file import write_json
from labelloop.work_folder.kept_settings import OTHER_FOLDER, changed_settings, refuse_foreign_files


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
        ours = {self.runs, self.encodings, self.result, self._settings}
        refuse_foreign_files(self.out, ours, "simulation")
        changed = changed_settings(self._settings, settings)
        if changed and self.runs.exists():
            raise RequestError(
                f"{self.out} holds the runs of a simulation with other {', '.join(changed)}: {OTHER_FOLDER}"
            )
        write_json(self._settings, settings)
