"""The documentation as a site: it is built without a warning, and its pages load nothing from elsewhere."""

import functools
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser

ROOT = Path(__file__).parents[2]
GENERATOR = ROOT / ".venv-docs/bin/zensical"
_FOREIGN = re.compile(r"\s*(https?:)?//")
# What a page only names, and a browser does not fetch.
_NAMED_ONLY = {("a", "href"), ("svg", "xmlns")}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not GENERATOR.exists(), reason="`make docs` installs what builds the site"),
]


class Loads(HTMLParser):
    """What a page has a browser fetch from another host."""

    def __init__(self) -> None:
        super().__init__()
        self.foreign: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for attribute, value in attrs:
            if (tag, attribute) not in _NAMED_ONLY and value and _FOREIGN.match(value):
                self.foreign.append(f"<{tag} {attribute}={value}>")
            # The theme's script would fetch what draws them.
            if attribute == "class" and "mermaid" in (value or "").split():
                self.foreign.append(f"<{tag} class={value}>")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("documentation")
    shutil.copytree(ROOT / "docs", folder / "docs")
    shutil.copy(ROOT / "mkdocs.yml", folder)
    built = subprocess.run(
        [GENERATOR, "build", "--strict"], cwd=folder, capture_output=True, text=True, timeout=120
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return folder / "site"


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_no_markup_is_shown_as_text(site: Path) -> None:
    # GitHub begins a list without an empty line before it, and an item's inside is two spaces deep there.
    # Here it takes the line, and four spaces.
    for page in sorted(site.rglob("index.html")):
        (article,) = re.findall(r"<article.*?</article>", page.read_text(), re.DOTALL)
        prose = re.sub(r"<(pre|code)\b.*?</\1>", "", article, flags=re.DOTALL)
        for paragraph in re.findall(r"<p>.*?</p>", prose, re.DOTALL):
            shown = re.sub(r"<[^>]+>", "", paragraph)
            assert not re.search(r"^\s*([-*]|\d+\.) |```|^\||\*\*", shown, re.MULTILINE), f"{page}: {shown}"


def test_no_page_names_a_file_of_another_host(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > len(list((ROOT / "docs").rglob("*.md"))), (
        "every page, and the one for a wrong address"
    )
    for page in pages:
        loads = Loads()
        loads.feed(page.read_text())
        assert not loads.foreign, f"{page.relative_to(site)} loads from another host: {loads.foreign}"


def test_no_style_sheet_names_a_file_of_another_host(site: Path) -> None:
    for sheet in site.rglob("*.css"):
        named = re.findall(r"(?:url\(|@import)\s*[\"']?((?:https?:)?//[^\"')]+)", sheet.read_text())
        assert not named, f"{sheet.relative_to(site)} loads from another host: {named}"


@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_asks_no_other_host_and_no_page_is_wider_than_its_window(
    site: Path, address: str, chromium: Browser, width: int
) -> None:
    asked: list[str] = []
    with chromium.new_page(viewport={"width": width, "height": 800}) as page:
        page.on("request", lambda request: asked.append(request.url))
        for file in sorted(site.rglob("index.html")):
            page.goto(f"{address}{file.parent.relative_to(site).as_posix()}/")
            too_wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert too_wide <= 0, f"{file.relative_to(site)} is {too_wide} pixels wider than its window"
    assert len(asked) > 100
    assert [url for url in asked if not url.startswith((address, "data:"))] == []
