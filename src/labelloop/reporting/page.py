"""Renders the page: a report in, HTML out."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from labelloop.core.records import Report
from labelloop.reporting import classes, cost, headline, learning, next_steps, objects, rounds, run_details
from labelloop.reporting.parts import Headline, Section

_SECTIONS = (
    classes.certificate_by_class,
    cost.cost,
    learning.learning_curve,
    learning.coverage,
    rounds.rounds,
    classes.confusion,
    classes.by_class,
    classes.true_classes,
)
_NO_IMAGES: Mapping[str, str] = {}
_LAST_SECTIONS = (run_details.timing, run_details.settings)


def render_report(
    report: Report,
    check_list: str | None = None,
    to_check: int = 0,
    images: Mapping[str, str] = _NO_IMAGES,
) -> str:
    """One self-contained HTML page, without scripts and external files.

    check_list: the name of a file beside the page with the labels `to_check`, if there is one
    images: data URIs of images that examples are of, by their address: see `thumbnails`

    `report` is that of `core.report.document`, with or without the additions of a local run. A section is
    omitted if the report does not have its data.
    """
    made = [
        *(make(report) for make in _SECTIONS),
        objects.examples(report, images),
        objects.failures(report),
        next_steps.next_steps(report, check_list, to_check),
        *(make(report) for make in _LAST_SECTIONS),
    ]
    sections = [section for section in made if section is not None]
    return render_page(headline.headline(report), sections, shows_images=bool(images))


def render_page(head: Headline, sections: Sequence[Section], *, shows_images: bool = False) -> str:
    """A page with this top and these sections below it."""
    style = resources.files(__package__).joinpath("templates/report.css").read_text(encoding="utf-8")
    template = _environment().get_template("report.html.j2")
    return template.render(
        head=head,
        sections=sections,
        style=Markup(style),  # our own file  # noqa: S704
        content_security_policy=_content_security_policy(style, shows_images=shows_images),
    )


def _content_security_policy(style: str, *, shows_images: bool) -> str:
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    images = " img-src data:;" if shows_images else ""
    return f"default-src 'none'; style-src 'sha256-{digest}';{images} base-uri 'none'; form-action 'none'"


def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("labelloop.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
