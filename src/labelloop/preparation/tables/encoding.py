"""Which encoding a text is in.

What a mark at the beginning or valid UTF-8 tells is certain. Every other encoding is a guess, and a wrong
one changes texts without a word. So a guess counts only where it can hardly be wrong: Cyrillic, Greek,
Hebrew, Arabic, Thai, Chinese, Japanese or Korean letters that make no sense in any other encoding, and
Latin ones that are the same in all its encodings of Windows. Otherwise the file is refused, with what its
words would be.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

from charset_normalizer import CharsetMatch, from_bytes

from labelloop.preparation.errors import InputFileError
from labelloop.preparation.tables.compression import Content

_CHUNK = 1 << 20
_SAMPLE_BYTES = 100_000
_ASCII = bytes(range(128))
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# A text in UTF-8 with so few faulty bytes is damaged; with more, it is in another encoding.
_FAULTY_SHARE = 0.1
_WORDS = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "utf-32": "UTF-32",
    "iso2022_jp": "ISO-2022-JP",
    "cp932": "Shift-JIS",
    "shift_jis": "Shift-JIS",
    "euc_jp": "EUC-JP",
    "gb18030": "GB18030",
    "cp950": "Big5",
    "big5": "Big5",
    "cp949": "EUC-KR",
    "euc_kr": "EUC-KR",
    "koi8_r": "KOI8-R",
    "koi8-r": "KOI8-R",
    "koi8_u": "KOI8-U",
    "koi8-u": "KOI8-U",
    "iso8859-1": "Latin-1",
    "cp866": "code page 866",
    "cp850": "code page 850",
    "iso8859_5": "ISO 8859-5",
    "mac_roman": "Mac Roman",
    "cp874": "Windows-874",
    **{f"cp{number}": f"Windows-{number}" for number in range(1250, 1259)},
}
_OPTION_OF = {"cp932": "shift_jis", "cp950": "big5", "cp949": "euc-kr", "koi8_r": "koi8-r"} | {
    f"cp{number}": f"windows-{number}" for number in range(1250, 1259)
}
# Those for Latin letters, by how often files are in them.
_LATIN = ("cp1252", "cp1250", "cp1254", "cp1257", "mac_roman", "cp850")
_LATIN_OF_WINDOWS = _LATIN[:4]
_SCRIPTS = {
    "CYRILLIC": ("cp1251", "koi8_r", "koi8_u", "cp866", "iso8859_5"),
    "GREEK": ("cp1253",),
    "HEBREW": ("cp1255",),
    "ARABIC": ("cp1256",),
    "THAI": ("cp874",),
    "CJK": ("cp932", "euc_jp", "gb18030", "cp950", "cp949"),
    "HIRAGANA": ("cp932", "euc_jp"),
    "KATAKANA": ("cp932", "euc_jp"),
    "HANGUL": ("cp949",),
}
_NOT_LATIN = tuple(dict.fromkeys(name for names in _SCRIPTS.values() for name in names))
# In files of few letters, the next best reading is not always worse: wrong guesses were seen up to 103.
_LETTERS_TO_BE_SURE = 150
_SHARE_OF_SCRIPT = 0.9
# By how much the next best reading must be messier, by charset-normalizer's measure, or less like a language.
_MESS_APART = 0.02
_COHERENCE_APART = 0.15
_READINGS_SHOWN = 4
_WORD = re.compile(r"\w*[^\W\d_]\w*")


@dataclass(frozen=True, slots=True)
class Encoding:
    """`name` is Python's; `words` are for people."""

    name: str
    guessed: bool = False

    @property
    def words(self) -> str:
        return _WORDS.get(self.name, self.name)

    @property
    def with_mark(self) -> bool:
        return self.name == "utf-8-sig"


@dataclass(slots=True)
class Bytes:
    """What the bytes of a text are, as far as encoding and format are concerned."""

    head: bytes = b""
    quoting: bool = False  # quotation marks or backslashes
    zeros: int = 0
    not_ascii: int = 0
    faulty: int = 0  # as UTF-8
    values: set[int] = field(default_factory=set)  # of those that are not ASCII
    sample: bytearray = field(default_factory=bytearray)  # lines with such bytes


