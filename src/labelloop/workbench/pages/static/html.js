// HTML that the workbench made of an owner's Markdown: it has only harmless tags, and a parsed document runs nothing.

export function showHtml(element, html) {
  element.replaceChildren(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
}
