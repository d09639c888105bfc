"""A browser without scripts: follows links, fills forms as people do, keeps its cookies."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import httpx2

HTML = {"Accept": "text/html,application/xhtml+xml", "Sec-Fetch-Site": "same-origin"}


@dataclass
class Form:
    """A form of a page with the values it would send as it stands."""

    action: str
    method: str
    values: dict[str, str] = field(default_factory=dict)
    buttons: list[dict[str, str]] = field(default_factory=list)
    id: str = ""


class _Forms(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._open: Form | None = None
        self._select: str | None = None
        self._textarea: str | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name = given.get("name", "")
        if tag == "form":
            self._open = Form(given["action"], given.get("method", "get"), id=given.get("id", ""))
            self.forms.append(self._open)
        elif self._open is None:
            return
        elif tag == "input" and name:
            if given.get("type") not in ("radio", "checkbox") or "checked" in given:
                self._open.values[name] = given.get("value", "")
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select:
            value = given.get("value", "")
            if "selected" in given or self._select not in self._open.values:
                self._open.values[self._select] = value
        elif tag == "textarea":
            self._textarea = name
            self._open.values[name] = ""
        elif tag == "button":
            self._open.buttons.append(given)

    def handle_data(self, data: str) -> None:
        if self._open is not None and self._textarea:
            self._open.values[self._textarea] += data
        elif self._open is not None and self._select and data.strip().isdigit():
            # A number as an option has no value of its own.
            self._open.values[self._select] = self._open.values[self._select] or data.strip()

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "select":
            self._select = None
        elif tag == "textarea":
            self._textarea = None


@dataclass
class Visitor:
    """Somebody who looks at pages. `page` is the last answer."""

    client: httpx2.AsyncClient
    page: httpx2.Response = field(default_factory=lambda: httpx2.Response(200))

    @property
    def text(self) -> str:
        """The page as it came."""
        return self.page.text

    @property
    def path(self) -> str:
        """Where one is."""
        return self.page.request.url.path

    def forms(self) -> list[Form]:
        """The forms of the page."""
        return _Forms(self.page.text).forms

    def form(self, action: str) -> Form:
        """The form that is sent to an address, or to one that begins so."""
        forms = [form for form in self.forms() if form.action == action] or [
            form for form in self.forms() if form.action.startswith(action)
        ]
        assert forms, f"no form to {action} on {self.page.request.url}"
        return forms[0]

    async def go(self, path: str, **more: Any) -> httpx2.Response:
        """Open an address and follow where it leads."""
        self.page = await self.client.get(path, headers=HTML, follow_redirects=True, **more)
        return self.page

    async def send(
        self,
        action: str,
        *,
        to: str = "",
        changes: Mapping[str, str] | None = None,
        files: Mapping[str, tuple[str, bytes, str]] | None = None,
        **typed: str,
    ) -> httpx2.Response:
        """Fill the form and send it, by another button's address where `to` says so."""
        form = self.form(action)
        sent = {**form.values, **(changes or {}), **typed}
        self.page = await self.client.post(
            to or form.action,
            data={name: value for name, value in sent.items() if name not in (files or {})},
            files=files,
            headers={**HTML, "Origin": "http://market.test"},
            follow_redirects=True,
        )
        return self.page


ADDRESS = {
    "email": "ada@example.com",
    "name": "Ada Lovelace",
    "country": "DE",
    "line1": "12 Analytical Row",
    "postal_code": "10115",
    "city": "Berlin",
}


async def put_in_bag(visitor: Visitor, path: str, quantity: int = 1) -> None:
    """Open a product's page and press its button."""
    await visitor.go(path)
    assert visitor.page.status_code == 200, visitor.text
    await visitor.send("/bag/items", quantity=str(quantity))
    assert visitor.path == "/bag", visitor.text


async def reach_payment(visitor: Visitor, **address: str) -> None:
    """From the bag to the page with the button that pays."""
    await visitor.go("/checkout")
    await visitor.send("/checkout", to="/checkout/address", **{**ADDRESS, **address})
    assert visitor.page.status_code == 200, visitor.text
    assert "Pay €" in visitor.text, visitor.text
