"""Whatever the texts are, preparation passes them on and accounts for them."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from labelloop.preparation import (
    LabeledText,
    Preparation,
    PreparationOptions,
    TableFormat,
    prepare_dataset,
    prepare_files,
)

CLASSES = ("business", "entertainment", "science, technology", 'so-called "health"')
any_character = st.characters(exclude_categories=["Cs"])
# Characters that CSV and JSON Lines treat specially come often.
texts = st.text(
    st.sampled_from("a \"',\\\r\n\t\u2028\u0085\x00â€™\U0001f600") | any_character, min_size=1
).filter(lambda text: not text.isspace())
tables = st.lists(st.tuples(texts, st.sampled_from(("", *CLASSES))), min_size=1, max_size=40)
shares = st.sampled_from([0, 0.1, 0.2, 0.25, 0.5, 1 / 3, 0.999, 1])
seeds = st.integers(0, 2**64)


def options(share: float, seed: int, sample: int | None = None) -> PreparationOptions:
    return PreparationOptions(
        label_attribute="category", classes=CLASSES, labeled_share=share, seed=seed, sample=sample
    )


def manifest(preparation: Preparation) -> list[dict[str, Any]]:
    content = preparation.folder.manifest.read_bytes()
    assert content.endswith(b"\n")
    return [json.loads(line) for line in content[:-1].split(b"\n")]


def truth(preparation: Preparation) -> list[list[str]]:
    with preparation.folder.truth.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, strict=True))[1:]


def digest(folder: Path) -> str:
    everything = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        everything.update(str(path.relative_to(folder)).encode())
        if path.is_file():
            everything.update(path.read_bytes())
    return everything.hexdigest()


@given(table=tables, share=shares, seed=seeds)
def test_every_text_survives_from_csv_to_manifest_and_truth_in_order(
    table: list[tuple[str, str]], share: float, seed: int
) -> None:
    content = io.StringIO(newline="")
    writer = csv.writer(content, quoting=csv.QUOTE_ALL)
    writer.writerows([("title", "category"), *table])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "input.csv")
        path.write_bytes(content.getvalue().encode())
        preparation = prepare_files(
            [path], TableFormat("title", "category"), Path(folder, "out"), options(share, seed)
        )
        assert [line["source"] for line in manifest(preparation)] == [text for text, _ in table]
        assert truth(preparation) == [[str(place), text, label] for place, (text, label) in enumerate(table)]


@given(table=tables, share=shares, seed=seeds, sample=st.none() | st.integers(1, 50))
def test_share_is_exact_and_labels_agree_with_the_truth(
    table: list[tuple[str, str]], share: float, seed: int, sample: int | None
) -> None:
    rows = [LabeledText(*pair) for pair in table]
    with tempfile.TemporaryDirectory() as folder:
        preparation = prepare_dataset(rows, Path(folder, "out"), options(share, seed, sample))
        lines, known = manifest(preparation), truth(preparation)
        report = json.loads(preparation.folder.report.read_bytes())
    assert len(lines) == len(known) == min(sample or len(table), len(table))
    with_label = sum(label != "" for _, _, label in known)
    labeled = [place for place, line in enumerate(lines) if "category" in line]
    assert len(labeled) == min(with_label, math.ceil(Fraction(str(share)) * len(lines)))
    for place in labeled:
        name = known[place][2]
        assert CLASSES[lines[place]["category"]] == lines[place]["category-metadata"]["class-name"] == name
    assert report["rows_written"] + report["not_sampled"] == report["rows_read"] == len(table)
    assert sum(report["labels"]["by_class"].values()) + report["labels"]["not_known"] == len(lines)


@given(table=tables, share=shares, seed=seeds, sample=st.none() | st.integers(1, 50))
@settings(max_examples=25)
def test_the_same_seed_gives_the_same_bytes(
    table: list[tuple[str, str]], share: float, seed: int, sample: int | None
) -> None:
    rows = [LabeledText(*pair) for pair in table]
    with tempfile.TemporaryDirectory() as folder:
        digests = set()
        for name in ("one", "two"):
            prepare_dataset(rows, Path(folder, name), options(share, seed, sample))
            digests.add(digest(Path(folder, name)))
    assert len(digests) == 1
