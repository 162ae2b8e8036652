"""How the page shows texts and numbers."""

import re
import unicodedata

LONGEST_TEXT = 240
_MOST_COMBINING = 2
_NO_BREAK = "\u00a0"
_JOINERS = "\u200c\u200d"  # scripts and emoji need them between their letters
_CURRENCY_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}


def no_formula(text: str) -> str:
    """For a spreadsheet's cell: it would run a text that begins like a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def printable(text: object, longest: int = LONGEST_TEXT) -> str:
    """A text from outside, safe to show: on one line, shortened, without invisible characters.

    Control characters, bidirectional controls, zero-width and unassigned characters are shown as their code
    (`[U+202E]`), so that they cannot hide anything. Too many combining marks on a letter are cut.
    """
    given = str(text)
    head = re.sub(r"\s+", " ", given[: 4 * longest]).strip()
    shown: list[str] = []
    marks = 0
    for character in head:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= _MOST_COMBINING:
            shown.append(_visible(character, shown[-1] if shown else ""))
    whole = "".join(shown)
    if len(whole) <= longest and len(given) <= 4 * longest:
        return whole
    return whole[: longest - 1].rstrip() + "…"


def _visible(character: str, before: str) -> str:
    if character in _JOINERS and len(before) == 1 and before > "\u024f":
        return character
    hidden = unicodedata.category(character) in ("Cc", "Cf", "Cn", "Co", "Cs") or character == "\u034f"
    return f"[U+{ord(character):04X}]" if hidden else character


def count(number: float) -> str:
    return f"{number:,.0f}"


def percent(share: float, decimals: int = 1) -> str:
    return f"{100 * share:.{decimals}f}%"


def short_percent(share: float) -> str:
    """A percentage without needless zeros: `5%`, `2.5%`."""
    return f"{100 * share:.4g}%"


def money(amount: float, currency: str) -> str:
    return _with_currency(f"{abs(amount):,.2f}", amount, currency)


def price(amount: float, currency: str) -> str:
    """The price of one label, with all its digits."""
    digits = max(2, len(f"{amount:.6f}".rstrip("0").partition(".")[2]))
    return _with_currency(f"{abs(amount):,.{digits}f}", amount, currency)


def _with_currency(digits: str, amount: float, currency: str) -> str:
    sign = _CURRENCY_SIGNS.get(currency, f"{currency} ")
    return f"{'−' if amount < 0 else ''}{sign}{digits}"


def seconds(duration: float) -> str:
    """`4.2 s`, `32 s`, `3 min 20 s`, `2 h 5 min`; numbers and units stay on one line."""
    if duration < 59.5:
        return f"{duration:.{1 if duration < 9.95 else 0}f}{_NO_BREAK}s"
    minutes, rest = divmod(round(duration), 60)
    if minutes < 60:
        return f"{minutes}{_NO_BREAK}min {rest}{_NO_BREAK}s"
    return f"{minutes // 60:,}{_NO_BREAK}h {minutes % 60}{_NO_BREAK}min"


def counted(number: int, noun: str, plural: str | None = None) -> str:
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