def survey_bytes(content: Content) -> Bytes:
    """Read the whole file once. Raises InputFileError."""
    found = Bytes()
    decoder = codecs.getincrementaldecoder("utf-8")(errors="surrogateescape")
    for chunk in _chunks(content):
        found.head = found.head or chunk[: _SAMPLE_BYTES // 2 * 2]
        found.quoting = found.quoting or b'"' in chunk or b"\\" in chunk
        found.zeros += chunk.count(0)
        other = chunk.translate(None, _ASCII)
        found.not_ascii += len(other)
        text = decoder.decode(chunk)
        if other:
            found.values.update(other)
            found.faulty += _surrogates(text)
            _add_lines(found.sample, chunk)
    found.faulty += _surrogates(decoder.decode(b"", final=True))
    return found


def encoding_of(content: Content, found: Bytes) -> Encoding:
    """The encoding. Raises InputFileError where a guess could be wrong."""
    for mark, name in _MARKS:
        if found.head.startswith(mark):
            return Encoding(name)
    if name := _without_mark(found):
        return Encoding(name, guessed=True)
    if not found.not_ascii and b"\x1b$" in found.head:
        return Encoding("iso2022_jp", guessed=True)
    if found.faulty <= _FAULTY_SHARE * found.not_ascii:
        return Encoding("utf-8")
    if found.zeros:
        raise InputFileError(
            f"{content.path} is not a text file. It must be a table: CSV, JSON Lines, JSON, Parquet or Excel."
        )
    return Encoding(_guess(content, found), guessed=True)


def named_encoding(name: str, found: Bytes) -> Encoding:
    """The encoding that the user names; a mark at the beginning is no part of the text."""
    name = codecs.lookup(name).name
    marked = (of_mark for mark, of_mark in _MARKS if found.head.startswith(mark))
    return Encoding(next((of_mark for of_mark in marked if name.startswith(of_mark[:5])), name))


def _chunks(content: Content) -> Iterator[bytes]:
    with content.open() as (file, _):
        while chunk := file.read(_CHUNK):
            yield chunk


def _surrogates(text: str) -> int:
    # Encoding without them counts them many times faster than looking at each character.
    return len(text) - len(text.encode(errors="ignore").decode())


def _add_lines(sample: bytearray, chunk: bytes) -> None:
    if len(sample) >= _SAMPLE_BYTES:
        return
    for line in chunk.splitlines(keepends=True):
        if len(sample) >= _SAMPLE_BYTES:
            return
        if not line.isascii():
            sample += line[:_SAMPLE_BYTES]


def _without_mark(found: Bytes) -> str:
    """UTF-16 without a mark: every second byte of what is ASCII is zero."""
    head = found.head
    even, odd = head[::2].count(0), head[1::2].count(0)
    if not head or even + odd < 0.01 * len(head) or 0.1 * max(even, odd) < min(even, odd):
        return ""
    name, line_end = ("utf-16-le", b"\n\x00") if odd > even else ("utf-16-be", b"\x00\n")
    try:
        text = head[: len(head) // 2 * 2].decode(name, errors="strict")
    except UnicodeDecodeError:
        return ""
    return name if line_end in head and "\n" in text else ""


# Guesses --------------------------------------------------------------------------------------------------


def _guess(content: Content, found: Bytes) -> str:
    # A line that comes again tells nothing new.
    sample = b"".join(dict.fromkeys(bytes(found.sample).splitlines(keepends=True)))
    matches = list(from_bytes(sample, cp_isolation=list(_NOT_LATIN + _LATIN)))
    if matches and (name := _certain_script(sample, matches)):
        return name
    if _latin_alike(found.values, sample):
        return "cp1252"
    raise _uncertain(content, sample, matches)


def _certain_script(sample: bytes, matches: list[CharsetMatch]) -> str:
    """The encoding of the best match where no other reading comes near; empty if one does."""
    best = matches[0]
    name = _as_ours(best.encoding)
    script = _script_of(_decoded(sample, name))
    if name not in _SCRIPTS.get(script, ()):
        return ""
    text = _decoded(sample, name)
    for other in matches[1:]:
        near = other.chaos < best.chaos + _MESS_APART and other.coherence > best.coherence - _COHERENCE_APART
        if near and _decoded(sample, _as_ours(other.encoding)) != text:
            return ""
    return name


def _as_ours(name: str) -> str:
    """The encoding with all the letters that the one named has, where Windows has such a one."""
    wider = {"shift_jis": "cp932", "big5": "cp950", "euc_kr": "cp949", "gb2312": "gb18030", "gbk": "gb18030"}
    return wider.get(name, name)


def _decoded(sample: bytes, name: str) -> str:
    return sample.decode(name, errors="replace")


def _script_of(text: str) -> str:
    """The script that nearly all letters beyond ASCII are of; empty if there is none, or too few letters."""
    letters = [character for character in text if not character.isascii() and character.isalpha()]
    if len(letters) < _LETTERS_TO_BE_SURE:
        return ""
    scripts = [unicodedata.name(character, "").split(" ")[0].split("-")[0] for character in letters]
    kana = sum(script in {"HIRAGANA", "KATAKANA"} for script in scripts)
    if kana > 0.1 * len(letters):
        scripts = ["HIRAGANA" if script in {"CJK", "KATAKANA"} else script for script in scripts]
    most = max(set(scripts), key=scripts.count)
    return most if scripts.count(most) >= _SHARE_OF_SCRIPT * len(scripts) else ""


def _latin_alike(values: set[int], sample: bytes) -> bool:
    """Whether all encodings of Windows for Latin letters read the same, and read letters inside words."""
    readings = {bytes(sorted(values)).decode(name, errors="replace") for name in _LATIN_OF_WINDOWS}
    if len(readings) != 1 or "\ufffd" in (text := readings.pop()):
        return False
    letters = {character for character in text if character.isalpha()}
    words = {word for word in _WORD.findall(_decoded(sample, "cp1252")) if letters & set(word)}
    # In Mac Roman and in DOS's code pages, the bytes of these letters are signs: no word would hold them.
    return bool(words) and all(any(c.isascii() for c in word) for word in words if len(word) > 1)


def _uncertain(content: Content, sample: bytes, matches: list[CharsetMatch]) -> InputFileError:
    ranked = [_as_ours(match.encoding) for match in matches]
    latin = [name for name in _LATIN if name in ranked]
    names = [name for name in dict.fromkeys(ranked) if name not in _LATIN]
    names = [*latin, *names] if not ranked or ranked[0] in _LATIN else [*names, *latin]
    word = _telling_word(sample)
    readings: dict[str, str] = {}
    for name in names or _LATIN:
        if "\ufffd" not in (reading := _decoded(word, name)):
            readings.setdefault(reading, name)
    shown = [
        f"\n  --encoding {_OPTION_OF.get(name, name):<14} reads {reading!r}"
        for reading, name in list(readings.items())[:_READINGS_SHOWN]
    ]
    first = next(iter(readings.values()), "cp1252")
    return InputFileError(
        f"{content.path} is not in UTF-8. It looks like {_WORDS.get(first, first)}: add --encoding "
        f"{_OPTION_OF.get(first, first)}. Which encoding is right shows in its words:{''.join(shown)}"
    )


def _telling_word(sample: bytes) -> bytes:
    """A word with a byte that is not ASCII, and what stands around it."""
    for line in sample.splitlines():
        place = next((at for at, byte in enumerate(line) if byte > 127), None)
        if place is not None:
            words = [word for word in re.split(rb"[\s,;|\t\"]+", line) if not word.isascii()]
            return max(words, key=len)[:40] if words else line[place : place + 20]
    return sample[:20]
