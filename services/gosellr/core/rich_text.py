"""Formatted text from strangers: Markdown or HTML in, HTML from a short list of tags out.

A text with a tag in it is taken for HTML and is cleaned itself; any other is Markdown, of which
plain text is the simplest. What is kept as written is thereby as harmless as what is shown.
"""

import re
import unicodedata

import nh3
from markdown_it import MarkdownIt

_TAG = re.compile(r"</?[a-zA-Z][^>]*>|<!--")

_TAGS = {
    "p", "br", "hr", "h2", "h3", "h4", "ul", "ol", "li", "strong", "b", "em", "i", "u", "s",
    "blockquote", "code", "pre", "a", "table", "thead", "tbody", "tr", "th", "td", "sub", "sup",
}  # fmt: skip
_CLEANER = nh3.Cleaner(
    tags=_TAGS,
    attributes={"a": {"href", "title"}, "th": {"colspan"}, "td": {"colspan"}},
    url_schemes={"http", "https", "mailto"},
    link_rel="nofollow ugc noopener noreferrer",
    strip_comments=True,
)
_MARKDOWN = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable("table")


def clean_source(text: str) -> str:
    """The text as it may be kept: without control characters, and cleaned when it is HTML."""
    visible = "".join(
        character
        for character in unicodedata.normalize("NFC", text.replace("\r\n", "\n"))
        if character in "\n\t" or unicodedata.category(character) != "Cc"
    ).strip()
    return _CLEANER.clean(visible).strip() if _TAG.search(visible) else visible


def to_html(source: str) -> str:
    """The HTML of a cleaned source, safe to be shown as it is."""
    html = source if _TAG.search(source) else _MARKDOWN.render(source)
    return _CLEANER.clean(html).strip()
