"""Images in the report: shown small, within the one file, and left out where they are none."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from labelloop.core.records import Example, Examples, Report
from labelloop.reporting import thumbnails as module
from labelloop.reporting.page import render_report
from labelloop.reporting.thumbnails import thumbnails

from .conftest import MadeUpRun


def jpeg(side: int, seed: int = 0) -> bytes:
    file = io.BytesIO()
    noise = np.random.default_rng(seed).integers(0, 256, (side, side, 3)).astype(np.uint8)
    Image.fromarray(noise).save(file, "JPEG", quality=95)
    return file.getvalue()


def report_of(addresses: list[str]) -> Report:
    report = MadeUpRun().report()
    assert report.evidence is not None
    examples = tuple(
        Example(
            line=line,
            model=0,
            confidence=0.5,
            margin=0.1,
            round=2,
            people=1,
            outcome="human",
            source_ref=address,
        )
        for line, address in enumerate(addresses, 1)
    )
    evidence = report.evidence.model_copy(update={"examples": Examples(likely_label_errors=examples)})
    return report.model_copy(update={"evidence": evidence})


IMAGES = {"s3://b/large.jpg": jpeg(1_500), "s3://b/small.jpg": jpeg(20), "s3://b/none.jpg": b"<script>"}


def test_images_are_shown_small_and_what_is_none_by_its_address() -> None:
    report = report_of([*IMAGES, "s3://b/gone.jpg"])
    made = thumbnails(report, IMAGES.__getitem__)
    assert made.keys() == {"s3://b/large.jpg", "s3://b/small.jpg"}
    html = render_report(report, images=made)
    shown = re.findall(r'<img src="data:image/jpeg;base64,([^"]+)" alt="([^"]+)"', html)
    assert [alt for _, alt in shown] == ["s3://b/large.jpg", "s3://b/small.jpg"]
    for content, _ in shown:
        assert max(Image.open(io.BytesIO(base64.b64decode(content))).size) <= 240
    assert "s3://b/gone.jpg" in html
    assert "<script>" not in html
    assert " img-src data:;" in html
    assert len(html) < 300_000


def test_without_images_the_page_lets_none_in() -> None:
    assert "img-src" not in render_report(report_of(["s3://b/gone.jpg"]))


def test_without_pillow_small_images_are_shown_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    assert thumbnails(report_of([*IMAGES]), IMAGES.__getitem__).keys() == {"s3://b/small.jpg"}


def test_the_file_stays_small_however_many_images_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_BYTES_OF_ALL", 2_000)
    addresses = [f"s3://b/{number}.jpg" for number in range(20)]
    made = thumbnails(report_of(addresses), lambda address: jpeg(20, len(address)))
    assert sum(map(len, made.values())) <= 2_000
    assert made
