"""The page: what it shows, what it never lets in, and what it does without."""

import base64
import hashlib
import itertools
import re
import unicodedata
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelloop.core.records import (
    ClassCertificate,
    Confusion,
    Example,
    Examples,
    Failure,
    FailureRecord,
    OutcomeCounts,
    Report,
    ReviewCounts,
    Score,
)
from labelloop.reporting.page import render_report
from labelloop.reporting.text import count, money, percent, printable

from .conftest import MadeUpRun

VOID = {"meta", "br", "hr", "img", "input", "link"}
HOSTILE = (
    "<script>alert(1)</script></style></svg></details><img src=x onerror=alert(1)>\"'&amp; {{ 7*7 }} "
    "\u202egnp.exe\u2066 \u200bzero\ufeff \x00\x1b[31m " + "long " * 25_000
)
ALL_SECTIONS = [
    "cost",
    "learning",
    "coverage",
    "rounds",
    "confusion",
    "by-class",
    "examples",
    "failures",
    "next-steps",
    "time",
    "settings",
]


class Page(HTMLParser):
    """Elements and text of a page; fails where tags are not balanced."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def names(self) -> set[str]:
        return {name for name, _ in self.elements}

    def attribute(self, name: str) -> list[str]:
        return [value for _, attributes in self.elements if (value := attributes.get(name)) is not None]


@pytest.fixture(scope="module")
def full() -> Report:
    return MadeUpRun().local_report()


@pytest.fixture(scope="module")
def html(full: Report) -> str:
    return render_report(full)


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def charts(html: str) -> list[ElementTree.Element]:
    return [ElementTree.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", html, re.DOTALL)]


def test_a_full_run_has_every_section_and_links_to_each(page: Page) -> None:
    assert page.attribute("href") == [f"#{name}" for name in ALL_SECTIONS]
    ids = page.attribute("id")
    assert len(ids) == len(set(ids))
    assert set(ALL_SECTIONS) <= set(ids)


def test_the_page_fetches_nothing_and_runs_nothing(html: str, page: Page) -> None:
    assert "http:" not in html
    assert "https:" not in html
    assert "url(" not in html
    assert "@import" not in html
    assert not page.names() & {"script", "link", "img", "iframe", "object", "embed", "form", "base", "use"}
    assert page.attribute("src") == page.attribute("style") == []
    assert not [key for _, attributes in page.elements for key in attributes if key.startswith("on")]


def test_the_content_security_policy_lets_its_own_style_in_and_nothing_else(html: str, page: Page) -> None:
    policy = next(value for value in page.attribute("content") if "default-src" in value)
    style = html.split("<style>")[1].split("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy


def test_the_numbers_are_the_reports(full: Report, page: Page) -> None:
    text = re.sub(r"\s+", " ", page.text)
    counts, cost, certificate = full.counts, full.cost, full.certificate
    assert cost
    assert certificate
    assert full.evidence
    assert f"At most 5% of the {count(counts.auto)} labels the model gave are wrong" in text
    assert f"with {count(100 * certificate.confidence)}% confidence" in text
    drawn, labels = certificate.validation_objects, certificate.auto_labels
    assert (
        f"{count(drawn)} of the {count(drawn + labels)} objects that the model would label were drawn" in text
    )
    assert f"the model wrong on {count(certificate.validation_errors)}." in text
    assert f"an error of about {percent(certificate.error_estimate)}." in text
    bound = percent(certificate.error_bound)
    assert f"By the test's exact bound, at most {bound} of the model's labels are wrong" in text
    assert "which took 2 more answers" in text
    assert f"labeled by people: {count(counts.human)}" in text
    assert f"labeled by the model: {count(counts.auto)}" in text
    assert f"impossible to label: {counts.failed}" in text
    own_prices = {"cost": cost.model_copy(update={"list_prices": False})}
    priced = render_report(full.model_copy(update=own_prices))
    for amount in (
        cost.spent,
        cost.saved,
        cost.spent_on_people,
        cost.spent_on_repeated_answers,
        cost.model_labels_by_people,
    ):
        assert money(amount, cost.currency) in priced
        assert money(amount, cost.currency) not in text, "simulated people are not paid"
    assert len(full.evidence.accuracy_by_round) == 3
    for entry in full.evidence.accuracy_by_round:
        for share in (entry.accuracy, entry.low, entry.high, entry.on_the_last):
            assert share is not None
            assert percent(share) in text
    assert percent(0.0123, 2) in text
    assert "With 40 more labels by people, the model could probably label 25 more." in text
    for example in full.evidence.examples.all():
        assert example.source
        assert example.source in text


def test_each_chart_is_well_formed_and_has_its_words_and_its_table(html: str) -> None:
    assert len(charts(html)) == 7
    for chart in charts(html):
        assert chart.attrib["role"] == "img"
        assert len(chart.attrib["aria-label"]) > 20
        assert "nan" not in ElementTree.tostring(chart, encoding="unicode").lower().replace("finance", "")
    for figure in re.findall(r"<figure.*?</figure>", html, re.DOTALL):
        assert "<table" in figure
        assert re.search(r"<h3>[^<]+</h3>", figure)


def test_marks_stay_inside_their_chart(html: str) -> None:
    for chart in charts(html):
        _, _, width, height = (float(number) for number in chart.attrib["viewBox"].split())
        for polyline in chart.iter("polyline"):
            for x, y in (pair.split(",") for pair in polyline.attrib["points"].split()):
                assert 0 <= float(x) <= width
                assert 0 <= float(y) <= height


def test_headings_go_down_one_step_at_a_time(page: Page) -> None:
    levels = [int(name[1]) for name, _ in page.elements if re.fullmatch(r"h[1-6]", name)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in itertools.pairwise(levels))


def test_tables_have_headings_for_rows_and_columns(html: str) -> None:
    for table in re.findall(r"<table.*?</table>", html, re.DOTALL):
        rows = table.split("<tbody>")[1].count("<tr>")
        assert table.count('scope="row"') == rows
        assert 'scope="col"' in table


def hostile_report() -> Report:
    report = MadeUpRun().local_report()
    quality, forecast = report.evidence, report.next_round
    assert quality
    assert forecast

    def hostile(examples: tuple[Example, ...]) -> tuple[Example, ...]:
        by_address = {"source": None, "source_ref": "s3://bucket/" + HOSTILE}
        by_text = [example.model_copy(update={"source": HOSTILE}) for example in examples[1:]]
        return (examples[0].model_copy(update=by_address), *by_text)

    examples = Examples(
        near_threshold=hostile(quality.examples.near_threshold),
        least_confident=hostile(quality.examples.least_confident),
        likely_label_errors=hostile(quality.examples.likely_label_errors),
    )
    return report.model_copy(
        update={
            "classes": (HOSTILE, *report.classes[1:]),
            "execution": HOSTILE,
            "stopped_because": HOSTILE,
            "no_certificate_because": HOSTILE,
            "next_round": forecast.model_copy(update={"explanation": HOSTILE}),
            "settings": {**report.settings, HOSTILE: HOSTILE},
            "failures": FailureRecord(by_reason={HOSTILE: 3}, first=(Failure(line=1, reason=HOSTILE),) * 100),
            "rounds": tuple(
                record.model_copy(update={"seconds": {**(record.seconds or {}), HOSTILE: 1.0}})
                for record in report.rounds
            ),
            "evidence": quality.model_copy(update={"examples": examples}),
        }
    )


@pytest.mark.parametrize("certified", [True, False])
def test_hostile_text_is_shown_shortened_and_does_nothing(certified: bool) -> None:
    report = hostile_report()
    if not certified:
        report = report.model_copy(update={"certificate": None})
    html = render_report(report)
    page = Page(html)
    assert not page.names() & {"script", "img"}
    assert "<script>alert(1)</script></style></svg>" in page.text
    assert "49" not in page.text.split("amp;", 1)[1][:20]
    assert "[U+202E]gnp.exe[U+2066] [U+200B]zero[U+FEFF]" in page.text
    hidden = {c for c in html if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Cn", "Co")} - {"\n"}
    assert hidden == set()
    assert len(html) < 300_000
    assert len(charts(html)) == 7


@given(st.text())
@settings(max_examples=300)
def test_no_text_brings_anything_invisible_or_long(text: str) -> None:
    shown = printable(text, 50)
    assert len(shown) <= 50
    assert not {unicodedata.category(c) for c in shown} & {"Cc", "Cs", "Cn", "Co"}
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b\ufeff")


@pytest.mark.parametrize("text", ["plain", "naïve café", "می‌خواهم", "👩‍👩‍👧 family", "日本語", "क्षि"])
def test_what_people_write_stays_as_it_is(text: str) -> None:
    assert printable(text) == text


def minimal(counts: OutcomeCounts, **fields: Any) -> Report:
    """A report with what each has, and these fields."""
    return Report(
        execution="nothing",
        policy="default",
        query_strategy="margin",
        seed=0,
        target_error=0.05,
        confidence=0.9,
        classes=("a", "b"),
        counts=counts,
        **fields,
    )


def test_an_empty_run_says_so_and_nothing_more() -> None:
    report = minimal(
        OutcomeCounts(input=60, human=60, auto=0, failed=0, unlabeled=0),
        no_certificate_because="a validation set of 6 cannot certify an error of 0.05",
    )
    page = Page(render_report(report))
    assert page.attribute("href") == ["#settings"]
    assert "People labeled all 60 data objects; the model labeled none." in page.text
    assert "There is no certificate: a validation set of 6 cannot certify an error of 0.05." in page.text


def test_it_tells_what_became_of_labels_that_were_reviewed(full: Report) -> None:
    assert "People reviewed" not in Page(render_report(full)).text
    reviewed = [
        record.model_copy(update={"label_review": ReviewCounts(confirmed=3, changed=changed)})
        for record, changed in zip(full.rounds, (2, 1), strict=False)
    ]
    report = full.model_copy(update={"rounds": (*reviewed, *full.rounds[2:])})
    told = "reviewed 9 labels of theirs that the model contradicted: 6 confirmed, 3 changed, 0 unchanged"
    assert told in Page(render_report(report)).text


def test_a_simulation_tells_which_labels_are_wrong(full: Report) -> None:
    assert full.evidence
    shown = full.evidence.examples.least_confident
    known = tuple(
        example.model_copy(update={"truth": example.model if number else 1 - min(1, example.model)})
        for number, example in enumerate(shown)
    )
    examples = full.evidence.examples.model_copy(update={"least_confident": known})
    evidence = full.evidence.model_copy(update={"examples": examples})
    page = Page(render_report(full.model_copy(update={"evidence": evidence})))
    assert f"In this trial the truth is known: 1 of these {len(shown)} labels is wrong." in page.text


def test_where_nobody_labeled_anything_the_page_still_stands() -> None:
    counts = OutcomeCounts(input=5, human=0, auto=0, failed=0, unlabeled=5)
    failures = FailureRecord(by_reason={"not labeled: the run ended": 5})
    assert "5 of 5 data objects have no label" in Page(render_report(minimal(counts, failures=failures))).text


@pytest.mark.parametrize(
    "run",
    [
        MadeUpRun(classes=2, seed=1),
        MadeUpRun(classes=50, size=900),
        MadeUpRun(policy="blog", strategy="random"),
        MadeUpRun(trained_rounds=0),
        MadeUpRun(trained_rounds=1),
        MadeUpRun(strategy="random", trained_rounds=6),
        MadeUpRun(certified=False),
    ],
    ids=[
        "two classes",
        "fifty classes",
        "the post's rules",
        "no model",
        "one model",
        "random",
        "failed test",
    ],
)
def test_every_kind_of_run_has_its_page(run: MadeUpRun) -> None:
    html = render_report(run.report())
    assert "Infinity" not in html
    assert charts(html)
    page = Page(html)
    if run.classes == 50:
        assert re.search(r"Confusion matrix of [45]\d classes", html)
    if run.policy == "blog":
        assert "Nothing is promised about" in page.text
    if not run.trained_rounds:
        assert "learning" not in page.attribute("id")


def test_one_class_only_in_the_validation_set() -> None:
    report = MadeUpRun().report()
    assert report.evidence
    one_class = {
        "confusion": Confusion(pairs=((0, 0, 9),), objects=9.0),
        "by_class": report.evidence.by_class[:1],
    }
    evidence = report.evidence.model_copy(update=one_class)
    page = Page(render_report(report.model_copy(update={"classes": ("only",), "evidence": evidence})))
    assert "they agree on about 9 of 9 objects" in page.text
    assert "The most frequent confusions" not in page.text


def test_a_certificate_by_class_is_told_class_by_class(full: Report) -> None:
    part = ClassCertificate(
        class_index=1, auto_labels=77, error_bound=0.0421, validation_objects=61, validation_errors=1
    )
    assert full.certificate
    certificate = full.certificate.model_copy(update={"by_class": (part,)})
    page = Page(render_report(full.model_copy(update={"certificate": certificate})))
    assert page.attribute("href")[0] == "#certificate"
    assert f"At most 5% of each class's share of the {certificate.auto_labels} labels" in page.text
    assert re.search(r"class 1\s+77\s+61\s+1\s+4\.2%", page.text)


OPTIONAL = [
    *(name for name, field in Report.model_fields.items() if not field.is_required() and name != "score"),
    *Score.model_fields,
]


@pytest.mark.slow
@given(missing=st.sets(st.sampled_from(OPTIONAL)))
@settings(max_examples=40)
def test_whatever_a_document_lacks_is_left_out(full: Report, missing: set[str]) -> None:
    document = {key: value for key, value in full.as_file().items() if key not in missing}
    Page(render_report(Report.read(document)))


@pytest.mark.parametrize(
    "absent", ["coverage_curve", "confusion", "by_class", "examples", "accuracy_by_round"]
)
def test_evidence_may_be_in_part(full: Report, absent: str) -> None:
    document = full.as_file()
    document["evidence"] = {key: value for key, value in document["evidence"].items() if key != absent}
    Page(render_report(Report.read(document)))


@pytest.mark.parametrize("rounds", [1, 12, 13, 61, 500])
def test_many_rounds_fit(full: Report, rounds: int) -> None:
    record = full.rounds[-1]
    many = tuple(record.model_copy(update={"round": number + 1}) for number in range(rounds))
    html = render_report(full.model_copy(update={"rounds": many}))
    drawn = next(chart for chart in charts(html) if chart.attrib["aria-label"].startswith("After round"))
    labels = [text for text in drawn.iter("text") if text.attrib["class"] == "tick middle"]
    assert 1 <= len(labels) <= 12
