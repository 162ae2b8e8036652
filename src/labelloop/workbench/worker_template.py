"""Ground Truth's worker templates: Liquid in, the HTML of one task out.

This is the subset for text and image classification: `crowd-form`, `crowd-classifier`,
`crowd-image-classifier`, `classification-target`, `short-instructions`, `full-instructions` and
`crowd-button`. Ground Truth's filters `to_json`, `grant_read_access` and `skip_autoescape` are added to
Liquid's own. The result is shown in a sandboxed frame, in which the template's own scripts do not run.
"""

import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from html.parser import HTMLParser
from typing import Any

from liquid import BoundTemplate, Environment, Markup
from liquid.exceptions import LiquidError

from labelloop.core.errors import StorageError
from labelloop.storage import s3
from labelloop.workbench.errors import WorkbenchError

WIDGETS = ("crowd-classifier", "crowd-image-classifier")
_PROBE = "labelloop-probe-object"


class WorkerTemplateError(WorkbenchError):
    """Raised when a worker template cannot be rendered, or people could not answer with it."""


class _TemplateEnvironment(Environment):
    """Liquid with limits, so that a template cannot loop or write without end."""

    loop_iteration_limit = 10_000
    output_stream_limit = 10_000_000


class WorkerTemplate:
    """A parsed worker template.

    Raises WorkerTemplateError when `source` is not valid Liquid or uses an unknown filter.
    """

    def __init__(self, source: str, uri: str = "") -> None:
        """`uri`: where the template is; it may show images from its own folder."""
        self._folder = _folder(uri)
        try:
            self._template: BoundTemplate = _environment().from_string(source)
        except LiquidError as error:
            raise WorkerTemplateError(f"the worker template is not valid Liquid: {_place(error)}") from error

    def render(
        self,
        task_object: str,
        labels: Sequence[str],
        read_access: Callable[[str], str],
    ) -> str:
        """The HTML of one task.

        `task_object` is the text, or the S3 URI of the image. `read_access` turns an S3 URI into a
        short-lived address. A template gets one for the object, and for files in its own folder. For
        templates that use the manifest's own fields, the object is also under `source` and `source-ref`.
        Raises WorkerTemplateError when Liquid fails on it, or when it asks for another file.
        """

        def granted(uri: str) -> str:
            if uri != task_object and not (self._folder and uri.startswith(self._folder)):
                raise WorkerTemplateError(
                    f"the worker template may not read {uri:.200}: grant_read_access is for the object, and "
                    "for files in the template's own folder"
                )
            return read_access(uri)

        given = {
            "taskObject": task_object,
            "source": task_object,
            "source-ref": task_object,
            "labels": list(labels),
        }
        try:
            return self._template.render(task={"input": given}, grant_read_access=granted)
        except LiquidError as error:
            raise WorkerTemplateError(f"the worker template fails on an object: {_place(error)}") from error

    def check(self, labels: Sequence[str]) -> None:
        """Raise WorkerTemplateError unless people can label with this template. Call it before asking people.

        The template must show the object, in one of our elements, and offer exactly the run's classes.
        """
        page = _Page()
        page.feed(self.render(_PROBE, labels, lambda uri: uri))
        page.close()
        if len(page.widgets) != 1:
            raise WorkerTemplateError(
                f"the worker template has {len(page.widgets)} of the elements that labelloop can show "
                f"({', '.join(WIDGETS)}): it must have exactly one"
            )
        if not page.shows_the_object:
            raise WorkerTemplateError(
                "the worker template does not show the object: write {{ task.input.taskObject }} in it"
            )
        offered = _categories(page.widgets[0])
        if sorted(offered) != sorted(labels):
            raise WorkerTemplateError(
                f"the worker template offers the categories {offered!r:.200}, but this run's classes are "
                f'{list(labels)!r:.200}: write categories="{{{{ task.input.labels | to_json | escape }}}}"'
            )


@lru_cache(maxsize=16)
def template_in_s3(uri: str) -> WorkerTemplate:
    """The template at an S3 URI. Raises WorkerTemplateError when it does not exist or is not valid."""
    try:
        return WorkerTemplate(s3.read_bytes(uri).decode(), uri)
    except (StorageError, UnicodeDecodeError) as error:
        raise WorkerTemplateError(f"the worker template {uri} cannot be read: {error}") from error


def _folder(uri: str) -> str:
    """The folder of a file; empty at the top of a bucket, where the folder would be the whole bucket."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    folder, slash, _ = key.rpartition("/")
    return f"s3://{bucket}/{folder}/" if slash and folder else ""


def _place(error: LiquidError) -> str:
    if error.token is None or error.token.start_index < 0:
        return str(error.message)
    line = error.token.source.count("\n", 0, error.token.start_index) + 1
    return f"line {line}: {error.message}"


def _categories(attributes: dict[str, str | None]) -> list[str]:
    given = attributes.get("categories") or ""
    # Some of Ground Truth's own samples write ['good', 'bad'], which is not JSON.
    for text in (given, given.replace("'", '"')):
        try:
            found = json.loads(text)
        except ValueError:
            continue
        if isinstance(found, list):
            return [str(name) for name in found]
    raise WorkerTemplateError(
        f"the worker template's categories are not a JSON list of strings: {given!r:.200}"
    )


class _Page(HTMLParser):
    """The elements of a rendered template that the check needs."""

    def __init__(self) -> None:
        super().__init__()
        self.widgets: list[dict[str, str | None]] = []
        self.shows_the_object = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in WIDGETS:
            self.widgets.append(dict(attrs))
        self.shows_the_object |= any(_PROBE in (value or "") for _, value in attrs)

    def handle_data(self, data: str) -> None:
        self.shows_the_object |= _PROBE in data


def _environment() -> Environment:
    environment = _TemplateEnvironment(autoescape=True)
    environment.add_filter("to_json", _to_json)
    environment.add_filter("skip_autoescape", _skip_autoescape)
    environment.add_filter("grant_read_access", _GrantReadAccess())
    return environment


def _to_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _skip_autoescape(value: object) -> Markup:
    # The template's author asks for it. The frame that shows the text runs no script from it.
    return Markup(str(value))


class _GrantReadAccess:
    """The filter that gets an address from the caller of `render`."""

    with_context = True

    def __call__(self, value: object, *, context: Any) -> str:
        grant: Callable[[str], str] = context.globals["grant_read_access"]
        return grant(str(value))
