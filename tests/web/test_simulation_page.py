"""The operator's page of the commission simulator: exact cents, what was typed, nothing changed."""

from datetime import date, timedelta

import httpx2
import pytest

from gosellr.core.db import Connection
from gosellr.resources import Resources
from tests.factories.accounts import make_operator, make_support
from tests.factories.sales import NOW, Shop, buy, make_commission, make_shop, refund
from tests.web.people import assert_sound, enter, leads_to_sign_in, open_page, statuses
from tests.web.visitor import Visitor

RULES = "/operator/commission-rules"
PAGE = f"{RULES}/simulate"


@pytest.fixture
async def visitor(
    client: httpx2.AsyncClient, resources: Resources, connection: Connection
) -> Visitor:
    return await enter(Visitor(client), resources, await make_operator(connection, now=NOW))


@pytest.fixture
async def shops(connection: Connection, resources: Resources) -> list[Shop]:
    """Ten percent of all: 3 lamps of 100.00, of which one is given back, and 2 chairs of 25.00."""
    await make_commission(connection)
    lamps = await make_shop(connection, price_minor=10_000)
    chairs = await make_shop(connection, price_minor=2_500)
    order = await buy(resources, (lamps, 3), (chairs, 2))
    await refund(resources, order, lamps, units=1)
    return [lamps, chairs]


def days(resources: Resources) -> dict[str, str]:
    today: date = resources.clock.now().date()
    return {"from": today.isoformat(), "to": (today + timedelta(days=1)).isoformat()}


async def books(connection: Connection) -> tuple[object, ...]:
    """What a question must leave alone."""
    row = await connection.fetchrow(
        "SELECT (SELECT count(*) FROM ledger_entry), (SELECT sum(version) FROM commission_rule),"
        " (SELECT sum(rate_bps) FROM commission_rule), (SELECT count(*) FROM proposal),"
        " (SELECT count(*) FROM outbox_event)"
    )
    assert row is not None
    return tuple(row)


def told(visitor: Visitor) -> list[str]:
    """The amounts of the answer's table, in their order."""
    table = visitor.text.split('id="answer"')[1].split("</table>")[0]
    cells = [part.split("</td>")[0] for part in table.split('<td class="num')[1:]]
    words = [cell.split(">", 1)[1] for cell in cells]
    return [
        word.replace('<span class="price">', "").replace("</span>", "")
        .replace('<strong class="price">', "").replace("</strong>", "").strip()
        for word in words
    ]  # fmt: skip


async def test_another_rate_is_told_per_seller_to_the_cent(
    visitor: Visitor, resources: Resources, connection: Connection, shops: list[Shop]
) -> None:
    before = await books(connection)
    assert f'href="{PAGE}"' in await open_page(visitor, RULES)
    await open_page(visitor, PAGE)
    rate = f"rate-{await connection.fetchval('SELECT id FROM commission_rule')}"
    values = visitor.form(PAGE).values
    last = resources.clock.now().date().replace(day=1)
    assert values["to"] == last.isoformat()
    assert values["from"] == (last - timedelta(days=1)).replace(day=1).isoformat()
    assert values[rate] == "10"
    await visitor.send(PAGE, changes={**days(resources), rate: "12.5"})
    assert visitor.page.status_code == 200
    assert_sound(visitor.text)
    # Lamps: 10 % of 200.00 that stayed; chairs: of 50.00.
    assert told(visitor) == [
        "€20.00", "€25.00", "+€5.00",
        "€5.00", "€6.25", "+€1.25",
        "€25.00", "€31.25", "+€6.25",
    ]  # fmt: skip
    for shop in shops:
        assert shop.seller.name in visitor.text
    assert visitor.form(PAGE).values[rate] == "12.5"
    await visitor.send(PAGE, refunds="none")
    assert told(visitor)[:3] == ["€20.00", "€37.50", "+€17.50"]
    await visitor.send(PAGE, changes={rate.replace("rate", "drop"): "1", "refunds": ""})
    assert told(visitor)[-3:] == ["€25.00", "€0.00", "−€25.00"]
    assert await books(connection) == before


