"""The second pass over the rows: writes the manifest, what is kept of the user's files, and the true labels
for simulated people.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from labelloop.core.ledger import NO_LABEL
from labelloop.core.model.prior_labels import NONE_GIVEN, PriorLabels
from labelloop.preparation.classes import ClassList
from labelloop.preparation.kept_rows import KeptRowsWriter
from labelloop.preparation.manifest_lines import ManifestLines
from labelloop.preparation.output_folder import OutputFolder, replacing
from labelloop.preparation.sample import Sample, taken_rows
from labelloop.preparation.source import LabeledText

_TRUTH_HEADER = ("labelloop-id", "source", "label")


@dataclass(slots=True)
class WrittenRows:
    """Counts of what was written.

    `by_class` counts rows by class name ("": without a true label), `repeats` the rows whose text had come
    before, `contradicted` the texts that came with different labels.
    """

    by_class: Counter[str] = field(default_factory=Counter)
    repeats: int = 0
    _label_of: dict[bytes, str] = field(default_factory=dict)
    _contradicted: set[bytes] = field(default_factory=set)

    @property
    def contradicted(self) -> int:
        return len(self._contradicted)

    def add(self, text: str, class_name: str) -> None:
        self.by_class[class_name] += 1
        # A digest instead of the text: memory does not grow with the length of the texts.
        digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
        if digest not in self._label_of:
            self._label_of[digest] = class_name
            return
        self.repeats += 1
        first = self._label_of[digest] = self._label_of[digest] or class_name
        if class_name and class_name != first:
            self._contradicted.add(digest)


def write_rows(
    folder: OutputFolder,
    usable: Iterator[LabeledText],
    sample: Sample,
    classes: ClassList,
    lines: ManifestLines,
    priors: PriorLabels | None = None,
    *,
    columns: Sequence[str] = (),
) -> WrittenRows:
    """Write the sampled ones of the `usable` rows in order: to the manifest, the truth and what is kept.

    `priors`: of the sampled rows. `columns`: of the user's files. Raises OutputFolderError.
    """
    class_of = {
        label: (index, name)
        for index, (label, name) in enumerate(zip(classes.labels, classes.names, strict=True))
    }
    written = WrittenRows()
    with ExitStack() as open_files:
        manifest = open_files.enter_context(replacing(folder.manifest))
        truth_bytes = open_files.enter_context(replacing(folder.truth))
        truth_text = io.TextIOWrapper(truth_bytes, encoding="utf-8", newline="", write_through=True)
        # With CRLF, the writer's default line end, it quotes a lone CR in a text as well as a lone LF.
        truth = csv.writer(truth_text)
        truth.writerow(_TRUTH_HEADER)
        kept = KeptRowsWriter(open_files.enter_context(replacing(folder.kept_rows)), columns)
        for line_number, (place, row) in enumerate(taken_rows(usable, sample.taken)):
            index, name = class_of.get(row.label, (NO_LABEL, ""))
            shown = place in sample.labeled
            fields = {} if priors is None else prior_fields(lines, priors, line_number, classes)
            line = (
                lines.labeled(row.text, index, name, fields) if shown else lines.unlabeled(row.text, fields)
            )
            manifest.write(line + b"\n")
            truth.writerow((line_number, row.text, name))
            kept.write(line_number, row)
            written.add(row.text, name)
        truth_text.detach()
        kept.end()
    return written


def prior_fields(lines: ManifestLines, priors: PriorLabels, row: int, classes: ClassList) -> dict[str, Any]:
    """What a line says of a row's prior labels."""
    fields = dict[str, Any]()
    said = zip(lines.prior_attributes, priors.labels[row].tolist(), priors.confidence[row], strict=True)
    for attribute, label, confidence in said:
        if label != NONE_GIVEN:
            # The shortest decimal that is the same number in four bytes.
            stated = None if np.isnan(confidence) else float(str(confidence))
            fields |= lines.prior(attribute, label, classes.names[label], stated)
    return fields
