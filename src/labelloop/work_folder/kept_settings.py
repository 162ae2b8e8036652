"""The settings that the files in an output folder belong to: a repeated command must have the same."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from labelloop.core.errors import RequestError

# Of `labelloop.label`, whose folder no command reads.
LABEL_SETTINGS = "label.json"
OTHER_FOLDER = "choose another --out"


def refuse_foreign_files(out: Path, ours: Collection[Path], what: str) -> None:
    """Raises RequestError when the folder holds a file that no `what` writes."""
    found = set(out.iterdir()) if out.exists() else set()
    foreign = sorted(path.name for path in found - set(ours) if path.suffix != ".writing")
    if foreign:
        raise RequestError(f"{out} holds {foreign[0]}, which {what} did not write: {OTHER_FOLDER}")


def changed_settings(kept: Path, settings: Mapping[str, Any]) -> list[str]:
    """The names of the settings that differ from those in the file; none without a file."""
    if not kept.exists():
        return []
    earlier = json.loads(kept.read_bytes())
    return [name for name, value in settings.items() if earlier.get(name) != value]


def file_digest(files: Sequence[Path]) -> str | list[str]:
    """What the files contain, whatever they are called now."""
    digests = list[str]()
    for path in files:
        with path.open("rb") as content:
            digests.append(hashlib.file_digest(content, "sha256").hexdigest())
    return digests[0] if len(digests) == 1 else digests
