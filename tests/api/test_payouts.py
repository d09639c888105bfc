"""Payouts through the doors: what a seller sees of its money, and what operators decide."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.integrations.payouts.sandbox import Behaviour
from gosellr.jobs import upkeep
from gosellr.resources import Resources
from tests.factories.accounts import User, bearer, make_operator, make_support
from tests.factories.payouts import earn, set_account, transfers, wrong_with
from tests.factories.sales import NOW, Shop, buy, make_commission, make_shop, ship
from tests.factories.terms import make_tax

V1 = "/api/v1"


@dataclass(frozen=True, slots=True)
class Desk:
    """Where people call from: each call with a token of its own, since days go by here."""

    client: httpx2.AsyncClient
    resources: Resources

    async def call(
        self, method: str, path: str, user: User, body: Any = None, key: str = ""
    ) -> httpx2.Response:
        """An answer."""
        headers = await bearer(self.resources, user)
        headers["Idempotency-Key"] = key or uuid4().hex
        return await self.client.request(method, f"{V1}{path}", json=body, headers=headers)

    async def get(self, path: str, user: User) -> Any:
        """What stands there."""
        answer = await self.call("GET", path, user)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, user: User, body: Any = None, key: str = "") -> httpx2.Response:
        """An answer to a command."""
        return await self.call("POST", path, user, body, key)


def money(amount: int) -> dict[str, object]:
    return {"amount": amount, "currency": "EUR"}


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    """120.00 a piece with 20 % tax inside, 10 % commission and its VAT: 108.00 for the seller."""
    await make_tax(connection, rate_bps=2000)
    await make_commission(connection)
    return await make_shop(connection, price_minor=12_000)


@pytest.fixture
def seller(shop: Shop) -> User:
    return shop.seller.owner


@pytest.fixture
async def operator(connection: Connection) -> User:
    return await make_operator(connection, now=NOW)


@pytest.fixture
def desk(client: httpx2.AsyncClient, resources: Resources) -> Desk:
    return Desk(client, resources)


async def test_a_seller_follows_its_money_to_the_bank(
    desk: Desk,
    connection: Connection,
    resources: Resources,
    clock: ManualClock,
    shop: Shop,
    seller: User,
) -> None:
    await set_account(resources, shop, Behaviour.SLOW)
    order = await earn(resources, shop)
    await earn(resources, shop, 2)
    coming = await buy(resources, (shop, 1))
    await ship(resources, coming, shop)
    balance = f"/sellers/{shop.seller.id}/balance"
    [before] = (await desk.get(balance, seller))["balances"]
    assert (before["available"], before["pending"]) == (money(32_400), money(10_800))
    assert before["upcoming"] == [{"available_on": None, "amount": money(10_800)}]

    made = await desk.post("/payouts", seller, {"currency": "EUR"})
    assert made.status_code == 201
    payout = made.json()
    assert (payout["status"], payout["amount"]) == ("sent", money(32_400))
    assert payout["destination"]["last_four"] == "0002"
    assert (payout["entry_count"], payout["paid_at"]) == (2, None)
    assert "99999999" not in made.text
    [during] = (await desk.get(balance, seller))["balances"]
    assert (during["available"], during["in_transit"]) == (money(0), money(32_400))

    clock.advance(timedelta(days=1))
    await upkeep.resume_payouts(resources)
    parcel_id = await connection.fetchval("SELECT id FROM shipment WHERE order_id = $1", coming.id)
    arrived = {"status": "delivered"}
    await desk.call("PATCH", f"/orders/{coming.id}/shipments/{parcel_id}", seller, arrived)
    [after] = (await desk.get(balance, seller))["balances"]
    assert (after["in_transit"], after["paid_out"]) == (money(0), money(32_400))
    day = (clock.now() + timedelta(days=7)).date().isoformat()
    assert after["upcoming"] == [{"available_on": day, "amount": money(10_800)}]

    path = f"/payouts/{payout['id']}"
    assert (await desk.get(path, seller))["status"] == "paid"
    first = await desk.get(f"{path}/entries?limit=1", seller)
    rest = await desk.get(f"{path}/entries?cursor={first['next_cursor']}", seller)
    entries = [*first["items"], *rest["items"]]
    assert [one["amount"] for one in entries] == [money(10_800), money(21_600)]
    assert entries[0]["order_id"] == str(order.id)
    assert entries[0]["description"] == "Released, ready to be paid out"
    assert rest["next_cursor"] is None
    listed = await desk.get("/payouts?status=paid", seller)
    assert [one["id"] for one in listed["items"]] == [payout["id"]]
    assert await wrong_with(connection, resources) == []


async def test_a_request_needs_its_key_and_is_answered_once(
    desk: Desk, resources: Resources, shop: Shop, seller: User
) -> None:
    await set_account(resources, shop)
    await earn(resources, shop)
    headers = await bearer(resources, seller)
    bare = await desk.client.post(f"{V1}/payouts", json={"currency": "EUR"}, headers=headers)
    assert (bare.status_code, bare.json()["code"]) == (400, "idempotency_key_required")
    first = await desk.post("/payouts", seller, {"currency": "EUR"}, key="once")
    again = await desk.post("/payouts", seller, {"currency": "EUR"}, key="once")
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["Idempotency-Replayed"] == "true"
    other = await desk.post("/payouts", seller, {"currency": "USD"}, key="once")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    nothing = await desk.post("/payouts", seller, {"currency": "EUR"})
    assert (nothing.status_code, nothing.json()["code"]) == (409, "nothing_to_pay_out")
    assert nothing.headers["content-type"] == "application/problem+json"
    assert len(await transfers(resources)) == 1


async def test_an_operator_holds_runs_and_lets_go(
    desk: Desk,
    connection: Connection,
    resources: Resources,
    shop: Shop,
    seller: User,
    operator: User,
) -> None:
    await set_account(resources, shop)
    await earn(resources, shop)
    settings = f"/sellers/{shop.seller.id}/payout-settings"
    reason = {"reason": "papers are missing"}
    assert (await desk.post(f"{settings}/hold", seller, reason)).status_code == 403
    held = await desk.post(f"{settings}/hold", operator, reason)
    assert held.json()["hold_reason"] == "papers are missing"
    assert await desk.get(settings, seller) == held.json()
    refused = await desk.post("/payouts", seller, {"currency": "EUR"})
    assert (refused.status_code, refused.json()["code"]) == (409, "payouts_held")
    assert refused.json()["detail"] == "On hold: papers are missing"
    assert (await desk.post("/payouts/run", seller, {})).status_code == 403
    assert (await desk.call("GET", "/payouts/run/preview", seller)).status_code == 403
    foreseen = await desk.get("/payouts/run/preview?currency=EUR", operator)
    assert (foreseen["totals"], foreseen["more"]) == ([], False)
    [stays] = foreseen["sellers"]
    assert (stays["outcome"], stays["left"], stays["amount"]) == (
        "payouts_held", money(10_800), money(0),
    )  # fmt: skip
    run = (await desk.post("/payouts/run", operator, {}, key="night")).json()
    assert (run["totals"], run["more"]) == ([], False)
    assert run["skipped"] == [
        {"seller_id": str(shop.seller.id), "currency": None, "code": "payouts_held"}
    ]
    again = await desk.post("/payouts/run", operator, {}, key="night")
    assert (again.json(), again.headers["Idempotency-Replayed"]) == (run, "true")
    assert (await desk.post(f"{settings}/unhold", operator)).json()["held_at"] is None
    run = (await desk.post("/payouts/run", operator, {"currency": "EUR"})).json()
    assert run["totals"] == [{"count": 1, "amount": money(10_800)}]
    [payout] = (await desk.get(f"/payouts?batch_id={run['batch_id']}", operator))["items"]
    assert (payout["status"], payout["origin"]) == ("pending", "batch")


async def test_a_payout_is_explained_from_the_first_cent(
    desk: Desk,
    connection: Connection,
    resources: Resources,
    clock: ManualClock,
    shop: Shop,
    seller: User,
    operator: User,
) -> None:
    await set_account(resources, shop, Behaviour.RETURN)
    await earn(resources, shop)
    payout = (await desk.post("/payouts", seller, {"currency": "EUR"})).json()
    clock.advance(timedelta(days=2))
    await upkeep.resume_payouts(resources)
    path = f"/payouts/{payout['id']}/ledger"
    assert (await desk.call("GET", path, seller)).status_code == 403
    told = (await desk.get(path, operator))["transactions"]
    assert [one["explanation"] for one in told] == [
        "Payout of 108.00 EUR on its way to the seller.",
        "The payout of 108.00 EUR reached the seller.",
        "The seller's bank sent 108.00 EUR back; the money can be paid out again.",
    ]
    assert {one["cause"]["id"] for one in told} == {payout["id"]}


async def test_large_payouts_need_two_people(
    desk: Desk,
    connection: Connection,
    resources: Resources,
    shop: Shop,
    operator: User,
) -> None:
    resources.settings.payout_approval_over["EUR"] = 10_000
    await set_account(resources, shop)
    await earn(resources, shop)
    body = {"currency": "EUR", "seller_id": str(shop.seller.id)}
    payout = (await desk.post("/payouts", operator, body)).json()
    assert payout["status"] == "awaiting_approval"
    path = f"/payouts/{payout['id']}/approve"
    own = await desk.post(path, operator)
    assert (own.status_code, own.json()["code"]) == (403, "not_allowed")
    support = await make_support(connection, now=NOW)
    assert (await desk.post(path, support)).status_code == 403
    second = await make_operator(connection, now=NOW)
    approved = await desk.post(path, second)
    assert (approved.status_code, approved.json()["status"]) == (200, "paid")
    late = await desk.post(f"/payouts/{payout['id']}/cancel", operator, {"reason": "no"})
    assert (late.status_code, late.json()["code"]) == (409, "payout_not_waiting")
    assert await wrong_with(connection, resources) == []


async def test_settings_and_account_are_the_owners(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    shop: Shop,
    seller: User,
) -> None:
    headers = await bearer(resources, seller)
    settings, destination = (
        f"{V1}/sellers/{shop.seller.id}/payout-{what}" for what in ("settings", "destination")
    )

    async def put(path: str, body: Any) -> httpx2.Response:
        return await client.put(path, json=body, headers=headers)

    assert (await client.get(settings, headers=headers)).json() == {
        "schedule": "weekly", "weekday": 1, "day_of_month": None, "next_due_at": None,
        "minimums": [], "held_at": None, "hold_reason": None, "version": 1,
    }  # fmt: skip
    monthly = {"schedule": "monthly", "day_of_month": 31, "minimums": [money(5000)]}
    changed = (await put(settings, monthly)).json()
    assert changed["next_due_at"] == "2026-03-31T00:00:00Z"
    assert changed["minimums"] == [money(5000)]
    stale = await put(settings, {"schedule": "daily", "version": 1})
    assert (stale.status_code, stale.json()["code"]) == (409, "version_conflict")
    for wrong in (
        {"weekday": 1},
        {"schedule": "weekly"},
        {"minimums": [money(1), money(2)]},
        {"minimums": [{"amount": 1.5, "currency": "EUR"}]},
    ):
        assert (await put(settings, wrong)).status_code == 422, wrong
    assert (await client.get(settings, headers=headers)).json() == changed

    assert (await client.get(destination, headers=headers)).status_code == 404
    password = "a long pass phrase"
    await connection.execute(
        "UPDATE user_account SET password_hash = $2 WHERE id = $1",
        seller.id,
        await resources.passwords.hash(password),
    )
    account = {
        "method": "sandbox", "holder": "Ada Lovelace", "iban": "DE89 3704 0044 0532 0130 00",
    }  # fmt: skip
    guessed = await put(destination, {**account, "password": "guessed"})
    assert (guessed.status_code, guessed.json()["errors"][0]["code"]) == (422, "password_wrong")
    named = await put(destination, {**account, "password": password})
    assert named.json()["last_four"] == "3000"
    for answered in (named, await client.get(destination, headers=headers)):
        assert answered.status_code == 200
        # Longer than what an id could hold by chance.
        for told in ("DE89", "0532 0130", "05320130"):
            assert told not in answered.text
        assert password not in answered.text
    facts = await connection.fetch("SELECT data::text FROM outbox_event")
    assert not [row for row in facts if "DE89370400440532013000" in row["data"]]
