"""Who looks at pages: signed in by a session of their own; and what every page must be."""

import re

import httpx2

from gosellr.core.identity import new_secret
from gosellr.core.transact import transact
from gosellr.resources import Resources
from gosellr.services import account_service
from gosellr.services.account_service import Device
from tests.factories.accounts import User
from tests.web.test_templates import HANDLER, Page
from tests.web.visitor import HTML, Visitor


async def enter(visitor: Visitor, resources: Resources, user: User | None) -> Visitor:
    """Go on as somebody else, or with None as nobody."""
    visitor.client.cookies.clear()
    if user is not None:
        token = new_secret()
        await transact(
            resources.db,
            account_service.open_session,
            user_id=user.id,
            token=token,
            checked_hash="",
            device=Device(),
            now=resources.clock.now(),
            kind="web",
        )
        visitor.client.cookies.set("session", token)
    return visitor


async def open_page(visitor: Visitor, path: str, *, status: int = 200) -> str:
    """Open a page that has to be sound; gives what it says."""
    await visitor.go(path)
    assert visitor.page.status_code == status, f"{path}: {visitor.text[:2000]}"
    assert_sound(visitor.text)
    return visitor.text


def assert_sound(html: str) -> None:
    """One heading, one main part, no id twice, a token in every form that writes, labels that
    lead somewhere, nothing that runs inline."""
    page = Page(html)
    assert len(page.all("h1")) == 1
    assert len(page.all("main")) == 1
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids)), sorted(str(one) for one in ids)
    writing = re.findall(r"<form[^>]*method=\"post\"[^>]*>.*?</form>", html, re.DOTALL)
    assert all('name="csrf_token"' in form for form in writing)
    for _, attributes in page.tags:
        for reference in (attributes.get("aria-describedby") or "").split():
            assert reference in ids
    labelled = {label.get("for") for label in page.all("label")}
    fields = [*page.all("input"), *page.all("select"), *page.all("textarea")]
    kinds = {"hidden", "radio", "checkbox"}
    for field in fields:
        assert field.get("type") in kinds or field.get("id") in labelled, field
    assert HANDLER.search(html) is None
    assert "<style" not in html


async def statuses(visitor: Visitor, paths: list[str]) -> set[int]:
    """How pages answer somebody who has no business there."""
    found = set()
    for path in paths:
        answer = await visitor.client.get(path, headers=HTML)
        found.add(answer.status_code)
    return found


async def leads_to_sign_in(visitor: Visitor, paths: list[str]) -> bool:
    """Whether all of them ask a stranger to sign in first."""
    visitor.client.cookies.clear()
    answers = [await visitor.client.get(path, headers=HTML) for path in paths]
    return all(
        one.status_code == 303 and one.headers["location"].startswith("/sign-in?next=")
        for one in answers
    )


async def post_without_token(visitor: Visitor, path: str) -> httpx2.Response:
    """A form that no page of ours sent."""
    return await visitor.client.post(path, data={"a": "b"}, headers=HTML)
