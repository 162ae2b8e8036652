"""Which name somebody may have meant who wrote one that does not exist."""

import difflib
from collections.abc import Iterable


def nearest_name(name: str, known: Iterable[str]) -> str | None:
    """The known name most like this one, apart from upper and lower case; None if none is like it."""
    by_plain_name = {each.casefold(): each for each in known}
    matches = difflib.get_close_matches(name.casefold(), list(by_plain_name), n=1, cutoff=0.7)
    return by_plain_name[matches[0]] if matches else None
