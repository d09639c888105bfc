"""The operator's pages of commission, and of what takes two people."""

import httpx2
import pytest

from gosellr.core.db import Connection
from gosellr.core.transact import transact
from gosellr.resources import Resources
from gosellr.services import category_service
from tests.factories.accounts import User, make_operator, make_support
from tests.factories.catalogue import make_category
from tests.factories.sales import NOW, Shop, make_shop
from tests.web.people import assert_sound, enter, leads_to_sign_in, open_page, statuses
from tests.web.visitor import HTML, Visitor

RULES, PROPOSALS = "/operator/commission-rules", "/operator/proposals"


@pytest.fixture
def visitor(client: httpx2.AsyncClient) -> Visitor:
    return Visitor(client)


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    return await make_shop(connection, price_minor=5000)


@pytest.fixture
async def operators(connection: Connection) -> tuple[User, User]:
    return await make_operator(connection, now=NOW), await make_operator(connection, now=NOW)


async def rates(connection: Connection) -> list[tuple[int, int, str]]:
    rows = await connection.fetch(
        "SELECT position, rate_bps, name FROM commission_rule WHERE archived_at IS NULL"
        " ORDER BY position"
    )
    return [tuple(row) for row in rows]


async def test_one_person_sets_commission_where_the_market_lets_them(
    visitor: Visitor,
    resources: Resources,
    connection: Connection,
    shop: Shop,
    operators: tuple[User, User],
) -> None:
    await enter(visitor, resources, operators[0])
    assert "takes nothing of any sale" in await open_page(visitor, RULES)
    await visitor.send(
        RULES, name="Spring", rate="a lot", seller_id="x", cap="5", currency="EUR", starts_on="soon"
    )
    assert visitor.page.status_code == 422
    assert_sound(visitor.text)
    assert 'value="Spring"' in visitor.text
    assert {"rate-error", "seller_id-error", "starts_on-error"} <= set(visitor.text.split('"'))
    await visitor.send(
        RULES, rate="7.5", seller_id=str(shop.seller.id), starts_on="2026-01-01", vat="20"
    )
    assert "The rule stands, for sales to come" in visitor.text
    assert {"Spring", shop.seller.name} <= {
        word.strip() for word in visitor.text.replace("<", ">").split(">")
    }
    assert await rates(connection) == [(1, 750, "Spring")]
    kept = await connection.fetchrow("SELECT cap_minor, currency, vat_bps FROM commission_rule")
    assert tuple(kept) == (500, "EUR", 2000)
    rule_id = await connection.fetchval("SELECT id FROM commission_rule")
    path = f"{RULES}/{rule_id}"
    text = await open_page(visitor, path)
    for value in ("7.50", "5.00", "2026-01-01"):
        assert f'value="{value}"' in text
    await visitor.send(path)
    assert visitor.page.status_code == 422
    assert "Nothing is different" in visitor.text
    form = visitor.form(path)
    await visitor.send(path, rate="8", name="Spring and summer")
    assert await rates(connection) == [(1, 800, "Spring and summer")]
    stale = {**form.values, "rate": "9", "seller_id": str(shop.seller.id)}
    answer = await visitor.client.post(path, data=stale, headers=HTML)
    assert answer.status_code == 409
    assert await rates(connection) == [(1, 800, "Spring and summer")]
    await open_page(visitor, RULES)
    await visitor.send(f"{path}/end")
    assert "out of force" in visitor.text
    assert await rates(connection) == []


async def test_another_s_change_is_told_before_it_is_overwritten(
    visitor: Visitor, resources: Resources, connection: Connection, operators: tuple[User, User]
) -> None:
    await enter(visitor, resources, operators[0])
    await open_page(visitor, RULES)
    await visitor.send(RULES, rate="10", name="Base")
    path = f"{RULES}/{await connection.fetchval('SELECT id FROM commission_rule')}"
    await open_page(visitor, path)
    shown = visitor.page
    await visitor.send(path, rate="15")
    visitor.page = shown
    await visitor.send(path, name="Base rule", cap="a lot")
    assert visitor.page.status_code == 422
    assert visitor.form(path).values["version"] == "1"
    await visitor.send(path, cap="")
    assert visitor.page.status_code == 409
    assert "Somebody else changed this first" in visitor.text
    now = visitor.form(path).values
    assert (now["version"], now["rate"], now["name"]) == ("2", "15", "Base")
    assert await rates(connection) == [(1, 1500, "Base")]


