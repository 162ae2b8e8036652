"""An owner's Markdown becomes a few harmless tags, whatever is in it."""

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelloop.workbench.markdown import as_html

TAGS = {"p", "br", "em", "strong", "h4", "ul", "ol", "li", "blockquote", "pre", "code", "hr", "a", "img"}
ATTRIBUTES = {
    "img": {"src", "alt"},
    "a": {"href", "title", "target", "rel"},
    "ol": {"start"},
    "code": {"class"},
}
PICTURE = "picture:" + "0a" * 16
HOSTILE = (
    f'![<b>" onerror=alert(1) x="]({PICTURE}) [x]({PICTURE}) [![x]({PICTURE})](https://a.b)',
    f"![x]({PICTURE}/../../sign-out) ![x](picture:../../x) ![x]({PICTURE}?a=<b>) ![x](PICTURE:{'0A' * 16})",
    "[![x](https://a.b)](https://c.d) ![[x](https://a.b)](https://c.d)",
    "<script>alert(1)</script>",
    "a <img src=x onerror=alert(1)> b",
    "<style>*{display:none}</style>\n\n<iframe src=//evil></iframe>",
    "[x](javascript:alert(1)) [x](JaVaScRiPt&colon;alert(1)) [x](data:text/html,<script>) [x](vbscript:x)",
    "[x](/sign-out) [x](//evil.example) [x](sign-out) [x](#main) [x]( javascript:x)",
    "![x](https://evil.example/pixel.png) ![x](data:image/svg+xml,<svg onload=alert(1)>)",
    '<javascript:alert(1)> <https://a.b/" onclick=alert(1)>',
    '[x](https://a.b "\\" onmouseover=alert(1)")',
    '```x" onclick="alert(1)\n</code><script>\n```',
    "[x]: javascript:alert(1)\n\n[x]",
    "[a](https://a.b/<script>) **<b onclick=x>**\n\n# <svg/onload=alert(1)>",
    "\x00<scr\x00ipt>",
)


class Tags(HTMLParser):
    """Refuses what is not listed above."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        assert tag in TAGS, tag
        assert set(given) <= ATTRIBUTES.get(tag, set()), (tag, attrs)
        if tag == "a":
            assert (given["href"] or "").lower().startswith(("https://", "http://", "mailto:")), given
            assert (given["target"], given["rel"]) == ("_blank", "noopener noreferrer")
        if tag == "img":
            assert given["src"] == "/guidelines/pictures/" + "0a" * 16
        if tag == "code" and given:
            assert (given["class"] or "").startswith("language-")

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(decl)

    def handle_pi(self, data: str) -> None:
        raise AssertionError(data)

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


def look_through(html: str) -> None:
    tags = Tags()
    tags.feed(html)
    tags.close()


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_gives_harmless_tags(text: str) -> None:
    look_through(as_html(text))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([*HOSTILE, *"<>[]()!`*_#-&;:\"'=/\n \\", "http://", "a"]), max_size=12))
def test_hostile_pieces_give_harmless_tags(pieces: list[str]) -> None:
    look_through(as_html("".join(pieces)))


def test_markdown_as_owners_write_it() -> None:
    html = as_html("# Rules\n1. *first*\n2. **second** `x`\n\n> see [here](https://a.b)\n\none\ntwo")
    assert "<h4>Rules</h4>" in html
    assert "<li><em>first</em></li>" in html
    assert "<strong>second</strong> <code>x</code>" in html
    assert '<a href="https://a.b" target="_blank" rel="noopener noreferrer">here</a>' in html
    assert "one<br />\ntwo" in html, "plain instructions keep their lines"
    assert "<pre>" not in as_html("Rules:\n\n    indented"), "and are no code where they are indented"


def test_a_link_to_nowhere_is_its_text() -> None:
    assert as_html("see [*x*]() and [y](https://a.b)[z]()").strip() == (
        '<p>see <em>x</em> and <a href="https://a.b" target="_blank" rel="noopener noreferrer">y</a>z</p>'
    )


def test_a_picture_that_was_added_is_shown() -> None:
    html = as_html(f"A cat: ![a *striped* <cat>]({PICTURE})")
    address = "/guidelines/pictures/" + "0a" * 16
    assert html.strip() == f'<p>A cat: <img src="{address}" alt="a striped &lt;cat&gt;"></p>'


def test_an_image_elsewhere_is_a_link() -> None:
    html = as_html("![a cat](https://example.com/cat.png)")
    assert "<img" not in html
    assert '<a href="https://example.com/cat.png"' in html
    assert as_html("[![a cat](https://a.b/cat.png)](https://a.b)").count("<a ") == 1


@pytest.mark.parametrize("piece", ["[", "*a ", "> ", "- ", "`x``", "[a](", "![[", "<!--", "a**b", "[](<"])
def test_a_long_text_of_one_piece_is_rendered_soon(piece: str) -> None:
    look_through(as_html(piece * (10_000 // len(piece))))
