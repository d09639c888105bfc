"""What went back at a provider without us: listed while it waits, and dealt with by a person."""

import httpx2

from gosellr.core.db import Connection
from gosellr.core.transact import transact
from gosellr.resources import Resources
from gosellr.services import provider_refund_service
from gosellr.services.provider_refund_service import ToldRefund
from tests.factories.accounts import bearer, make_operator
from tests.factories.sales import balances, buy, make_shop

PATH = "/api/v1/reconciliation/provider-refunds"


async def test_it_waits_with_its_reason_until_a_person_has_dealt_with_it(
    client: httpx2.AsyncClient, connection: Connection, resources: Resources
) -> None:
    order = await buy(resources, (await make_shop(connection), 1))
    now = resources.clock.now()
    told = ToldRefund(
        payment_id=order.payments[0].id, gateway="sandbox", gateway_reference="R1",
        amount_minor=700, currency="EUR",
    )  # fmt: skip
    for _ in range(2):
        await transact(
            resources.db, provider_refund_service.wait, told=told, reason="It fits nothing", now=now
        )
    headers = await bearer(resources, await make_operator(connection, now=now))
    before = await balances(connection)
    [one] = (await client.get(PATH, headers=headers)).json()["items"]
    assert (one["gateway_reference"], one["status"], one["reason"]) == (
        "R1", "waiting", "It fits nothing",
    )  # fmt: skip
    assert one["amount"] == {"amount": 700, "currency": "EUR"}
    assert (one["order_id"], one["is_reversal"]) == (str(order.id), False)
    path = f"{PATH}/{one['id']}/resolve"
    for body in ({}, {"note": ""}, {"note": "done", "more": 1}):
        assert (await client.post(path, json=body, headers=headers)).status_code == 422
    done = await client.post(path, json={"note": "Paid back by hand"}, headers=headers)
    assert done.status_code == 200, done.text
    assert (done.json()["status"], done.json()["note"]) == ("resolved", "Paid back by hand")
    again = await client.post(path, json={"note": "Once more"}, headers=headers)
    assert (again.status_code, again.json()["code"]) == (409, "provider_refund_not_waiting")
    assert (await client.get(PATH, headers=headers)).json()["items"] == []
    assert await balances(connection) == before
