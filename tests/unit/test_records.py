"""The documents that are kept in files: read as every version up to this one wrote them.

`tests/fixtures/format_1` holds what the last version without a `format` wrote.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from labelloop.core.errors import DocumentError
from labelloop.core.records import Document, OutcomeCounts, Report, RoundRecord, Score, Verdict
from labelloop.reporting.page import render_report

FORMAT_1 = Path(__file__).parents[1] / "fixtures/format_1"


def content_of(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((FORMAT_1 / name).read_bytes())
    assert "format" not in content
    return content


@pytest.mark.parametrize(("kind", "name"), [(Report, "report.json"), (RoundRecord, "round.json")])
def test_a_document_of_format_1_is_read_with_all_it_says(kind: type[Document], name: str) -> None:
    content = content_of(name)
    document = kind.read(content)
    assert document.as_document() == content
    assert document.as_file() == {"format": 2, **content}
    assert kind.read(json.loads(json.dumps(document.as_file()))) == document


def test_what_stands_in_the_record_of_a_round_of_format_1() -> None:
    record = RoundRecord.read(content_of("round.json"))
    assert record.test
    assert record.certificate
    assert record.test.verdict == Verdict.PASSED
    assert record.certificate.validation_objects == record.test.drawn
    assert record.outcomes.labeled + record.outcomes.without_a_label == record.counts.input


def test_a_laptops_report_of_format_1_is_read_with_its_seconds_and_its_score() -> None:
    content = content_of("report.json")
    rounds = content["rounds"]
    # A resumed run did not know how long the rounds before took, and said so.
    content["rounds"] = [
        {**record, "seconds": None if number == 0 else {"MergeLabels": 1.5}}
        for number, record in enumerate(rounds)
    ]
    content |= {
        "output": {"ReportS3Uri": "s3://bucket/report.json"},
        "seconds": 12.5,
        "seconds_after_last_round": {"ExportManifest": 2.0},
        "auto_label_error": None,
        "human_label_error": 0.0,
        "final_error": 0.125,
    }
    report = Report.read(content)
    assert report.score == Score(auto_label_error=None, human_label_error=0.0, final_error=0.125)
    content["rounds"] = [rounds[0], *content["rounds"][1:]]
    assert report.as_document() == content
    assert "The whole run took 12" in render_report(report)


def test_a_report_of_format_1_has_its_page() -> None:
    report = Report.read(content_of("report.json"))
    assert report.certificate
    page = render_report(report)
    assert f"exact bound, at most {report.certificate.error_bound:.1%} of the model&#39;s labels" in page


@pytest.mark.parametrize("kind", [Report, RoundRecord])
def test_a_later_format_is_refused_with_what_to_do(kind: type[Document]) -> None:
    with pytest.raises(DocumentError, match=r"of format 3 .* use the version that wrote it, or a newer one"):
        kind.read({"format": 3})


def test_a_document_that_is_none_is_refused_with_its_first_fault() -> None:
    content = content_of("report.json")
    content["counts"]["human"] = "many"
    with pytest.raises(DocumentError, match=r"not a Report of labelloop: counts\.human: Input should be"):
        Report.read(content)


def test_shares_are_of_the_input_and_of_nothing_there_is_none() -> None:
    counts = OutcomeCounts(input=8, human=2, auto=4, failed=1, unlabeled=1)
    assert (counts.human_share, counts.auto_share, counts.share(counts.without_a_label)) == (0.25, 0.5, 0.25)
    assert OutcomeCounts(input=0, human=0, auto=0, failed=0, unlabeled=0).human_share == 0


def test_a_reports_share_of_people_is_written_though_it_is_no_field() -> None:
    content = content_of("report.json")
    report = Report.read({**content, "human_share": 0.99})
    assert report.as_document()["human_share"] == content["human_share"] == report.counts.human_share
