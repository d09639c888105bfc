"""Reconciliation through its doors: what providers tell is matched, explained, and never twice."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from gosellr.core.db import Connection
from gosellr.resources import Resources
from gosellr.services.basket_service import Tender
from gosellr.services.payment_captures import CaptureDeclined
from tests.factories.accounts import User, bearer, make_operator
from tests.factories.captures import at_shipment, two_shops
from tests.factories.payouts import earn, set_account
from tests.factories.sales import (
    Shop,
    balances,
    buy,
    make_commission,
    make_shop,
    read,
    refund,
    ship,
)

V1 = "/api/v1/reconciliation"
AT = "2026-03-02T09:00:00Z"


@dataclass(frozen=True, slots=True)
class Desk:
    """Where two operators work."""

    client: httpx2.AsyncClient
    resources: Resources
    first: User
    second: User

    async def call(
        self, method: str, path: str, *, by: User | None = None, **more: Any
    ) -> httpx2.Response:
        headers = await bearer(self.resources, by or self.first)
        return await self.client.request(method, f"{V1}{path}", headers=headers, **more)

    async def done(self, method: str, path: str, **more: Any) -> Any:
        answer = await self.call(method, path, **more)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    async def tell(self, *movements: dict[str, Any], gateway: str = "sandbox") -> Any:
        body = {"gateway": gateway, "movements": list(movements)}
        return await self.done("POST", "/imports", json=body)

    async def inbox(self, **query: Any) -> list[Any]:
        query = {"status": "unmatched"} | query
        found: list[Any] = (await self.done("GET", "/movements", params=query))["items"]
        return found


def movement(reference: str, amount: int, kind: str = "charge", **more: Any) -> dict[str, Any]:
    told = {"amount": amount, "currency": more.pop("currency", "EUR")}
    return {"reference": reference, "kind": kind, "amount": told, "occurred_at": AT, **more}


@pytest.fixture
async def desk(client: httpx2.AsyncClient, connection: Connection, resources: Resources) -> Desk:
    now = resources.clock.now()
    first, second = [await make_operator(connection, now=now) for _ in range(2)]
    return Desk(client, resources, first, second)


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    await make_commission(connection)
    return await make_shop(connection, price_minor=12_000)


async def charge_of(resources: Resources, shop: Shop) -> tuple[UUID, int]:
    """An order's charge: its id and the gateway's fee."""
    order = await read(resources, await buy(resources, (shop, 1)))
    return order.payments[0].id, order.payments[0].fee_minor


async def clearing(connection: Connection) -> int:
    return (await balances(connection)).get("gateway_clearing", 0)


async def test_what_the_gateway_lists_matches_what_was_booked(
    desk: Desk, resources: Resources, connection: Connection, shop: Shop
) -> None:
    order = await buy(resources, (shop, 2))
    await buy(resources, (shop, 1))
    await refund(resources, order, shop, units=1)
    [page] = (await desk.done("POST", "/pull", json={"gateway": "sandbox"}))["items"]
    assert (page["movements"], page["known"], page["matched"], page["waiting"]) == (3, 0, 3, 0)
    [standing] = (await desk.done("GET", ""))["items"]
    assert standing["provider_balance"] == standing["clearing"]
    assert standing["clearing"]["amount"] == await clearing(connection) > 0
    assert (standing["waiting_count"], standing["missing_count"]) == (0, 0)
    booked = await balances(connection)
    [again] = (await desk.done("POST", "/pull", json={"gateway": "sandbox"}))["items"]
    assert (again["movements"], again["known"], again["matched"], again["waiting"]) == (3, 3, 0, 0)
    assert await balances(connection) == booked


async def test_a_settlement_is_booked_once(
    desk: Desk, resources: Resources, connection: Connection, shop: Shop
) -> None:
    await buy(resources, (shop, 1))
    before = await clearing(connection)
    for known in (0, 1):
        told = await desk.tell(movement("po_1", -5_000, "settlement"))
        assert (told["known"], told["waiting"]) == (known, 0)
    held = await balances(connection)
    assert (held["bank"], held["gateway_clearing"]) == (5_000, before - 5_000)
    transactions = await connection.fetch(
        "SELECT cause_type, actor FROM ledger_transaction WHERE kind = 'settlement'"
    )
    assert [tuple(row) for row in transactions] == [("provider_movement", "gateway:sandbox")]


async def test_each_difference_is_named_and_measured(
    desk: Desk, resources: Resources, connection: Connection, shop: Shop
) -> None:
    charges = [await charge_of(resources, shop) for _ in range(4)]
    (more, fee), (dearer, _), (foreign, _), (twice, _) = charges
    before = await balances(connection)
    told = await desk.tell(
        movement("ch_more", 12_100, key=str(more), fee=fee),
        movement("ch_dearer", 12_000, key=str(dearer), fee=fee + 30),
        movement("ch_foreign", 12_000, key=str(foreign), fee=fee, currency="USD"),
        movement("ch_once", 12_000, key=str(twice), fee=fee),
        movement("ch_twice", 12_000, key=str(twice), fee=fee),
        movement("ch_nobody", 700),
        movement("fee_monthly", -250, "fee"),
        movement("odd", 0, "other", fee=15),
    )
    assert (told["matched"], told["waiting"]) == (1, 7)
    assert {
        one["reference"]: (one["mismatch"], one["unexplained"]["amount"])
        for one in await desk.inbox()
    } == {
        "ch_more": ("amount_differs", 100),
        "ch_dearer": ("fee_differs", -30),
        "ch_foreign": ("currency_differs", 12_000 - fee),
        "ch_twice": ("taken", 12_000 - fee),
        "ch_nobody": ("unknown", 700),
        "fee_monthly": ("unknown", -250),
        "odd": ("unknown", -15),
    }
    assert await balances(connection) == before


async def test_a_provider_that_names_only_its_own_charge_is_understood(
    desk: Desk, resources: Resources, connection: Connection, shop: Shop
) -> None:
    charge_id, fee = await charge_of(resources, shop)
    reference = await connection.fetchval(
        "SELECT gateway_reference FROM payment WHERE id = $1", charge_id
    )
    told = await desk.tell(
        movement("txn_1", 12_000, related=reference, fee=fee),
        movement("txn_2", 12_000, related=reference, fee=fee),
    )
    assert (told["matched"], told["waiting"]) == (1, 1)


async def test_what_was_told_cannot_be_told_otherwise(desk: Desk) -> None:
    await desk.tell(movement("txn_1", 500))
    body = {"gateway": "sandbox", "movements": [movement("new", 1), movement("txn_1", 501)]}
    answer = await desk.call("POST", "/imports", json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "movement_contradicted")
    assert answer.json()["reference"] == "txn_1"
    body = {"gateway": "sandbox", "movements": [movement("twin", 1), movement("twin", 1)]}
    assert (await desk.call("POST", "/imports", json=body)).status_code == 422
    body = {"gateway": "sandbox", "movements": [movement("new", 1), movement("idle", 0)]}
    refused = await desk.call("POST", "/imports", json=body)
    assert refused.status_code == 422
    assert [one["field"] for one in refused.json()["errors"]] == ["movements.1.amount.amount"]
    assert [one["reference"] for one in await desk.inbox()] == ["txn_1"]


@pytest.mark.parametrize(
    "at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999Z", "2200-01-01T00:00:00Z"]
)
async def test_a_movement_happened_when_a_market_may_exist(desk: Desk, at: str) -> None:
    body = {"gateway": "sandbox", "movements": [movement("T1", 100) | {"occurred_at": at}]}
    answer = await desk.call("POST", "/imports", json=body)
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert error["field"] == "movements.0.occurred_at"
    assert await desk.inbox() == []


async def test_a_refund_that_has_no_answer_yet_is_matched_when_it_has(
    desk: Desk, resources: Resources, connection: Connection, shop: Shop
) -> None:
    order = await buy(resources, (shop, 1))
    await refund(resources, order, shop, units=1)
    part_id = await connection.fetchval("SELECT id FROM refund_part")
    await connection.execute("UPDATE refund_part SET status = 'unknown'")
    await desk.tell(movement("re_1", -12_000, "refund", key=str(part_id)))
    assert [one["mismatch"] for one in await desk.inbox()] == ["not_confirmed"]
    await connection.execute("UPDATE refund_part SET status = 'succeeded'")
    told = await desk.tell(movement("po_1", -1, "settlement"))
    assert (told["matched"], told["waiting"]) == (2, 0)


async def test_a_fee_is_explained_and_clearing_agrees_again(
    desk: Desk, resources: Resources, connection: Connection, shop: Shop
) -> None:
    await buy(resources, (shop, 1))
    await desk.done("POST", "/pull", json={"gateway": "sandbox"})
    await desk.tell(movement("fee_monthly", -250, "fee"))
    [waiting] = await desk.inbox()
    before = await balances(connection)
    path = f"/movements/{waiting['id']}/resolve"
    for wrong in ("income",):
        answer = await desk.call("POST", path, json={"resolution": wrong, "note": "?"})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    done = await desk.done("POST", path, json={"resolution": "fee", "note": "the monthly fee"})
    assert (done["status"], done["resolution"]) == ("resolved", "fee")
    assert done["resolved_by"] == str(desk.first.id)
    answer = await desk.call("POST", path, json={"resolution": "fee", "note": "again"})
    assert (answer.status_code, answer.json()["code"]) == (409, "movement_not_open")
    held = await balances(connection)
    assert held["gateway_fee"] == before.get("gateway_fee", 0) + 250
    [standing] = (await desk.done("GET", ""))["items"]
    assert standing["provider_balance"] == standing["clearing"]


async def test_above_the_tolerance_a_second_person_agrees(
    desk: Desk, connection: Connection, resources: Resources
) -> None:
    resources.settings.reconciliation_tolerance["EUR"] = 999
    await desk.tell(movement("gift", 1_000, "other"))
    [waiting] = await desk.inbox()
    path = f"/movements/{waiting['id']}"
    body = {"resolution": "income", "note": "a bonus"}
    proposed = await desk.done("POST", f"{path}/resolve", json=body)
    assert (proposed["status"], await balances(connection)) == ("proposed", {})
    answer = await desk.call("POST", f"{path}/approve")
    assert answer.status_code == 403
    dropped = await desk.done("POST", f"{path}/reject", by=desk.second)
    assert (dropped["status"], dropped["resolution"]) == ("unmatched", None)
    await desk.done("POST", f"{path}/resolve", json=body)
    agreed = await desk.done("POST", f"{path}/approve", by=desk.second)
    assert (agreed["status"], agreed["approved_by"]) == ("resolved", str(desk.second.id))
    assert await balances(connection) == {"gateway_clearing": 1_000, "fee_income": -1_000}
    assert (await desk.call("POST", f"{path}/approve", by=desk.second)).status_code == 409
    resources.settings.reconciliation_tolerance.clear()


async def test_suspense_returns_to_zero(desk: Desk, connection: Connection) -> None:
    await desk.tell(movement("strange", 900, "other"), movement("odd", -40, "other"))
    for waiting in await desk.inbox():
        body = {"resolution": "suspense", "note": "asked the provider"}
        await desk.done("POST", f"/movements/{waiting['id']}/resolve", json=body)
    assert await balances(connection) == {"gateway_clearing": 860, "suspense": -860}
    suspended = await desk.inbox(status="resolved", suspended=True)
    assert {one["reference"] for one in suspended} == {"strange", "odd"}
    for one in suspended:
        path = f"/movements/{one['id']}/clear"
        what = {"resolution": "income" if one["amount"]["amount"] > 0 else "loss"}
        assert (await desk.call("POST", path, json=what)).status_code == 403
        cleared = await desk.done("POST", path, json=what, by=desk.second)
        assert cleared["cleared_as"] == what["resolution"]
        assert (await desk.call("POST", path, json=what, by=desk.second)).status_code == 409
    assert await balances(connection) == {
        "gateway_clearing": 860, "fee_income": -900, "bad_debt": 40,
    }  # fmt: skip
    assert await desk.inbox(status="resolved", suspended=True) == []


async def test_what_is_fully_explained_has_nothing_for_suspense(
    desk: Desk, resources: Resources, shop: Shop
) -> None:
    """Amount and fee each differ by a cent, and their difference by none."""
    charge, fee = await charge_of(resources, shop)
    await desk.tell(movement("c1", 12_001, key=str(charge), fee=fee + 1))
    [waiting] = await desk.inbox()
    body = {"resolution": "suspense", "note": "look into it"}
    answer = await desk.call("POST", f"/movements/{waiting['id']}/resolve", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == "nothing_to_keep"


async def test_beyond_the_tolerance_payouts_stop_until_it_is_explained(
    desk: Desk, resources: Resources, connection: Connection, shop: Shop
) -> None:
    await earn(resources, shop)
    await set_account(resources, shop)
    await desk.tell(movement("odd", -6_000, "other"), movement("even", 4_001, "other"))

    async def ask_for_payout() -> httpx2.Response:
        headers = await bearer(resources, desk.first)
        return await desk.client.post(
            "/api/v1/payouts",
            json={"currency": "EUR", "seller_id": str(shop.seller.id)},
            headers={**headers, "Idempotency-Key": uuid4().hex},
        )

    before = await balances(connection)
    refused = await ask_for_payout()
    assert (refused.status_code, refused.json()["code"]) == (409, "payouts_stopped")
    assert refused.json()["unexplained"] == {"amount": 10_001, "currency": "EUR"}
    assert await balances(connection) == before
    headers = await bearer(resources, desk.first)
    batch = await desk.client.post(
        "/api/v1/payouts/run", json={}, headers={**headers, "Idempotency-Key": uuid4().hex}
    )
    assert [one["code"] for one in batch.json()["skipped"]] == ["payouts_stopped"]
    even = next(one for one in await desk.inbox() if one["reference"] == "even")
    body = {"resolution": "income", "note": "a bonus"}
    await desk.done("POST", f"/movements/{even['id']}/resolve", json=body)
    assert (await ask_for_payout()).status_code == 201


async def test_a_fee_that_came_back_with_a_refund_is_booked_whoever_tells_of_it(
    desk: Desk, resources: Resources, connection: Connection, shop: Shop
) -> None:
    order = await buy(resources, (shop, 2))
    for _ in range(2):
        await refund(resources, order, shop, units=1)
    one, other = [
        str(row["id"]) for row in await connection.fetch("SELECT id FROM refund_part ORDER BY id")
    ]
    before = await balances(connection)
    told = await desk.tell(movement("re_1", -12_000, "refund", key=one, fee=-29))
    assert told["matched"] == 1, await desk.inbox()
    text = (
        "reference,kind,amount,currency,occurred_at,fee,key\n"
        f"re_2,refund,-120.00,EUR,{AT},-0.31,{other}\n"
    )
    answer = await desk.call(
        "POST", "/documents", data={"gateway": "sandbox"},
        files={"file": ("table.csv", text.encode(), "text/csv")},
    )  # fmt: skip
    assert answer.json()["matched"] == 1, await desk.inbox()
    after = await balances(connection)
    moved = {key: after[key] - before.get(key, 0) for key in ("gateway_clearing", "gateway_fee")}
    assert moved == {"gateway_clearing": 60, "gateway_fee": -60}
    body = {"gateway": "sandbox", "movements": [movement("ch_1", 5, fee=-1)]}
    refused = await desk.call("POST", "/imports", json=body)
    assert [one["field"] for one in refused.json()["errors"]] == ["movements.0.fee"]


async def test_payouts_out_of_the_clearing_are_told_apart_until_the_provider_tells_them(
    desk: Desk, resources: Resources, connection: Connection, shop: Shop
) -> None:
    await earn(resources, shop)
    await set_account(resources, shop)
    headers = await bearer(resources, desk.first)
    paid = await desk.client.post(
        "/api/v1/payouts",
        json={"currency": "EUR", "seller_id": str(shop.seller.id)},
        headers={**headers, "Idempotency-Key": uuid4().hex},
    )
    paid_minor = paid.json()["amount"]["amount"]
    await desk.tell(movement("fee", -1, "fee"))
    [standing] = (await desk.done("GET", ""))["items"]
    assert standing["untold"]["amount"] == -paid_minor < 0
    assert standing["clearing"]["amount"] == await clearing(connection) == 12_000 - paid_minor
    await desk.done("POST", "/pull", json={"gateway": "sandbox"})
    [standing] = (await desk.done("GET", ""))["items"]
    assert standing["untold"]["amount"] == 0
    assert standing["provider_balance"]["amount"] == 12_000 - paid_minor - 1


async def test_a_charge_that_was_never_told_of_is_missing(
    desk: Desk, resources: Resources, connection: Connection, shop: Shop
) -> None:
    await buy(resources, (shop, 1))
    await desk.tell(movement("fee", -1, "fee"))
    [standing] = (await desk.done("GET", ""))["items"]
    assert standing["missing_count"] == 0
    await connection.execute("UPDATE payment SET created_at = created_at - interval '4 days'")
    [standing] = (await desk.done("GET", ""))["items"]
    assert (standing["missing_count"], standing["missing"]["amount"]) == (1, 12_000)


async def test_a_capture_that_paid_for_nothing_and_was_never_told_of_is_missing(
    desk: Desk, resources: Resources, connection: Connection
) -> None:
    """Each capture is one movement: one that was told of doesn't hide another of its charge."""
    market = at_shipment(resources)
    first, second = await two_shops(connection)
    short = (Tender(method="sandbox", token="tok_captures_half"),)
    order = await buy(market, (first, 1), (second, 1), tenders=short)
    with pytest.raises(CaptureDeclined):
        await ship(market, order, first)
    taken = await connection.fetchval("SELECT amount_minor FROM payment_return")
    assert taken == 2745
    await desk.tell(movement("fee", -1, "fee"))
    [standing] = (await desk.done("GET", ""))["items"]
    assert (standing["missing_count"], standing["missing"]["amount"]) == (0, 0)
    await connection.execute("UPDATE payment SET created_at = created_at - interval '4 days'")
    await connection.execute(
        "UPDATE payment_capture SET created_at = created_at - interval '4 days'"
    )
    [standing] = (await desk.done("GET", ""))["items"]
    assert (standing["missing_count"], standing["missing"]["amount"]) == (1, 2745)

    # Another capture of the charge, told of or not, is one of its own.
    await connection.execute("""
        INSERT INTO payment_capture (id, order_id, payment_id, seller_order_ids, amount_minor,
                                     stored_minor, stored, final, status, fee_minor, created_at)
        SELECT gen_random_uuid(), order_id, payment_id, seller_order_ids, 300, 0, '{}', false,
               'succeeded', 0, created_at FROM payment_capture
    """)
    [standing] = (await desk.done("GET", ""))["items"]
    assert (standing["missing_count"], standing["missing"]["amount"]) == (2, 3045)
    await desk.done("POST", "/pull", json={"gateway": "sandbox"})
    [standing] = (await desk.done("GET", ""))["items"]
    assert (standing["missing_count"], standing["missing"]["amount"]) == (1, 300)
