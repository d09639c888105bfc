"""Filters of lists: what there isn't is said, and one filter keeps the others."""

import httpx2
import pytest

from gosellr.core.db import Connection
from gosellr.resources import Resources
from tests.factories.accounts import make_operator
from tests.factories.payouts import earn
from tests.factories.sales import NOW, Shop, buy, make_commission, make_shop
from tests.web.people import enter, open_page
from tests.web.visitor import Visitor

SAID = "There is no such list. This is the one that comes first."


@pytest.fixture
def visitor(client: httpx2.AsyncClient) -> Visitor:
    return Visitor(client)


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    await make_commission(connection)
    return await make_shop(connection, price_minor=5000)


@pytest.mark.parametrize(
    ("page", "name"),
    [
        ("adjustments", "status"),
        ("bank-files", "status"),
        ("cases", "view"),
        ("letters", "status"),
        ("letters", "kind"),
        ("orders", "status"),
        ("payouts", "status"),
        ("proposals", "status"),
        ("reconciliation", "status"),
        ("transfers", "view"),
    ],
)
async def test_a_list_that_the_market_doesn_t_have_is_said(
    visitor: Visitor, resources: Resources, connection: Connection, page: str, name: str
) -> None:
    await enter(visitor, resources, await make_operator(connection, now=NOW))
    first = await open_page(visitor, f"/operator/{page}")
    assert SAID not in first
    text = await open_page(visitor, f"/operator/{page}?{name}=bogus", status=422)
    assert SAID in text
    assert text.count('aria-current="page"') == first.count('aria-current="page"')


@pytest.mark.parametrize(
    ("page", "name"),
    [("cases", "view"), ("orders", "status"), ("papers", "kind"), ("payouts", "status")],
)
async def test_a_list_that_a_shop_doesn_t_have_is_said(
    visitor: Visitor, resources: Resources, shop: Shop, page: str, name: str
) -> None:
    await enter(visitor, resources, shop.seller.owner)
    path = f"/seller/{shop.seller.id}/{page}"
    assert SAID not in await open_page(visitor, path)
    assert SAID in await open_page(visitor, f"{path}?{name}=bogus", status=422)


async def test_a_run_of_a_currency_that_there_isn_t_is_none_of_all_of_them(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop
) -> None:
    await earn(resources, shop)
    await enter(visitor, resources, await make_operator(connection, now=NOW))
    page = "/operator/payouts/run/preview"
    assert "€44.00" in await open_page(visitor, f"{page}?currency=EUR")
    for code in ("ZZZ", "eur"):
        await visitor.go(f"{page}?currency={code}")
        assert visitor.page.status_code == 422
        assert "€44.00" not in visitor.text


async def test_a_list_keeps_what_was_searched_for(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop
) -> None:
    await buy(resources, (shop, 1))
    for user, path in (
        (shop.seller.owner, f"/seller/{shop.seller.id}/orders"),
        (await make_operator(connection, now=NOW), "/operator/orders"),
    ):
        await enter(visitor, resources, user)
        text = await open_page(visitor, f"{path}?q=GS-1&status=paid")
        assert f'href="{path}?q=GS-1&amp;status=shipped"' in text
        assert f'href="{path}?q=GS-1"' in text


async def test_letters_of_a_kind_are_still_of_that_kind_in_another_state(
    visitor: Visitor, resources: Resources, connection: Connection
) -> None:
    await enter(visitor, resources, await make_operator(connection, now=NOW))
    text = await open_page(visitor, "/operator/letters?kind=welcome")
    assert 'href="/operator/letters?kind=welcome&amp;status=dead"' in text


@pytest.mark.parametrize("page", ["/search?q=lamp&sort=newest", "/operator/orders?status=paid"])
async def test_light_or_dark_stays_where_it_was_chosen(
    visitor: Visitor, resources: Resources, connection: Connection, page: str
) -> None:
    await enter(visitor, resources, await make_operator(connection, now=NOW))
    await open_page(visitor, page)
    await visitor.send("/theme", theme="dark")
    assert visitor.page.request.url.raw_path.decode() == page
    assert 'data-theme="dark"' in visitor.text


async def test_whoever_signs_in_comes_back_to_what_they_searched_for(visitor: Visitor) -> None:
    text = await open_page(visitor, "/search?q=lamp&sort=newest")
    assert 'href="/sign-in?next=/search%3Fq%3Dlamp%26sort%3Dnewest"' in text
