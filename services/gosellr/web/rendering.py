"""Pages out of templates: one environment per locale, whole pages or one block of them."""

import json
from collections.abc import Mapping
from functools import cached_property, partial
from gettext import NullTranslations
from http import HTTPStatus
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from gosellr.utils.money import Money
from gosellr.web.assets import Assets
from gosellr.web.csp import new_nonce, page_headers
from gosellr.web.formats import (
    format_count,
    format_money,
    format_percent,
    format_rating,
    format_when,
    stock_word,
)
from gosellr.web.views import LayoutView, Theme

TEMPLATES_FOLDER = Path(__file__).parent / "templates"
THEME_COOKIE = "theme"
RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})
# Later files may use earlier ones, so the order counts.
MACRO_FILES = ("ui", "forms", "market", "parcels", "money", "cases")


class Renderer:
    """Turns a template's name and plain values into a response.

    A page names its fragments by blocks: an htmx request whose target has a block's name as
    its id gets that block of the very same template, so page and fragment can't drift apart.
    """

    def __init__(
        self,
        assets: Assets,
        *,
        locale: str = "en_IE",
        timezone: str = "UTC",
        https: bool = False,
        form_action: tuple[str, ...] = (),
        translations: NullTranslations | None = None,
        folder: Path = TEMPLATES_FOLDER,
    ) -> None:
        self._assets = assets
        self._locale = locale
        self._timezone = timezone
        self._https = https
        self._form_action = form_action
        self._translations = translations or NullTranslations()
        self._folder = folder

    @cached_property
    def environment(self) -> Environment:
        """The Jinja environment, with filters and macros bound to this renderer's locale."""
        environment = Environment(
            loader=FileSystemLoader(self._folder),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n"],
        )
        environment.install_gettext_translations(  # type: ignore[attr-defined]
            self._translations, newstyle=True
        )
        language = self._locale.partition("_")[0]
        environment.globals.update(
            asset=self._assets.url,
            language=language,
            direction="rtl" if language in RIGHT_TO_LEFT else "ltr",
            stock_word=stock_word,
        )
        environment.filters.update(
            money=self._money,
            count=partial(format_count, locale=self._locale),
            percent=partial(format_percent, locale=self._locale),
            rating=partial(format_rating, locale=self._locale),
            when=partial(format_when, locale=self._locale, timezone=self._timezone),
        )
        for name in MACRO_FILES:
            environment.globals[name] = environment.get_template(f"macros/{name}.html").module
        return environment

    def page(
        self,
        template: str,
        *,
        layout: LayoutView,
        status: int = HTTPStatus.OK,
        personal: bool = False,
        headers: Mapping[str, str] | None = None,
        **values: Any,
    ) -> HTMLResponse:
        """A whole page. `personal` pages are stored nowhere (`no-store`)."""
        return self._response(
            template, None, layout, status=status, personal=personal, headers=headers, values=values
        )

    def block(
        self,
        template: str,
        block: str,
        *,
        layout: LayoutView,
        status: int = HTTPStatus.OK,
        personal: bool = False,
        headers: Mapping[str, str] | None = None,
        **values: Any,
    ) -> HTMLResponse:
        """One block of a page's own template. Raises KeyError when there is no such block."""
        return self._response(
            template,
            block,
            layout,
            status=status,
            personal=personal,
            headers=headers,
            values=values,
        )

    def respond(
        self,
        request: Request,
        template: str,
        *,
        layout: LayoutView,
        fragments: frozenset[str] = frozenset(),
        status: int = HTTPStatus.OK,
        personal: bool = False,
        headers: Mapping[str, str] | None = None,
        **values: Any,
    ) -> HTMLResponse:
        """The page, or the one of its `fragments` that an htmx request is about to replace.

        When htmx gets a whole page instead, such as an error, it is told to take that page's
        body, so that no page ever appears inside another.
        """
        block = wanted_fragment(request, fragments)
        if block is None and request.headers.get("HX-Request") == "true":
            headers = {"HX-Retarget": "body", "HX-Reswap": "innerHTML", **(headers or {})}
        return self._response(
            template,
            block,
            layout,
            status=status,
            personal=personal,
            headers=headers,
            values=values,
        )

    def _response(
        self,
        template: str,
        block: str | None,
        layout: LayoutView,
        *,
        status: int,
        personal: bool,
        headers: Mapping[str, str] | None,
        values: Mapping[str, Any],
    ) -> HTMLResponse:
        nonce = new_nonce()
        loaded = self.environment.get_template(template)
        context = {**values, "page": layout, "nonce": nonce}
        if block is None:
            html = loaded.render(context)
        else:
            html = "".join(loaded.blocks[block](loaded.new_context(context)))
        answer = page_headers(
            nonce, personal=personal, https=self._https, form_action=self._form_action
        )
        # In a header, because an inline block would lose its nonce when htmx restores a page.
        answer["Speculation-Rules"] = f'"{self._assets.url("prefetch.speculationrules")}"'
        # The same address answers with a page or with a fragment of it.
        answer["Vary"] = "Cookie, HX-Request, HX-Target"
        answer["Content-Language"] = self._locale.replace("_", "-")
        return HTMLResponse(html, status_code=status, headers={**answer, **(headers or {})})

    def _money(self, value: Money, *, explicit: bool = False) -> str:
        return format_money(value.amount, value.currency, locale=self._locale, explicit=explicit)


def wanted_fragment(request: Request, fragments: frozenset[str]) -> str | None:
    """The block an htmx request asks for, or None when it must get the whole page.

    htmx names its target as `tag#id`. Going back in history restores a whole page even though
    the request is htmx's.
    """
    if request.headers.get("HX-Request") != "true":
        return None
    if "HX-History-Restore-Request" in request.headers:
        return None
    target = request.headers.get("HX-Target", "").rpartition("#")[2].replace("-", "_")
    return target if target in fragments else None


def theme_of(request: Request) -> Theme:
    """The theme the visitor chose, or "" to follow the system's."""
    secure = request.cookies.get(f"__Host-{THEME_COOKIE}")
    match secure or request.cookies.get(THEME_COOKIE):
        case "light":
            return "light"
        case "dark":
            return "dark"
        case _:
            return ""


def client_events(
    *, toast: str = "", toast_href: str = "", toast_label: str = "", bag_count: int | None = None
) -> dict[str, str]:
    """The `HX-Trigger` header that shows a toast and moves the bag's number."""
    events: dict[str, object] = {}
    if toast:
        events["toast"] = {"text": toast, "href": toast_href, "label": toast_label}
    if bag_count is not None:
        events["bag"] = {"count": bag_count}
    return {"HX-Trigger": json.dumps(events)} if events else {}