async def test_a_rule_is_tried_in_all_its_terms(
    visitor: Visitor, resources: Resources, connection: Connection, shops: list[Shop]
) -> None:
    before = await books(connection)
    rule_id = str(await connection.fetchval("SELECT id FROM commission_rule"))
    await open_page(visitor, PAGE)
    await visitor.send(PAGE, changes={**days(resources), f"rate-{rule_id}": "11", "open": "new"})
    assert visitor.page.status_code == 200
    assert_sound(visitor.text)
    assert 'id="answer"' not in visitor.text
    values = visitor.form(PAGE).values
    assert (values["rule"], values[f"rate-{rule_id}"]) == ("new", "11")
    # A rule of its own for the lamps, asked first: 20 %, 3.00 of each line.
    lamps = {"seller_id": shops[0].seller.name, "position": "1", "fixed": "much", "rate": "20"}
    await visitor.send(PAGE, changes=lamps)
    assert visitor.page.status_code == 422
    assert_sound(visitor.text)
    assert 'id="fixed-error"' in visitor.text
    assert visitor.form(PAGE).values["seller_id"] == shops[0].seller.name
    await visitor.send(PAGE, fixed="3")
    assert visitor.page.status_code == 200
    # 60.00 and 3.00, of which a third went back with the lamp; chairs 11 %.
    assert told(visitor)[:6] == ["€20.00", "€42.00", "+€22.00", "€5.00", "€5.50", "+€0.50"]
    await visitor.send(PAGE, changes={"open": rule_id})
    values = visitor.form(PAGE).values
    assert (values["rule"], values["rate"], values["position"]) == (rule_id, "11", "1")
    await visitor.send(PAGE, minimum="7", cap="25")
    assert told(visitor)[:6] == ["€20.00", "€16.67", "−€3.33", "€5.00", "€7.00", "+€2.00"]
    await visitor.send(PAGE, changes={"open": ""})
    values = visitor.form(PAGE).values
    assert (values["rule"], values[f"rate-{rule_id}"]) == ("", "10")
    assert await books(connection) == before


async def test_what_is_wrong_is_said_at_its_field(
    visitor: Visitor, resources: Resources, connection: Connection, shops: list[Shop]
) -> None:
    assert len(shops) == 2
    rate = f"rate-{await connection.fetchval('SELECT id FROM commission_rule')}"
    await open_page(visitor, PAGE)
    await visitor.send(PAGE, changes={"from": "soon", "to": "", "refunds": "most", rate: "a lot"})
    assert visitor.page.status_code == 422
    assert_sound(visitor.text)
    assert {"from-error", "to-error", "refunds-error", f"{rate}-error"} <= set(
        visitor.text.split('"')
    )
    assert visitor.form(PAGE).values[rate] == "a lot"
    turned = {"from": days(resources)["to"], "to": days(resources)["from"]}
    await visitor.send(PAGE, changes={**turned, "refunds": "", rate: "5"})
    assert visitor.page.status_code == 422
    assert "It has to end after it begins" in visitor.text
    await visitor.send(PAGE, changes={"from": "2020-01-01", "to": "2020-02-01"})
    assert "Nothing was sold in that time" in visitor.text


async def test_only_who_runs_the_market_tries_rules_out(
    visitor: Visitor, resources: Resources, connection: Connection, shops: list[Shop]
) -> None:
    await enter(visitor, resources, await make_support(connection, now=NOW))
    assert PAGE not in await open_page(visitor, RULES)
    assert await statuses(visitor, [PAGE]) == {403}
    await enter(visitor, resources, shops[0].seller.owner)
    assert await statuses(visitor, [PAGE]) == {403}
    assert await leads_to_sign_in(visitor, [PAGE])
