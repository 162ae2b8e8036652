"""What was measured, on what machine, as JSON; and the Markdown tables that documents quote."""

import hashlib
import json
import os
import platform
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "bench" / "results"  # of the last run, whole or not
QUOTED = ROOT / "docs" / "benchmarks"  # what the document quotes: of the last full run
DOCUMENT = ROOT / "docs" / "benchmarks.md"
README = ROOT / "README.md"

Row = Sequence[str]


def _of_core() -> str:
    digest = hashlib.sha256()
    for file in sorted((ROOT / "src" / "labelloop" / "core").rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


# Read when the measurement begins: it takes long, and somebody may edit the file in that time.
CORE = _of_core()


def machine() -> dict[str, Any]:
    """The processor, and what the numbers depend on beside it."""
    return {
        "core": CORE,
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def _processor() -> str:
    try:
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    return found[1] if found else platform.processor() or platform.machine()


def write_json(name: str, document: dict[str, Any], folder: Path) -> Path:
    """Write the whole file or nothing: results are written repeatedly as they arrive."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.json"
    unfinished = file.with_suffix(".part")
    unfinished.write_text(json.dumps(document, indent=1) + "\n")
    unfinished.replace(file)
    return file


def read_json(name: str, folder: Path) -> dict[str, Any] | None:
    """What `write_json` has written; None where it has not."""
    file = folder / f"{name}.json"
    return dict(json.loads(file.read_text())) if file.exists() else None


def markdown_table(header: Row, rows: Sequence[Row]) -> str:
    """The first column to the left, numbers to the right."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def percent(share: float, digits: int = 1) -> str:
    return f"{100 * share:.{digits}f} %"


def quote(text: str, name: str, content: str) -> str:
    """The text with new content between its markers `<!-- bench:name -->` and `<!-- /bench:name -->`.

    Raises ValueError when it has no such markers.
    """
    opening, closing = f"<!-- bench:{name} -->", f"<!-- /bench:{name} -->"
    if opening not in text or closing not in text:
        raise ValueError(f"the document has no {opening} ... {closing}")
    before, rest = text.split(opening, 1)
    _, after = rest.split(closing, 1)
    return f"{before}{opening}\n{content}\n{closing}{after}"


def quoted(text: str, name: str) -> str:
    """What stands between the markers."""
    return text.split(f"<!-- bench:{name} -->\n", 1)[1].split(f"\n<!-- /bench:{name} -->", 1)[0]


def quote_in_document(tables: dict[str, str], document: Path = DOCUMENT) -> None:
    """Put the tables between their markers in the document."""
    text = document.read_text()
    for name, content in tables.items():
        text = quote(text, name, content)
    document.write_text(text)
