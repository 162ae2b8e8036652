"""The tables in the document are those of the committed figures."""

import json
from pathlib import Path
from typing import Any

import pytest

from bench import audit, certificate, images, labels, scale
from bench.results import DOCUMENT, QUOTED, README, quote, quoted


def figures(name: str) -> dict[str, Any]:
    file = QUOTED / f"{name}.json"
    if not file.exists():
        pytest.skip(f"{file.name} comes of a full run")
    document: dict[str, Any] = json.loads(file.read_text())
    return document


def test_the_certificates_table_is_that_of_its_figures() -> None:
    assert quoted(DOCUMENT.read_text(), "certificate") == certificate.table(figures("certificate"))


@pytest.mark.parametrize("setting", labels.SETTINGS)
def test_the_labels_tables_are_those_of_their_figures(setting: str) -> None:
    text = DOCUMENT.read_text()
    assert quoted(text, labels.marker(setting)) == labels.table(figures("labels"), setting)


@pytest.mark.parametrize("name", audit.TABLES)
def test_the_audits_tables_are_those_of_their_figures(name: str) -> None:
    assert quoted(DOCUMENT.read_text(), name) == audit.table(figures("audit"), name)


def test_the_images_table_is_that_of_its_figures() -> None:
    assert quoted(DOCUMENT.read_text(), images.MARKER) == images.table(figures("images"))


def test_the_steps_tables_are_those_of_their_figures() -> None:
    rows = [scale.Measured(**row) for row in figures("scale")["rows"]]
    assert quoted(DOCUMENT.read_text(), "growth") == scale.growth_table(rows)
    assert quoted(DOCUMENT.read_text(), "scale") == scale.limits_table(rows)


def test_each_step_is_within_the_limits_for_ten_million_objects() -> None:
    rows = [scale.Measured(**row) for row in figures("scale")["rows"]]
    largest = [row for row in rows if row.objects == 10_000_000]
    assert len(largest) == 11
    assert max(row.with_transfer for row in largest) <= scale.MOST_SECONDS
    assert max(row.megabytes for row in largest) <= scale.MOST_MEGABYTES
    small = {row.step: row for row in rows if row.objects == 1_000_000}
    for row in largest:
        assert row.processor_seconds < 15 * small[row.step].processor_seconds, "it grows with the objects"


def test_the_readmes_table_is_that_of_the_same_figures() -> None:
    assert quoted(README.read_text(), labels.HEADLINE_MARKER) == labels.headline(figures("labels"))


def test_the_readmes_table_of_given_labels_is_that_of_the_same_figures() -> None:
    assert quoted(README.read_text(), audit.HEADLINE_MARKER) == audit.headline(figures("audit"))


def test_a_certificate_is_broken_no_more_often_than_it_says() -> None:
    for row in figures("certificate")["rows"]:
        if row["testing"] == "shared out":
            assert row["above_target"] <= 1 - certificate.CONFIDENCE


def test_a_table_takes_the_place_of_the_one_before() -> None:
    text = "a\n<!-- bench:x -->\nold\n<!-- /bench:x -->\nb\n<!-- bench:y -->\nkept\n<!-- /bench:y -->\n"
    changed = quote(text, "x", "| new |")
    assert quoted(changed, "x") == "| new |"
    assert changed.replace("| new |", "old") == text


def test_a_document_without_the_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="has no <!-- bench:x -->"):
        quote("no markers", "x", "")


def test_figures_are_summed_up_as_their_names_say() -> None:
    run = {"error": 0.0, "human_share": 0.2, "oracle_human_share": 0.1, "tests": 1, "certified": True}
    found = certificate.summarize([run, run, run, {**run, "error": 0.06, "human_share": 0.6}])
    assert found["above_target"] == 0.25
    assert found["mean_error"] == pytest.approx(0.015)
    assert found["human_share"] == pytest.approx(0.3)
    assert found["human_share_median"] == pytest.approx(0.2)


def test_the_document_names_no_machine_of_ours() -> None:
    folder = Path(__file__).parents[2]
    for file in (DOCUMENT, *QUOTED.glob("*.json")):
        assert str(folder) not in file.read_text()
