"""Reserves, debts, adjustments and bank files through the doors, by the people who may."""

from collections.abc import AsyncIterator, Awaitable, Callable
from csv import DictReader
from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.jobs import upkeep
from gosellr.resources import Resources
from tests.factories.accounts import User, bearer, make_operator, make_support
from tests.factories.applications import caller_of
from tests.factories.payouts import earn, pay, set_account, wrong_with
from tests.factories.sales import NOW, Shop, make_commission, make_shop, refund
from tests.factories.terms import make_tax
from tests.flows.test_bank_files import set_bank, with_bank

V1 = "/api/v1"
NET = 10_800
Call = Callable[..., Awaitable[httpx2.Response]]


def money(amount: int) -> dict[str, object]:
    return {"amount": amount, "currency": "EUR"}


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    """Each piece that it sells brings it `NET`."""
    await make_tax(connection, rate_bps=2000)
    await make_commission(connection)
    return await make_shop(connection, price_minor=12_000)


@pytest.fixture
async def operators(connection: Connection) -> tuple[User, User]:
    return await make_operator(connection, now=NOW), await make_operator(connection, now=NOW)


def calls(client: httpx2.AsyncClient, resources: Resources) -> Call:
    """A call with a token of its own, since days go by here."""

    async def ask(
        method: str, path: str, user: User, body: Any = None, key: str = "", **headers: str
    ) -> httpx2.Response:
        sent = await bearer(resources, user) | headers | {"Idempotency-Key": key or uuid4().hex}
        return await client.request(method, f"{V1}{path}", json=body, headers=sent)

    return ask


@pytest.fixture
def call(client: httpx2.AsyncClient, resources: Resources) -> Call:
    return calls(client, resources)


@pytest.fixture
async def call_bank(resources: Resources) -> AsyncIterator[Call]:
    """The same where the market has a bank account of its own."""
    market = with_bank(resources)
    async with caller_of(market) as client:
        yield calls(client, market)


async def test_a_reserve_is_set_seen_and_released(
    call: Call, connection: Connection, resources: Resources, clock: ManualClock, shop: Shop,
    operators: tuple[User, User],
) -> None:  # fmt: skip
    operator, seller = operators[0], shop.seller.owner
    terms = {"scope": "market", "rate_bps": 1000, "days": 30, "caps": [money(1500)]}
    assert (await call("POST", "/reserve-rules", seller, terms)).status_code == 403
    rule = (await call("POST", "/reserve-rules", operator, terms)).json()
    assert (rule["caps"], rule["version"], rule["seller_id"]) == ([money(1500)], 1, None)
    for wrong, field in (
        ({"scope": "seller"}, "seller_id"),
        ({"days": 181}, "days"),
        ({"caps": [money(1), money(2)]}, "caps"),
        ({"seller_id": str(uuid4()), "scope": "seller"}, "seller_id"),
        ({"rate_bps": 1.5}, "rate_bps"),
    ):
        refused = await call("POST", "/reserve-rules", operator, terms | wrong)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)
    for units in (1, 1):
        await earn(resources, shop, units)
    seen = (await call("GET", f"/sellers/{shop.seller.id}/balance", seller)).json()
    [balance] = seen["balances"]
    assert (balance["reserved"], balance["available"]) == (money(1500), money(2 * NET - 1500))
    days = [(clock.now() + timedelta(days=one)).date().isoformat() for one in (23, 30)]
    assert balance["coming"] == [
        {"available_on": day, "amount": money(minor), "source": "reserve", "is_estimate": False}
        for day, minor in zip(days, (1080, 420), strict=True)
    ]
    path = f"/sellers/{shop.seller.id}/reserves"
    first = (await call("GET", f"{path}?limit=1", seller)).json()
    rest = (await call("GET", f"{path}?cursor={first['next_cursor']}", seller)).json()
    held = [one["held"] for one in (*first["items"], *rest["items"])]
    assert held == [money(1080), money(420)]
    assert first["items"][0]["rule"] == {
        "scope": "market", "rate_bps": 1000, "days": 30, "cap": money(1500), "base": money(NET),
    }  # fmt: skip
    changed = await call(
        "PATCH", f"/reserve-rules/{rule['id']}", operator, {"rate_bps": 0, "version": 1}
    )
    assert (changed.json()["rate_bps"], changed.json()["days"]) == (0, 30)
    stale = await call("PATCH", f"/reserve-rules/{rule['id']}", operator, {"days": 3, "version": 1})
    assert (stale.status_code, stale.json()["code"]) == (409, "version_conflict")
    gone = await call("DELETE", f"/reserve-rules/{rule['id']}", operator)
    assert gone.status_code == 204
    assert (await call("GET", "/reserve-rules", operator)).json()["items"] == []
    clock.advance(timedelta(days=23))
    await upkeep.release_reserves(resources)
    [after] = (await call("GET", f"/sellers/{shop.seller.id}/balance", seller)).json()["balances"]
    assert after["reserved"] == money(420)
    assert await wrong_with(connection, resources) == []


