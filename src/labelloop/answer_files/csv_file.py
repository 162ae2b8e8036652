"""CSV files that are written completely or not at all, and read back as they were written."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from labelloop.core.errors import RequestError
from labelloop.preparation.output_folder import replacing


def write_csv(
    path: Path,
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    delimiter: str = ",",
    mark: bool = False,
) -> None:
    """Write the file completely or not at all. `mark`: it begins with a byte-order mark."""
    encoding = "utf-8-sig" if mark else "utf-8"
    with replacing(path) as file:
        text = io.TextIOWrapper(file, encoding=encoding, newline="", write_through=True)
        # With CRLF, the writer's default line end, it quotes a lone CR in a field as well as a lone LF.
        writer = csv.writer(text, delimiter=delimiter)
        writer.writerow(header)
        writer.writerows(rows)
        text.detach()


def read_rows(path: Path, delimiter: str, wanted: Sequence[str]) -> Iterable[list[str]]:
    """The wanted fields of each row."""
    content = io.StringIO(path.read_bytes().decode("utf-8-sig", errors="replace"), newline="")
    reader = csv.DictReader(content, delimiter=delimiter)
    missing = [name for name in wanted if name not in (reader.fieldnames or ())]
    if missing:
        raise RequestError(
            f"{path} has no column {missing[0]!r}: keep the columns as they were written, and save it as CSV"
        )
    for row in reader:
        yield [row[name] or "" for name in wanted]
