"""How far a chargeback has gone is told in the list, with the case, and by what explains it."""

import httpx2

from gosellr.core.db import Connection
from gosellr.resources import Resources
from tests.factories.accounts import bearer, make_operator
from tests.factories.disputes import cases_of, delivered, take_back
from tests.factories.sales import make_buyer, make_shop

V1 = "/api/v1"


async def test_its_stage_is_told_to_operators_and_the_shop(
    client: httpx2.AsyncClient, connection: Connection, resources: Resources
) -> None:
    shop = await make_shop(connection, price_minor=10_000)
    buyer = await make_buyer(connection)
    order = await delivered(resources, (shop, 1), buyer=buyer)
    await take_back(resources, order)
    [case] = await cases_of(resources, order)
    operator = await make_operator(connection, now=resources.clock.now())
    headers = await bearer(resources, operator)

    async def told() -> tuple[str | None, ...]:
        listed = await client.get(f"{V1}/disputes?kind=chargeback", headers=headers)
        one = await client.get(f"{V1}/disputes/{case.dispute.id}", headers=headers)
        [row] = listed.json()["items"]
        return row["stage"], one.json()["stage"], one.json()["chargeback"]["stage"]

    assert await told() == ("chargeback",) * 3
    await connection.execute("UPDATE chargeback SET stage = 'pre_arbitration'")
    assert await told() == ("pre_arbitration",) * 3
    # Of what was opened before stages were kept, none is known.
    await connection.execute("UPDATE chargeback SET stage = NULL")
    assert await told() == (None,) * 3
