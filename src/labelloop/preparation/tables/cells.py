"""How a value that is no text is written as one: once, for every format, and so that it can be read again."""

from __future__ import annotations

import datetime
import json
import math
from typing import Any


def as_text(value: Any) -> str:
    """The text of a value; empty where there is none.

    A number is written with all its digits, a truth value as `true` or `false`, a date in ISO 8601, and what
    has parts as JSON.
    """
    if isinstance(value, str):
        return value
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="surrogateescape")
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=as_text)
    return str(value)


def number_of_workbook(value: float) -> str:
    """A workbook has no whole numbers: 7 is stored as 7.0, and shown as 7."""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else as_text(value)
