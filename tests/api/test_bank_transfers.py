"""Bank transfers through their doors: shown to the buyer, taken by operators alone."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from gosellr.core.db import Connection
from gosellr.resources import Resources
from tests.factories.accounts import bearer, make_operator
from tests.factories.orders import ADDRESS
from tests.factories.payouts import wrong_with
from tests.factories.sales import Shop, make_buyer, make_shop
from tests.factories.transfers import IBAN, PAYER_IBAN, doors, offline

V1 = "/api/v1"


@pytest.fixture
def market(resources: Resources) -> Resources:
    return offline(resources)


@pytest.fixture
async def web(market: Resources) -> AsyncIterator[httpx2.AsyncClient]:
    """The application of a market that takes transfers."""
    async with doors(market) as caller:
        yield caller


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    return await make_shop(connection)


async def order_of(web: httpx2.AsyncClient, shop: Shop, headers: dict[str, str]) -> Any:
    answer = await web.post(
        f"{V1}/orders/create",
        headers={**headers, "Idempotency-Key": "one"},
        json={
            "items": [{"variant_id": str(shop.product.variant_id), "quantity": 1}],
            "email": "ada@example.com",
            "shipping_address": ADDRESS,
            "payment_method": "bank_transfer",
        },
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_from_the_order_to_the_money_back(
    web: httpx2.AsyncClient, market: Resources, connection: Connection, shop: Shop
) -> None:
    buyer = await bearer(market, await make_buyer(connection))
    desk = await bearer(market, await make_operator(connection, now=market.clock.now()))
    order = await order_of(web, shop, buyer)
    action = order["next_action"]
    transfer = action["bank_transfer"]
    reference = transfer.pop("reference")
    assert action["url"].startswith(f"payto://iban/COBADEFF/{IBAN}?")
    assert transfer == {
        "iban": IBAN,
        "bic": "COBADEFF",
        "holder": "Market Halls Ltd",
        "amount": {"amount": 5000, "currency": "EUR"},
        "pay_by": order["expires_at"],
    }

    statement = (
        "transaction_id,amount,currency,value_date,text,payer_name\n"
        f"B1,20.00,EUR,2026-03-03,{reference},Ada\n"
        f"B2,30.00,EUR,2026-03-04,order {reference},Ada\n"
        "B3,-7.00,EUR,2026-03-04,rent,\n"
    )
    for known in (0, 2):
        taken = await web.post(
            f"{V1}/bank-transfers/statements", headers=desk, files={"file": statement.encode()}
        )
        assert taken.status_code == 201, taken.text
        told = taken.json()
        assert (told["known"], told["skipped"]) == (known, 1)
        assert told["outcomes"] == {"part": 1, "paid": 1}
    paid = (await web.get(f"{V1}/orders/{order['id']}", headers=buyer)).json()
    assert (paid["status"], paid["next_action"]) == ("paid", None)
    inbox = await web.get(
        f"{V1}/reconciliation/movements?gateway=bank_transfer&suspended=true", headers=desk
    )
    assert inbox.json()["items"] == []

    cancelled = await web.post(
        f"{V1}/orders/{order['id']}/cancel", headers=buyer, json={"reason": "too late"}
    )
    assert cancelled.status_code == 200, cancelled.text
    named = await web.put(
        f"{V1}/orders/{order['id']}/refund-account",
        headers=buyer,
        json={"iban": PAYER_IBAN, "holder": "Ada Lovelace"},
    )
    assert named.json() == {"last_four": PAYER_IBAN[-4:]}
    [waiting] = (await web.get(f"{V1}/bank-transfers/refunds", headers=desk)).json()["items"]
    assert waiting["account"] == {"iban": PAYER_IBAN, "holder": "Ada Lovelace"}
    assert waiting["amount"] == {"amount": 5000, "currency": "EUR"}
    sent = await web.post(
        f"{V1}/bank-transfers/refunds/{waiting['id']}/sent",
        headers=desk,
        json={"transaction_id": "OUT-1", "sent_on": "2026-03-05"},
    )
    assert (sent.status_code, sent.json()["status"]) == (200, "succeeded")
    back = (await web.get(f"{V1}/orders/{order['id']}", headers=buyer)).json()
    assert (back["status"], back["payment_status"]) == ("cancelled", "refunded")
    assert PAYER_IBAN not in str(await connection.fetch("SELECT * FROM refund_account"))
    assert await wrong_with(connection, market) == []


async def test_what_cant_be_is_refused_and_changes_nothing(
    web: httpx2.AsyncClient, market: Resources, connection: Connection, shop: Shop
) -> None:
    buyer = await bearer(market, await make_buyer(connection))
    desk = await bearer(market, await make_operator(connection, now=market.clock.now()))
    order = await order_of(web, shop, buyer)
    reference = order["next_action"]["bank_transfer"]["reference"]
    receipt = {
        "reference": reference,
        "amount": {"amount": 5000, "currency": "EUR"},
        "value_date": "2026-03-03",
        "transaction_id": "IN-1",
    }
    path = f"{V1}/bank-transfers/receipts"
    assert (await web.post(path, headers=buyer, json=receipt)).status_code == 403
    for wrong in (
        {"reference": f"{reference[:-1]}{'0' if reference[-1] != '0' else '1'}"},
        {"amount": {"amount": 0, "currency": "EUR"}},
        {"payer_iban": "DE00370400440532013000"},
        {"value_date": "yesterday"},
    ):
        refused = await web.post(path, headers=desk, json={**receipt, **wrong})
        assert refused.status_code == 422, wrong
    charge = {
        "gateway": "bank_transfer",
        "movements": [
            {
                "reference": "IN-1",
                "kind": "charge",
                "amount": {"amount": 5000, "currency": "EUR"},
                "occurred_at": "2026-03-02T09:00:00Z",
            }
        ],
    }
    elsewhere = await web.post(f"{V1}/reconciliation/imports", headers=desk, json=charge)
    assert elsewhere.json()["errors"][0]["code"] == "statement_needed"
    bomb = b'<!DOCTYPE x [<!ENTITY a "ha">]><Document/>'
    for content in (b"", bomb, b"\xff\xfe", b"transaction_id\nA\n"):
        refused = await web.post(
            f"{V1}/bank-transfers/statements", headers=desk, files={"file": content}
        )
        assert refused.status_code == 422, content
    assert await connection.fetchval("SELECT count(*) FROM provider_statement") == 0
    assert await connection.fetchval("SELECT count(*) FROM ledger_transaction") == 0
    refused = await web.put(
        f"{V1}/orders/{order['id']}/refund-account",
        headers=await bearer(market, await make_buyer(connection)),
        json={"iban": PAYER_IBAN, "holder": "Eve"},
    )
    assert refused.status_code == 404