async def test_a_debt_is_seen_planned_and_given_up_by_two(
    call: Call, connection: Connection, resources: Resources, clock: ManualClock, shop: Shop,
    operators: tuple[User, User],
) -> None:  # fmt: skip
    (first, second), seller = operators, shop.seller.owner
    support = await make_support(connection, now=NOW)
    await set_account(resources, shop)
    order = await earn(resources, shop)
    await pay(resources, shop)
    await refund(resources, order, shop, units=1)
    clock.advance(timedelta(days=40))
    assert (await call("GET", "/receivables", seller)).status_code == 403
    [debt] = (await call("GET", "/receivables", support)).json()["items"]
    assert (debt["total"], debt["days_31_60"]) == (money(NET), money(NET))
    plans = f"/sellers/{shop.seller.id}/recovery-plans"
    terms = {"currency": "EUR", "kind": "instalments", "instalment": money(5000), "every_days": 30}
    assert (await call("PUT", plans, seller, terms)).status_code == 403
    for wrong in ({"share_bps": 5}, {"every_days": 0}, {"instalment": money(0)}):
        assert (await call("PUT", plans, first, terms | wrong)).status_code == 422
    agreed = (await call("PUT", plans, first, terms)).json()
    assert (agreed["due"], agreed["recovered"]) == (money(5000), money(0))
    assert (await call("GET", plans, seller)).json()["items"] == [agreed]
    [balance] = (await call("GET", f"/sellers/{shop.seller.id}/balance", seller)).json()["balances"]
    assert (balance["recovery_plan"], balance["receivable"]) == (agreed, money(NET))
    exported = await call("GET", "/receivables", first, accept="text/csv")
    assert exported.headers["content-type"].startswith("text/csv")
    [row] = DictReader(StringIO(exported.text))
    assert (row["total"], row["days_31_60"], row["days_0_30"]) == ("108.00", "108.00", "0.00")
    assert (row["seller_id"], row["plan"]) == (str(shop.seller.id), "instalments")

    path = f"/sellers/{shop.seller.id}/write-offs"
    body = {"amount": money(800), "reason": "too small to be asked for"}
    for user in (seller, support):
        assert (await call("POST", path, user, body)).status_code == 403
    too_much = await call("POST", path, first, body | {"amount": money(NET + 1)})
    assert (too_much.status_code, too_much.json()["code"]) == (409, "more_than_owed")
    made = await call("POST", path, first, body, key="once")
    again = await call("POST", path, first, body, key="once")
    assert (made.json(), again.headers["Idempotency-Replayed"]) == (again.json(), "true")
    own = await call("POST", f"/adjustments/{made.json()['id']}/approve", first)
    assert (own.status_code, own.json()["code"]) == (403, "not_allowed")
    approved = await call("POST", f"/adjustments/{made.json()['id']}/approve", second)
    assert approved.json()["decided_by"] == str(second.id)
    late = await call("POST", f"/adjustments/{made.json()['id']}/reject", first, {"reason": "no"})
    assert (late.status_code, late.json()["code"]) == (409, "adjustment_not_open")
    [debt] = (await call("GET", "/receivables", first)).json()["items"]
    assert debt["total"] == money(NET - 800)
    ended = await call("POST", f"{plans}/end", first, {"currency": "EUR"})
    assert ended.status_code == 204
    assert await wrong_with(connection, resources) == []


