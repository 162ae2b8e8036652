"""The fewest answers that any exact test needs on small data, beside labelloop's.

A model that makes no mistake and knows it. No test that draws uniformly and may be wrong with the chance
given can do with fewer draws than this: if one wrong label more than allowed was left, the chance to see none
of them among the draws (hypergeometric) must not exceed it.
"""

import argparse

import numpy as np

from bench.results import DOCUMENT, markdown_table, quote_in_document
from labelloop.core.certificate.audit import Audit
from labelloop.core.certificate.audit_evidence import Group
from labelloop.core.certificate.betting import make_plan
from labelloop.core.certificate.promise import CertificateFor, Promise, share_of
from labelloop.core.records import Verdict

SIZES = (50, 100, 200, 500, 1_000, 2_000)
TARGETS = (0.05, 0.1)
LEVEL = 0.1
OF: tuple[CertificateFor, ...] = ("all", "dataset")
MARKER = "small-data"
# What a model that is never wrong says of itself at its best.
_LEAST_DOUBT = 1e-3


def fewest(size: int, target: float, certificate_for: CertificateFor) -> int | None:
    """The fewest draws of `size` objects after which the rest may be labeled; None if no number is enough."""
    for draws in range(size):
        left = size - draws
        allowed = share_of(target, size if certificate_for == "dataset" else left)
        if left <= allowed:
            return draws
        # One more than allowed is wrong among all; none of them is drawn.
        wrong = allowed + 1
        chances = (left - np.arange(wrong)) / (size - np.arange(wrong))
        if float(np.prod(np.maximum(chances, 0))) <= LEVEL:
            return draws
    return None


def answers_of_labelloop(
    size: int, target: float, certificate_for: CertificateFor, seed: int = 0
) -> int | None:
    """The draws of labelloop's test of all objects at once; None if it does not pass."""
    promise = Promise(target, size, size) if certificate_for == "dataset" else Promise(target)
    doubt = np.full(size, _LEAST_DOUBT)
    plan = make_plan(doubt, promise, LEVEL)
    same = np.zeros(size, np.int64)
    audit = Audit.of(
        np.arange(size), same, 1 - doubt, doubt, same, [Group(plan, LEVEL)], promise, size,
        np.random.default_rng(seed), reviewed=False,
    )  # fmt: skip
    while audit.outcome() == Verdict.OPEN:
        drawn = audit.next_stage()
        audit.vote(drawn, np.zeros(len(drawn), np.int64))
    return int(audit.asked.sum()) if audit.outcome() == Verdict.PASSED else None


def table() -> str:
    header = ["data objects"]
    for target in TARGETS:
        for of in ("auto-labels", "whole data set"):
            header += [f"{target:.0%} of the {of}: fewest", "labelloop"]
    rows = []
    for size in SIZES:
        cells = [f"{size:,}"]
        for target in TARGETS:
            for of in OF:
                found = fewest(size, target, of), answers_of_labelloop(size, target, of)
                cells += ["-" if number is None else str(number) for number in found]
        rows.append(cells)
    return markdown_table(header, rows)


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    quote_in_document({MARKER: table()}, DOCUMENT)
    print(table())


if __name__ == "__main__":
    main()
