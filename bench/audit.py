"""Labels that are given, by a language model say: how many can be kept, and how many people must check.

One promise for all methods: with the chance `CONFIDENCE`, at most a share of `TARGET_ERROR` of the whole data
set is wrong, where people's labels count as right. Rows that begin with "of the kept" promise it of the kept
labels alone, which is harder.
"""

import argparse
import functools
import os
import time
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np

from bench.datasets import UCI, DatasetMissingError
from bench.given_labels import (
    CONFIDENCE,
    LLM_LABELS,
    SETS,
    TARGET_ERROR,
    GivenLabels,
    Method,
    Outcome,
)
from bench.loop_with_given_labels import (
    container_like_and_given_labels,
    given_labels_alone,
    model_and_given_labels,
)
from bench.oracle_threshold import oracle_of_auto_labels, oracle_of_whole_set
from bench.pac_labeling import pac_labeling
from bench.results import (
    QUOTED,
    README,
    RESULTS,
    machine,
    markdown_table,
    percent,
    quote_in_document,
    write_json,
)
from bench.runs import console, cores, run_all
from bench.uniform_audit import audit_of_auto_labels, audit_of_whole_set

SEEDS, QUICK_SEEDS = 20, 2
HEADLINE_TABLE, HEADLINE_MARKER = "audit-language-model", "audit-headline"
# Tables of the document: what the names of their sets begin with.
TABLES = {"audit-language-model": ("stance", "misinfo"), "audit-uci": ("uci",), "audit-movies": ("movie",)}


class DrawingMethod(Protocol):
    """A method that can be told how many objects to draw."""

    def __call__(self, given: GivenLabels, seed: int, draws: int) -> Outcome: ...


@dataclass(frozen=True)
class Contender:
    method: Method
    promises_kept: bool = False  # of the labels that are kept alone, not of the whole data set


@dataclass(frozen=True)
class InHindsight:
    """A reference: the same method for many shares drawn, of which the one that saves most is told."""

    method: DrawingMethod
    promises_kept: bool = False


SHARES_DRAWN = (0.02, 0.03, 0.05, 0.075, 0.1, 0.125, 0.15, 0.2, 0.25, 0.3)
CONTENDERS: dict[str, Contender | InHindsight] = {
    "labelloop, given labels": Contender(given_labels_alone),
    "labelloop, quick model and given labels": Contender(model_and_given_labels),
    "labelloop, container-like model and given labels": Contender(container_like_and_given_labels),
    "PAC labeling": Contender(pac_labeling),
    "plain audit": Contender(audit_of_whole_set),
    "plain audit, best share drawn": InHindsight(audit_of_whole_set),
    "oracle threshold": Contender(oracle_of_whole_set),
    "of the kept: plain audit": Contender(audit_of_auto_labels, promises_kept=True),
    "of the kept: plain audit, best share drawn": InHindsight(audit_of_auto_labels, promises_kept=True),
    "of the kept: oracle threshold": Contender(oracle_of_auto_labels, promises_kept=True),
}


@dataclass(frozen=True)
class Task:
    data: str
    contender: str
    seed: int
    share_drawn: float | None = None


@dataclass(frozen=True)
class Ended:
    saved: float
    error: float
    error_of_kept: float
    broken: bool
    seconds: float


def run_one(task: Task) -> Ended:
    given, contender = _given(task.data, task.seed), CONTENDERS[task.contender]
    started = time.monotonic()
    if isinstance(contender, InHindsight):
        assert task.share_drawn is not None
        outcome = contender.method(given, task.seed, draws=round(task.share_drawn * len(given)))
    else:
        outcome = contender.method(given, task.seed)
    seconds = time.monotonic() - started
    return measure(given, outcome, seconds=seconds, promises_kept=contender.promises_kept)


def measure(given: GivenLabels, outcome: Outcome, *, seconds: float, promises_kept: bool) -> Ended:
    """What the outcome is worth.

    Raises ValueError where it has labels of people that are not their answers, or more of them than answers.
    """
    of_people = ~outcome.kept
    wrong = outcome.labels != given.truth
    if wrong[of_people].any():
        raise ValueError("a label is called people's and is not what they answer")
    if outcome.answers < of_people.sum():
        raise ValueError(f"{of_people.sum()} labels of people of {outcome.answers} answers")
    error = float(wrong.mean())
    of_kept = float(wrong[outcome.kept].mean()) if outcome.kept.any() else 0.0
    broken = (of_kept if promises_kept else error) > TARGET_ERROR
    return Ended(1 - outcome.answers / len(given), error, of_kept, broken, seconds)


@functools.lru_cache(maxsize=len(SETS))
def _given(name: str, seed: int) -> GivenLabels:
    return SETS[name](seed)


def tasks(names: list[str], seeds: int) -> list[Task]:
    """Seed by seed, so that what is there when it is stopped is a fair part of the whole."""
    return [
        Task(data, name, seed, share)
        for seed in range(seeds)
        for data in names
        for name, contender in CONTENDERS.items()
        for share in (SHARES_DRAWN if isinstance(contender, InHindsight) else (None,))
    ]


