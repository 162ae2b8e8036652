"""How many labels to expect, said before a run."""

import io
import json
from importlib.resources import files

import pytest
from rich.console import Console

from labelloop.cli.price import print_price
from labelloop.core.certificate.promise import CertificateFor
from labelloop.core.settings import LoopSettings
from labelloop.reporting.usual_shares import most_rows_measured, usual_labels

MEASURED = json.loads(files("labelloop.reporting").joinpath("usual_shares.json").read_bytes())["measured"]


def share(difficulty: str, rows: int, of: str, target: float) -> float:
    wanted = {"difficulty": difficulty, "rows": rows, "certificate_for": of, "target_error": target}
    (found,) = (one["share"] for one in MEASURED if wanted.items() <= one.items())
    return float(found)


def test_what_was_measured_is_told_as_it_was() -> None:
    labels = usual_labels(1_000, "all", 0.05)
    assert labels is not None
    assert labels.easy == round(1_000 * share("easy", 1_000, "all", 0.05))
    assert labels.hard == round(1_000 * share("hard", 1_000, "all", 0.05))


@pytest.mark.parametrize("of", ["all", "dataset"])
def test_between_what_was_measured_lies_what_is_told(of: CertificateFor) -> None:
    between = usual_labels(600, of, 0.05)
    assert between is not None
    lower, upper = sorted(share("easy", rows, of, 0.05) for rows in (300, 1_000))
    assert lower <= between.easy / 600 <= upper
    stricter, looser = usual_labels(1_000, of, 0.03), usual_labels(1_000, of, 0.08)
    assert stricter is not None
    assert looser is not None
    assert stricter.easy >= looser.easy


@pytest.mark.parametrize("of", ["all", "dataset"])
def test_larger_data_take_no_larger_share_and_no_fewer_labels(of: CertificateFor) -> None:
    sizes = [300, 900, 3_000, 10_000, 30_000, 100_000, 1_000_000]
    told = [usual_labels(size, of, 0.05) for size in sizes]
    shares = [labels.easy / size for labels, size in zip(told, sizes, strict=True) if labels]
    assert len(shares) == len(sizes)
    assert shares == sorted(shares, reverse=True)
    counts = [labels.easy for labels in told if labels]
    assert counts == sorted(counts)
    assert all(
        labels and labels.easy <= labels.hard <= size for labels, size in zip(told, sizes, strict=True)
    )


def test_nothing_is_told_of_what_was_not_measured() -> None:
    assert usual_labels(1_000, "class", 0.05) is None
    assert usual_labels(1_000, "all", 0.001) is None
    assert "30%" not in price(1_000, LoopSettings(target_error=0.1))
    assert price(1_000, LoopSettings(certificate_for="class")).count("not known") == 0


def price(rows: int, settings: LoopSettings, budget: int | None = None) -> str:
    console = Console(file=io.StringIO(), width=200)
    print_price(console, rows, settings, budget)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_price_names_the_promise_asked_for_and_the_options_for_others() -> None:
    told = price(800, LoopSettings())
    lines = {line[:30].strip(): line for line in told.splitlines() if "% of " in line}
    assert list(lines) == [
        "5% of the model's labels",
        "5% of all labels",
        "8% of the model's labels",
        "20% of the model's labels",
    ]
    assert lines["5% of the model's labels"].rstrip().endswith("asked for")
    assert lines["5% of all labels"].rstrip().endswith("--certificate-for dataset")
    assert lines["8% of the model's labels"].rstrip().endswith("--target-error 0.08")
    labels = usual_labels(800, "all", 0.05)
    assert labels is not None
    assert f"{labels.easy:,} to {labels.hard:,}" in lines["5% of the model's labels"]


def test_few_rows_are_told_what_saves_more() -> None:
    told = price(300, LoopSettings())
    assert "300 rows are few for the promise asked for: people usually label all of them." in told
    assert "choose another promise: --certificate-for dataset." in told
    assert "300 to 300" not in told
    assert "few for the promise" not in price(300, LoopSettings(certificate_for="dataset"))
    assert "few for the promise" not in price(10_000, LoopSettings())


def test_a_budget_that_is_too_small_and_sizes_beyond_the_measured_are_told() -> None:
    told = " ".join(price(10_000, LoopSettings(), 100).split())
    assert "The budget of 100 is less" in told
    assert "--certificate-for dataset labels a part more surely" in told
    of_all = price(10_000, LoopSettings(certificate_for="dataset"), 100)
    assert "more surely" not in of_all
    assert "budget" not in price(10_000, LoopSettings(), 9_000)
    assert "the trend is followed" not in price(most_rows_measured(), LoopSettings())
    assert "the trend is followed" in price(100_000, LoopSettings())
