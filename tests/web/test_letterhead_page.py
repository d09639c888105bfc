"""The page on which a shop says what stands on its papers."""

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.resources import Resources
from gosellr.utils.permissions import MemberRole
from tests.factories.accounts import add_member
from tests.factories.letterheads import say_letterhead
from tests.factories.sales import Shop, make_shop
from tests.web.people import assert_sound, enter, open_page
from tests.web.visitor import Visitor

WRITTEN = {
    "line1": "Lindenallee 4", "postal_code": "10115", "city": "Berlin",
    "tax_id": "de 123 456 789", "registration_number": "HRB 12345",
    "email": "Papers@Lampo.Example",
}  # fmt: skip
HINT = "Your papers bear no address yet"


@pytest.fixture
def visitor(client: httpx2.AsyncClient) -> Visitor:
    return Visitor(client)


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    return await make_shop(connection, price_minor=5_000)


@pytest.fixture
def path(shop: Shop) -> str:
    return f"/seller/{shop.seller.id}/letterhead"


async def test_what_was_typed_stays_and_every_problem_stands_at_its_box(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop, path: str
) -> None:
    await enter(visitor, resources, shop.seller.owner)
    text = await open_page(visitor, path)
    assert f'href="{path}" aria-current="page"' in text
    assert HINT in text
    odd = {**WRITTEN, "city": " ", "email": "nobody"}
    await visitor.send(path, changes=odd)
    assert visitor.page.status_code == 422
    assert_sound(visitor.text)
    said = set(visitor.text.split('"'))
    assert {"city-error", "email-error"} <= said
    assert "line1-error" not in said
    assert visitor.form(path).values["email"] == "nobody"
    # What the form can't tell by itself stands at the same boxes.
    await visitor.send(path, changes={**WRITTEN, "tax_id": "DE12", "registration_number": "none"})
    assert visitor.page.status_code == 422
    said = set(visitor.text.split('"'))
    assert {"tax_id-error", "registration_number-error"} <= said
    assert {"#tax_id", "#registration_number"} <= said
    assert "Numbers of DE look different" in visitor.text
    values = visitor.form(path).values
    assert (values["tax_id"], values["line1"]) == ("DE12", "Lindenallee 4")
    # A card's number isn't even shown again.
    await visitor.send(path, changes={**WRITTEN, "line2": "4111 1111 1111 1111"})
    assert visitor.page.status_code == 422
    assert "line2-error" in visitor.text
    assert "4111" not in visitor.text
    assert await connection.fetchval("SELECT count(*) FROM seller_letterhead") == 0
    await visitor.send(path, changes={**WRITTEN, "line2": ""})
    assert "from now on" in visitor.text
    assert HINT not in visitor.text
    assert_sound(visitor.text)
    for shown in ("Lindenallee 4, 10115 Berlin, Germany", "DE123456789", "HRB 12345",
                  "Papers@lampo.example", "VAT number"):  # fmt: skip
        assert shown in visitor.text
    assert visitor.form(path).values["tax_id"] == "DE123456789"


async def test_the_same_form_twice_is_one_change_and_another_s_is_told_first(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop, path: str
) -> None:
    await enter(visitor, resources, shop.seller.owner)
    await open_page(visitor, path)
    empty = visitor.page
    for _ in range(2):
        visitor.page = empty
        await visitor.send(path, changes=WRITTEN)
        assert "from now on" in visitor.text
    assert await connection.fetchval("SELECT version FROM seller_letterhead") == 1
    visitor.page = empty
    await visitor.send(path, changes={**WRITTEN, "city": "Potsdam"})
    assert visitor.page.status_code == 409
    assert "Somebody else changed it" in visitor.text
    values = visitor.form(path).values
    assert (values["city"], values["version"]) == ("Potsdam", "1")
    await visitor.send(path)
    assert "10115 Potsdam" in visitor.text
    assert await connection.fetchval("SELECT version FROM seller_letterhead") == 2


async def test_managers_write_it_and_the_others_read_it(
    visitor: Visitor,
    resources: Resources,
    connection: Connection,
    clock: ManualClock,
    shop: Shop,
    path: str,
) -> None:
    await say_letterhead(resources, shop)
    for role, writes in ((MemberRole.MANAGER, True), (MemberRole.FULFILMENT, False),
                         (MemberRole.FINANCE, False), (MemberRole.VIEWER, False)):  # fmt: skip
        member = await add_member(connection, now=clock.now(), seller=shop.seller, role=role)
        await enter(visitor, resources, member)
        text = await open_page(visitor, path)
        assert "Lindenallee 4, Hof 2, 10115 Berlin, Germany" in text
        assert (f'action="{path}"' in text) is writes
    await enter(visitor, resources, (await make_shop(connection)).seller.owner)
    assert await open_page(visitor, path, status=404)


async def test_a_shop_is_told_that_its_papers_bear_no_address(
    visitor: Visitor,
    resources: Resources,
    connection: Connection,
    clock: ManualClock,
    shop: Shop,
    path: str,
) -> None:
    finance = await add_member(
        connection, now=clock.now(), seller=shop.seller, role=MemberRole.FINANCE
    )
    pages = [f"/seller/{shop.seller.id}/{name}" for name in ("money", "papers")]
    for where in pages:
        await enter(visitor, resources, shop.seller.owner)
        text = await open_page(visitor, where)
        assert HINT in text
        assert text.count(f'href="{path}"') == 2
        # Whoever may not say it isn't asked to.
        await enter(visitor, resources, finance)
        assert HINT not in await open_page(visitor, where)
    await say_letterhead(resources, shop)
    await enter(visitor, resources, shop.seller.owner)
    for where in pages:
        assert HINT not in await open_page(visitor, where)