async def test_two_people_set_commission_where_the_market_asks_for_it(
    visitor: Visitor,
    resources: Resources,
    connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
    operators: tuple[User, User],
) -> None:
    monkeypatch.setitem(resources.settings.__dict__, "commission_approval", True)
    first, second = operators
    await enter(visitor, resources, first)
    assert "when somebody else approves it" in await open_page(visitor, RULES)
    await visitor.send(RULES, name="Spring", rate="7.5", reason="as agreed")
    assert "Nothing changes before a second person agrees" in visitor.text
    assert "You proposed it" in visitor.text
    page = visitor.path
    assert f'action="{page}/approve"' not in visitor.text
    assert await rates(connection) == []
    token = visitor.form("/theme").values["csrf_token"]
    own = await visitor.client.post(f"{page}/approve", data={"csrf_token": token}, headers=HTML)
    assert own.status_code == 403
    assert "Somebody else has to decide" in own.text
    assert await rates(connection) == []
    assert page in await open_page(visitor, RULES)
    await enter(visitor, resources, second)
    assert f'href="{PROPOSALS}"' in await open_page(visitor, "/operator")
    assert page in await open_page(visitor, PROPOSALS)
    text = await open_page(visitor, page)
    assert "as agreed" in text
    assert "7.50 %" in text
    await visitor.send(f"{page}/approve")
    assert "It is approved, and done" in visitor.text
    assert await rates(connection) == [(1, 750, "Spring")]
    path = f"{RULES}/{await connection.fetchval('SELECT id FROM commission_rule')}"
    await open_page(visitor, path)
    await visitor.send(path, rate="1")
    change = visitor.path
    assert "A change waits" in await open_page(visitor, RULES)
    assert f'action="{path}/end"' not in visitor.text
    await enter(visitor, resources, first)
    text = await open_page(visitor, change)
    assert text.index("7.50 %") < text.index(">1 %<")
    await visitor.send(f"{change}/reject", reason="")
    assert visitor.page.status_code == 422
    await visitor.send(f"{change}/reject", reason="too low")
    assert "It is turned down" in visitor.text
    assert "too low" in visitor.text
    assert await rates(connection) == [(1, 750, "Spring")]


@pytest.mark.parametrize("day", ["0001-01-01", "1999-12-31", "2200-01-01", "9999-12-31"])
async def test_a_rule_begins_on_no_day_that_a_market_never_has(
    visitor: Visitor,
    resources: Resources,
    connection: Connection,
    operators: tuple[User, User],
    day: str,
) -> None:
    await enter(visitor, resources, operators[0])
    await open_page(visitor, RULES)
    await visitor.send(RULES, rate="5", starts_on=day)
    assert visitor.page.status_code == 422
    assert 'id="starts_on-error"' in visitor.text
    assert await rates(connection) == []
    await visitor.send(RULES, starts_on="2199-12-31")
    assert "From 31 Dec 2199" in await open_page(visitor, RULES)


async def test_support_reads_commission_and_strangers_nothing(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop
) -> None:
    await enter(visitor, resources, await make_support(connection, now=NOW))
    text = await open_page(visitor, RULES)
    assert "Add a rule" not in text
    assert PROPOSALS not in text
    assert await statuses(visitor, [PROPOSALS]) == {403}
    await enter(visitor, resources, shop.seller.owner)
    assert await statuses(visitor, [RULES, PROPOSALS]) == {403}
    assert await leads_to_sign_in(visitor, [RULES, PROPOSALS])


async def test_a_rule_of_a_category_that_is_gone_stays_a_rule_of_that_category(
    visitor: Visitor, resources: Resources, connection: Connection, operators: tuple[User, User]
) -> None:
    category_id = await make_category(connection, name="Lamps")
    await enter(visitor, resources, operators[0])
    await open_page(visitor, RULES)
    await visitor.send(RULES, rate="5", category_id=str(category_id))
    await transact(resources.db, category_service.delete_category, category_id=category_id, now=NOW)
    path = f"{RULES}/{await connection.fetchval('SELECT id FROM commission_rule')}"
    await open_page(visitor, path)
    assert visitor.form(path).values["category_id"] == str(category_id)
    await visitor.send(path, rate="6")
    assert visitor.page.status_code == 200, visitor.text
    kept = await connection.fetchrow("SELECT rate_bps, category_id FROM commission_rule")
    assert tuple(kept) == (600, category_id)
