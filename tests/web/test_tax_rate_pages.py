"""The operator's pages of tax rates."""

from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.resources import Resources
from tests.factories.accounts import User, make_operator, make_support
from tests.factories.sales import NOW, make_shop
from tests.factories.terms import make_tax
from tests.web.people import assert_sound, enter, leads_to_sign_in, open_page, statuses
from tests.web.visitor import HTML, Visitor

RATES = "/operator/tax-rates"
Row = tuple[str, str | None, str, int, bool, str, datetime | None]


@pytest.fixture
def visitor(client: httpx2.AsyncClient) -> Visitor:
    return Visitor(client)


@pytest.fixture
async def operator(connection: Connection) -> User:
    return await make_operator(connection, now=NOW)


async def kept(connection: Connection) -> list[Row]:
    rows = await connection.fetch(
        "SELECT country, region, class, rate_bps, included, remitted_by, valid_to FROM tax_rate"
        " ORDER BY id"
    )
    return [tuple(row) for row in rows]


async def add(visitor: Visitor, **typed: str) -> None:
    """Fill the form that adds a rate, beside the one that chooses a country, and send it."""
    form = next(one for one in visitor.forms() if one.action == RATES and "key" in one.values)
    data = {**form.values, **typed}
    headers = {**HTML, "Origin": "http://market.test"}
    visitor.page = await visitor.client.post(
        RATES, data=data, headers=headers, follow_redirects=True
    )


async def test_a_rate_is_added_changed_and_ended(
    visitor: Visitor,
    resources: Resources,
    connection: Connection,
    clock: ManualClock,
    operator: User,
) -> None:
    await enter(visitor, resources, operator)
    text = await open_page(visitor, RATES)
    assert f'href="{RATES}"' in text
    assert "No tax is charged there" in text
    await add(
        visitor, country="US", region="us-ca", rate="much", ends_on="soon", **{"class": "Big"}
    )
    assert visitor.page.status_code == 422
    assert_sound(visitor.text)
    assert 'value="us-ca"' in visitor.text
    assert 'value="Big"' in visitor.text
    assert {"rate-error", "class-error", "ends_on-error"} <= set(visitor.text.split('"'))
    assert await kept(connection) == []
    await add(visitor, rate="7.25", included="no", ends_on="", remitted_by="marketplace",
        **{"class": "standard"},
    )  # fmt: skip
    assert "The rate stands, for sales to come" in visitor.text
    assert "United States, US-CA" in visitor.text
    assert "on top of the price, remitted by the marketplace" in visitor.text
    row: Row = ("US", "CA", "standard", 725, False, "marketplace", None)
    assert await kept(connection) == [row]
    path = f"{RATES}/{await connection.fetchval('SELECT id FROM tax_rate')}"
    text = await open_page(visitor, path)
    assert 'value="7.25"' in text
    await visitor.send(path)
    assert visitor.page.status_code == 422
    assert "Nothing is different" in visitor.text
    began = await connection.fetchval("SELECT valid_from FROM tax_rate")
    await visitor.send(path, rate="8", remitted_by="seller", ends_on="2027-01-01")
    ends = datetime(2027, 1, 1, tzinfo=UTC)
    assert await kept(connection) == [("US", "CA", "standard", 800, False, "seller", ends)]
    # The day stood as it was: the rate begins at its hour, and not at midnight.
    assert await connection.fetchval("SELECT valid_from FROM tax_rate") == began
    await open_page(visitor, RATES)
    clock.advance(timedelta(hours=1))
    await open_page(visitor, RATES)
    await visitor.send(f"{path}/end")
    assert "The rate has ended" in visitor.text
    assert (await kept(connection))[0][-1] == clock.now()
    assert f'action="{path}/end"' not in visitor.text


async def test_another_s_rate_and_an_end_before_the_beginning_are_refused_on_the_form(
    visitor: Visitor, resources: Resources, connection: Connection, operator: User
) -> None:
    await make_tax(connection, rate_bps=1900, country="DE")
    before = await kept(connection)
    await enter(visitor, resources, operator)
    await open_page(visitor, RATES)
    await add(visitor, country="DE", rate="16")
    assert visitor.page.status_code == 409
    assert_sound(visitor.text)
    assert 'value="16"' in visitor.text
    await add(visitor, country="AT", rate="20", starts_on="2027-01-01", ends_on="2026-12-01")
    assert visitor.page.status_code == 422
    assert "ends_on-error" in visitor.text
    assert await kept(connection) == before


async def test_another_s_change_is_told_before_it_is_overwritten(
    visitor: Visitor, resources: Resources, connection: Connection, operator: User
) -> None:
    early = NOW - timedelta(days=1)
    path = f"{RATES}/{await make_tax(connection, rate_bps=1900, valid_from=early)}"
    await enter(visitor, resources, operator)
    await open_page(visitor, RATES)
    listed = visitor.form(f"{path}/end").values
    await open_page(visitor, path)
    shown = visitor.page
    await visitor.send(path, rate="16")
    visitor.page = shown
    await visitor.send(path, rate="a lot")
    assert visitor.page.status_code == 422
    assert visitor.form(path).values["version"] == "1"
    await visitor.send(path, rate="21")
    assert visitor.page.status_code == 409
    assert "Somebody else changed this first" in visitor.text
    assert (visitor.form(path).values["version"], visitor.form(path).values["rate"]) == ("2", "16")
    answer = await visitor.client.post(f"{path}/end", data=listed, headers=HTML)
    assert answer.status_code == 409
    assert [one[3] for one in await kept(connection)] == [1600]
    assert [one[-1] for one in await kept(connection)] == [None]


async def test_the_rates_of_one_country_are_shown_alone(
    visitor: Visitor, resources: Resources, connection: Connection, operator: User
) -> None:
    await make_tax(connection, rate_bps=1900, country="DE")
    await make_tax(connection, rate_bps=2000, country="FR")
    await enter(visitor, resources, operator)
    both = await open_page(visitor, RATES)
    assert "19 %" in both
    assert "20 %" in both
    french = await open_page(visitor, f"{RATES}?country=FR")
    assert "20 %" in french
    assert "19 %" not in french
    assert "There is no such country" in await open_page(visitor, f"{RATES}?country=Atlantis")


async def test_support_reads_and_shops_do_not(
    visitor: Visitor, resources: Resources, connection: Connection
) -> None:
    path = f"{RATES}/{await make_tax(connection, rate_bps=1900)}"
    assert await leads_to_sign_in(visitor, [RATES, path])
    shop = await make_shop(connection)
    await enter(visitor, resources, shop.seller.owner)
    assert await statuses(visitor, [RATES, path]) == {403}
    await enter(visitor, resources, await make_support(connection, now=NOW))
    text = await open_page(visitor, RATES)
    assert 'method="post" action="/operator/tax-rates' not in text
