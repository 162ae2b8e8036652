"""What the classes mean, from the user's file: an object in JSON, or a table with class and description."""

from __future__ import annotations

import json
from pathlib import Path

from labelloop.foundation_model.errors import PromptError
from labelloop.preparation.source import BadRow, LabeledText
from labelloop.preparation.table_format import TableFormat
from labelloop.preparation.table_source import TableSource


def read_descriptions(path: Path) -> dict[str, str]:
    """Class and description. Raises PromptError, and PreparationError for a table that cannot be read."""
    found = _json_object(path)
    if found is None:
        found = _table(path)
    if not found:
        raise PromptError(f"{path} describes no class.")
    return found


def read_instructions(path: Path, what: str) -> str:
    """A file of text. Raises PromptError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise PromptError(f"{what} {path} is not UTF-8 text: save it as such.") from error
    except OSError as error:
        raise PromptError(f"{what} {path} cannot be read: {error.strerror}.") from error
    if not text.strip():
        raise PromptError(f"{what} {path} is empty.")
    return text


def _json_object(path: Path) -> dict[str, str] | None:
    """None for a file that is something else."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, OSError):
        return None
    if not isinstance(content, dict):
        return None
    for name, description in content.items():
        if not isinstance(description, str):
            raise PromptError(f"{path}: the description of {name!r} is not a text.")
    return {name.strip(): description.strip() for name, description in content.items()}


def _table(path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for row in TableSource.open([path], TableFormat("description", "class")):
        if isinstance(row, BadRow):
            raise PromptError(f"{path}, {row}")
        if isinstance(row, LabeledText):
            name = row.label.strip()
            if name in found:
                raise PromptError(f"{path}, line {row.line}: {name!r} is described twice.")
            found[name] = row.text.strip()
    return found
