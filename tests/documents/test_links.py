"""Every link in the Markdown files leads somewhere, on GitHub as in the built site."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
_FENCED = re.compile(r"^( *)(```+|~~~+).*?^\1\2 *$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]+`")
_LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\[\]]*\])*\]\(([^()\s]+)\)")
_ELSEWHERE = re.compile(r"[a-z]+:")


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def links(page: Path) -> Iterator[str]:
    prose = _CODE.sub("", _FENCED.sub("", page.read_text()))
    return (target for target in _LINK.findall(prose) if not _ELSEWHERE.match(target))


@cache
def anchors(page: Path) -> frozenset[str]:
    """As GitHub makes them of headings."""
    found: Counter[str] = Counter()
    all_of_them = set()
    for heading in re.findall(r"^#{1,6} +(.+?) *#*$", _FENCED.sub("", page.read_text()), re.MULTILINE):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").replace("*", "")
        slug = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        all_of_them.add(f"{slug}-{found[slug]}" if found[slug] else slug)
        found[slug] += 1
    return frozenset(all_of_them)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_to_files_and_headings_that_are_there(page: Path) -> None:
    for link in links(page):
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=name)
def test_pages_of_the_site_link_only_to_what_is_in_it(page: Path) -> None:
    for link in links(page):
        target = (page.parent / unquote(link).partition("#")[0]).resolve()
        assert target.is_relative_to(DOCS), f"{link} is not in the site: name it without a link"


def test_every_page_is_in_the_navigation() -> None:
    listed = re.findall(r"[\w/.-]+\.md\b", (ROOT / "mkdocs.yml").read_text().split("\nnav:")[1])
    assert sorted(listed) == sorted(page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md"))


@pytest.mark.parametrize(
    "folder", ["src", "infrastructure", "statemachine", "model_container", "template.yaml"]
)
def test_pages_that_the_product_names_are_there(folder: str) -> None:
    place = ROOT / folder
    files = [place] if place.is_file() else [path for path in place.rglob("*") if path.is_file()]
    for file in files:
        for page, anchor in re.findall(rb"(docs/[\w/-]+\.md)(?:#([\w-]+))?", file.read_bytes()):
            target = ROOT / page.decode()
            assert target.exists(), f"{file} names {page.decode()}"
            assert not anchor or anchor.decode() in anchors(target), f"{file} names {page.decode()}"