def summarize(runs: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "runs": len(runs),
        **_mean_and_standard_error("saved", runs),
        **_mean_and_standard_error("error", runs),
        **_mean_and_standard_error("error_of_kept", runs),
        "broken": sum(run["broken"] for run in runs),
        "seconds": float(np.mean([run["seconds"] for run in runs])),
    }


def _mean_and_standard_error(key: str, runs: list[dict[str, Any]]) -> dict[str, float]:
    values = np.array([run[key] for run in runs])
    standard_error = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0
    return {key: float(values.mean()), f"{key}_standard_error": standard_error}


def document_of(done: list[tuple[Task, Ended]], seconds: float, command: str) -> dict[str, Any]:
    by_kind: dict[tuple[str, str], dict[float | None, list[dict[str, Any]]]] = {}
    for task, ended in done:
        of_kind = by_kind.setdefault((task.data, task.contender), {})
        of_kind.setdefault(task.share_drawn, []).append(asdict(ended))
    rows = []
    for data in SETS:
        for contender in CONTENDERS:
            found = {share: summarize(runs) for share, runs in by_kind.get((data, contender), {}).items()}
            if found:
                share = max(found, key=lambda drawn: found[drawn]["saved"])
                rows.append({"data": data, "contender": contender, "share_drawn": share, **found[share]})
    return {
        "what": f"target error {TARGET_ERROR}, confidence {CONFIDENCE}",
        "command": command,
        "machine": machine(),
        "seconds": round(seconds),
        "seeds": sorted({task.seed for task, _ in done}),
        "rows": rows,
        "runs": [{**asdict(task), **asdict(ended)} for task, ended in done],
    }


def headline(document: dict[str, Any]) -> str:
    """Labels of a language model, and the promise about the whole data set, for the README."""
    rows = [row for row in document["rows"] if not row["contender"].startswith("of the kept")]
    return table({"rows": rows}, HEADLINE_TABLE)


def table(document: dict[str, Any], name: str) -> str:
    """Methods down, data sets across."""
    cells = {
        (row["contender"], row["data"]): row
        for row in document["rows"]
        if row["data"].startswith(TABLES[name])
    }
    sets = list(dict.fromkeys(data for _, data in cells))
    rows = [
        (contender, *(_cell(cells[contender, data]) for data in sets))
        for contender in CONTENDERS
        if all((contender, data) in cells for data in sets)
    ]
    return markdown_table(("labels saved, wrong in the end, promises broken", *sets), rows)


def _cell(row: dict[str, Any]) -> str:
    saved = f"{percent(row['saved'])} ± {100 * row['saved_standard_error']:.1f}"
    wrong = f"{percent(row['error'])} ± {100 * row['error_standard_error']:.1f}"
    drawn = f" (drawn: {percent(row['share_drawn'])})" if row["share_drawn"] and row["saved"] else ""
    return f"{saved}{drawn}, {wrong}, {row['broken']} of {row['runs']}"


def tables(document: dict[str, Any]) -> dict[str, str]:
    there = {row["data"] for row in document["rows"]}
    return {
        name: table(document, name)
        for name, prefixes in TABLES.items()
        if any(data.startswith(prefixes) for data in there)
    }


def available() -> list[str]:
    found = []
    for name in SETS:
        try:
            _given(name, 0)
            found.append(name)
        except DatasetMissingError as missing:
            console.print(f"{name} is left out: {missing}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_SEEDS} seeds, not {SEEDS}")
    parser.add_argument("--jobs", type=int, default=cores(), help="processes at once")
    parser.add_argument("--seeds", type=int, help="how many seeds")
    parser.add_argument("--data", nargs="+", choices=list(SETS), help="these data sets only")
    given = parser.parse_args()
    seeds = given.seeds or (QUICK_SEEDS if given.quick else SEEDS)
    names = [name for name in available() if not given.data or name in given.data]
    command = "make bench-audit" + (" ARGS=--quick" if given.quick else "")
    named = [f"{variable}=..." for variable in (LLM_LABELS, UCI) if os.environ.get(variable)]
    command = " ".join([*named, command])
    started, done = time.monotonic(), []
    for number, ended in enumerate(run_all("audit", run_one, tasks(names, seeds), given.jobs), 1):
        done.append(ended)
        if number % 500 == 0:
            write_json("audit", document_of(done, time.monotonic() - started, command), RESULTS)
    document = document_of(done, time.monotonic() - started, command)
    write_json("audit", document, RESULTS)
    found = tables(document)
    (RESULTS / "audit.md").write_text("\n\n".join(found.values()) + "\n")
    if seeds >= SEEDS and len(names) == len(SETS):
        write_json("audit", {key: value for key, value in document.items() if key != "runs"}, QUOTED)
        quote_in_document(found)
        quote_in_document({HEADLINE_MARKER: headline(document)}, README)
    print("\n\n".join(found.values()))


if __name__ == "__main__":
    main()
