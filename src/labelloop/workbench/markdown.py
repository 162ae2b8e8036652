"""Markdown of an owner as HTML that every page may show: a small set of tags.

The pages' policy loads images from the workbench alone. An address elsewhere would tell its server who labels
here, and when. So an image that was not added to the guidelines is a link.
"""

from collections.abc import MutableMapping, Sequence
from functools import lru_cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

from labelloop.workbench.pictures import address_of

_SCHEMES = ("https://", "http://", "mailto:")
# Below the headings of the pages, and of one level: nothing depends on how an owner numbers them.
_HEADING = "h4"


@lru_cache(maxsize=16)
def as_html(text: str) -> str:
    """Whatever the text is, the result has no scripts, styles, images, forms or frames."""
    html: str = _MARKDOWN.render(text)
    return html


class _Markdown(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802 - the library's name
        # No address of our own: a link to it would act as the person who follows it.
        return url.strip().lower().startswith(_SCHEMES) or address_of(url) is not None


def _link(
    renderer: RendererHTML,
    tokens: Sequence[Token],
    index: int,
    options: OptionsDict,
    _env: MutableMapping[str, Any],
) -> str:
    tokens[index].attrSet("target", "_blank")
    tokens[index].attrSet("rel", "noopener noreferrer")
    return renderer.renderToken(tokens, index, options, _env)


def _image(
    renderer: RendererHTML,
    tokens: Sequence[Token],
    index: int,
    options: OptionsDict,
    env: MutableMapping[str, Any],
) -> str:
    source = str(tokens[index].attrGet("src") or "")
    words = escapeHtml(renderer.renderInlineAsText(tokens[index].children, options, env))
    address = address_of(source)
    if address is not None:
        return f'<img src="{address}" alt="{words}">'
    links = [token.type for token in tokens[:index] if token.tag == "a"]
    if not source or links[-1:] == ["link_open"]:
        # A link within a link would be none.
        return words
    return f'<a href="{escapeHtml(source)}" target="_blank" rel="noopener noreferrer">{words}</a>'


def _drop_empty_links(state: StateCore) -> None:
    """`[x]()` is its text: the library asks nobody about an empty address, which is the page's own.

    A link to a picture leads nowhere either.
    """
    for token in state.tokens:
        kept, leads_somewhere = list[Token](), True  # links are not in one another
        for child in token.children or ():
            if child.type == "link_open":
                href = str(child.attrGet("href") or "")
                leads_somewhere = bool(href) and address_of(href) is None
            if leads_somewhere or child.type not in ("link_open", "link_close"):
                kept.append(child)
        if token.children:
            token.children = kept


def _heading(
    renderer: RendererHTML,
    tokens: Sequence[Token],
    index: int,
    options: OptionsDict,
    _env: MutableMapping[str, Any],
) -> str:
    tokens[index].tag = _HEADING
    return renderer.renderToken(tokens, index, options, _env)


def _made() -> MarkdownIt:
    markdown = _Markdown("commonmark", {"html": False, "linkify": False, "breaks": True})
    # Instructions that were written as plain text may be indented: that makes them no code.
    markdown.disable(["html_block", "html_inline", "code"])
    markdown.core.ruler.push("drop_empty_links", _drop_empty_links)
    markdown.add_render_rule("link_open", _link)
    markdown.add_render_rule("image", _image)
    markdown.add_render_rule("heading_open", _heading)
    markdown.add_render_rule("heading_close", _heading)
    return markdown


_MARKDOWN = _made()
