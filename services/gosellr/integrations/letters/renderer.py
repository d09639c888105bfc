"""Turns what a letter tells into a subject, a plain text and simple HTML.

A template says each thing once, through macros that exist in two forms; so both forms of a letter
say the same. In the HTML everything that isn't markup of ours is escaped.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.letters import plain
from gosellr.utils.spoken_values import format_money, format_when

TEMPLATES_FOLDER = Path(__file__).parent / "templates"
LANGUAGES: Mapping[str, str] = {"en": "en_IE"}
"""The languages that letters are written in, each with the locale of its amounts and dates."""

_SUBJECT_LENGTH_MAX = 150
_EMPTY_LINE = "\f"


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterText:
    """A letter to be read. The subject is one line."""

    subject: str
    text: str
    html: str


class LetterRenderer:
    """Writes letters in the name of one market."""

    def __init__(self, *, market_name: str, timezone: str = "UTC") -> None:
        self._market_name = plain(market_name)
        self._timezone = timezone

    def render(
        self, kind: str, *, language: str, context: Mapping[str, Any], link: str
    ) -> LetterText:
        """The letter of a kind; `link` is where its reader can see more.

        Raises `jinja2.TemplateError` where the context lacks what the letter is to say.
        """
        spoken = language if language in LANGUAGES else "en"
        values = {**context, "link": link, "market": self._market_name}
        name = f"{spoken}/{kind}.jinja"
        text = self._environment("text", spoken).get_template(name)
        html = self._environment("html", spoken).get_template(name)
        subject = plain(_block(text, "subject", values), length_max=_SUBJECT_LENGTH_MAX)
        return LetterText(
            subject=subject,
            text=_tidy(_block(text, "body", values)) + f"\n\n-- \n{self._market_name}\n",
            html=self._page.render(
                language=spoken,
                subject=subject,
                body=Markup(_block(html, "body", values)),  # noqa: S704 - escaped while it was made
                market=self._market_name,
            ),
        )

    def _environment(self, form: str, language: str) -> Environment:
        return self._environments[form, language]

    @cached_property
    def _environments(self) -> dict[tuple[str, str], Environment]:
        return {
            (form, language): self._make(form, locale)
            for form in ("text", "html")
            for language, locale in LANGUAGES.items()
        }

    @cached_property
    def _page(self) -> Template:
        return self._environment("html", "en").get_template("_page.jinja")

    def _make(self, form: str, locale: str) -> Environment:
        environment = Environment(
            loader=FileSystemLoader(TEMPLATES_FOLDER),
            # They ship with the process: nobody changes them while it runs.
            auto_reload=False,
            # Text has nothing to be escaped, and its readers would see it.
            autoescape=form == "html",  # noqa: S701
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters.update(
            money=partial(_money, locale=locale),
            total=partial(_money, locale=locale, explicit=True),
            when=partial(_when, locale=locale, timezone=self._timezone),
        )
        environment.globals["say"] = environment.get_template(f"_{form}.jinja").module
        return environment


@cache
def renderer_for(market_name: str) -> LetterRenderer:
    """Who writes in the name of this market; templates are read once in a process."""
    return LetterRenderer(market_name=market_name)


def _block(template: Template, name: str, values: Mapping[str, Any]) -> str:
    return "".join(template.blocks[name](template.new_context(dict(values))))


def _tidy(text: str) -> str:
    """The lines that macros made, with an empty one where they want it, and never two."""
    tidy: list[str] = []
    for line in text.split("\n"):
        if line == _EMPTY_LINE:
            if tidy and tidy[-1]:
                tidy.append("")
        elif line.strip():
            tidy.append(line.rstrip())
    return "\n".join(tidy).strip("\n")


def _money(value: Mapping[str, Any], *, locale: str, explicit: bool = False) -> str:
    return format_money(value["amount"], value["currency"], locale=locale, explicit=explicit)


def _when(value: str, *, locale: str, timezone: str) -> str:
    at = datetime.fromisoformat(value)
    return f"{format_when(at, 'full', locale=locale, timezone=timezone)} {timezone}"
