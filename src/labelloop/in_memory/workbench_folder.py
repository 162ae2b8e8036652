"""Where the workbench of a run in memory keeps what people do."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class WorkbenchFolder:
    """Where the workbench keeps what people do."""

    out: Path

    @property
    def store(self) -> Path:
        return self.out / "workbench.sqlite"

    @property
    def key(self) -> Path:
        return self.out / "workbench.key"

    @property
    def batches(self) -> Path:
        return self.out / "batches"

    def files(self) -> set[Path]:
        """All that it writes."""
        return {self.store, self.key, self.batches, *self.out.glob("workbench.sqlite-*")}