async def test_an_adjustment_waits_for_another_and_is_answered_once(
    call: Call, connection: Connection, shop: Shop, resources: Resources,
    operators: tuple[User, User],
) -> None:  # fmt: skip
    first, second = operators
    entries = [
        {"account": "goodwill_cost", "direction": "debit", **money(500)},
        {"account": f"seller_available:{shop.seller.id}", "direction": "credit", **money(500)},
    ]
    body = {"entries": entries, "reason": "A parcel that we lost"}
    crooked = await call(
        "POST", "/adjustments", first, body | {"entries": [entries[0], entries[1] | money(499)]}
    )
    assert (crooked.status_code, crooked.json()["errors"][0]["code"]) == (422, "unbalanced")
    made = await call("POST", "/adjustments", first, body)
    assert (made.status_code, made.json()["status"]) == (201, "prepared")
    assert made.json()["entries"] == entries
    waiting = (await call("GET", "/adjustments?status=prepared", second)).json()
    assert [one["id"] for one in waiting["items"]] == [made.json()["id"]]
    path = f"/adjustments/{made.json()['id']}"
    assert (await call("POST", f"{path}/reject", first, {"reason": "no"})).status_code == 403
    approved = (await call("POST", f"{path}/approve", second)).json()
    assert approved["status"] == "approved"
    late = await call("POST", f"{path}/reject", second, {"reason": "no"})
    assert (late.status_code, late.json()["code"]) == (409, "adjustment_not_open")
    assert (await call("GET", path, first)).json() == approved
    moved = (await call("GET", "/transactions?kind=adjusted", first)).json()["items"]
    assert {one["transaction_id"] for one in moved} == {approved["transaction_id"]}
    told = await call("GET", f"/sellers/{shop.seller.id}/transactions", shop.seller.owner)
    assert told.json()["items"][0]["description"] == "Adjusted by the marketplace"
    assert await wrong_with(connection, resources) == []


async def test_a_bank_file_is_made_fetched_and_executed(
    call: Call, call_bank: Call, connection: Connection, resources: Resources,
    shop: Shop, operators: tuple[User, User],
) -> None:  # fmt: skip
    operator = operators[0]
    none = await call("POST", "/bank-files", operator)
    assert (none.status_code, none.json()["code"]) == (409, "no_bank_account")
    market, call = with_bank(resources), call_bank
    await set_bank(market, shop)
    await earn(market, shop)
    payout = (await call("POST", "/payouts", shop.seller.owner, {"currency": "EUR"})).json()
    assert payout["status"] == "pending"
    assert (await call("POST", "/bank-files", shop.seller.owner)).status_code == 403
    made = (await call("POST", "/bank-files", operator, key="night")).json()
    assert (made["amount"], made["payment_count"], made["unfit"]) == (money(NET), 1, [])
    replay = await call("POST", "/bank-files", operator, key="night")
    assert (replay.json(), replay.headers["Idempotency-Replayed"]) == (made, "true")
    path = f"/bank-files/{made['id']}"
    files = [await call("GET", f"{path}/document", operator) for _ in range(2)]
    assert files[0].headers["content-type"] == "application/xml"
    assert files[0].content == files[1].content
    assert b"pain.001.001.09" in files[0].content
    assert "NL91" not in (await call("GET", path, operator)).text
    early = await call("POST", f"/payouts/{payout['id']}/fail", operator, {"reason": "no"})
    assert (early.status_code, early.json()["code"]) == (409, "payout_not_by_file")
    done = (await call("POST", f"{path}/execute", operator, {"failed": []})).json()
    assert (done["status"], done["decided_by"]) == ("executed", str(operator.id))
    listed = (await call("GET", "/bank-files?status=executed", operator)).json()["items"]
    assert [one["id"] for one in listed] == [made["id"]]
    back = await call("POST", f"/payouts/{payout['id']}/fail", operator, {"reason": "returned"})
    assert (back.json()["status"], back.json()["failure_reason"]) == ("failed", "returned")
    assert await wrong_with(connection, market) == []
