"""What became of refunds of which no provider says so: above the limit, by the word of two."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.models.order_values import Order, Refund
from gosellr.resources import Resources
from tests.api.by_two.desk import LIMIT, Call, calls
from tests.factories.accounts import make_operator
from tests.factories.disputes import delivered, network, open_case
from tests.factories.payouts import wrong_with
from tests.factories.sales import NOW, Shop, buy, make_buyer, read, refund
from tests.factories.transfers import offline
from tests.flows.test_refunds_settled import AnswersOtherwise

HOUR = timedelta(hours=1)
REASON = {"reason": "The provider was asked on the phone"}


@pytest.fixture
def silent(resources: Resources) -> Any:
    """A gateway that says of each refund that a cent went back."""
    return AnswersOtherwise(network(resources), 1, "EUR")


@pytest.fixture
def market(resources: Resources, silent: Any) -> Resources:
    """Above 49.99 of an order a second person has to agree."""
    market = offline(resources)
    limit = {"refund_approval_over": {"EUR": LIMIT}}
    return replace(
        market,
        settings=market.settings.model_copy(update=limit),
        gateways={**market.gateways, "sandbox": silent},
    )


async def unknown(market: Resources, clock: ManualClock, shop: Shop, *given: int) -> Order:
    """An order of 150.00, and refunds of it by its shop that nobody has answered for an hour."""
    order = await buy(market, (shop, 3))
    for amount_minor in given:
        await refund(market, order, shop, amount_minor=amount_minor)
    clock.advance(HOUR)
    order = await read(market, order)
    assert [one.status for one in order.refunds] == ["unknown"] * len(given)
    return order


async def say(who: Call, order: Order, back: Refund, outcome: str) -> httpx2.Response:
    path = f"/orders/{order.id}/refunds/{back.id}/settle"
    return await who(path, {"outcome": outcome, **REASON})


def refused(answer: httpx2.Response) -> tuple[int, str]:
    """How it was refused."""
    return answer.status_code, answer.json()["code"]


@pytest.mark.parametrize(("outcome", "status"), [("arrived", "succeeded"), ("failed", "failed")])
async def test_two_people_say_what_became_of_a_large_refund(
    resources: Resources,
    market: Resources,
    connection: Connection,
    clock: ManualClock,
    first: Call,
    second: Call,
    shop: Shop,
    outcome: str,
    status: str,
) -> None:
    order = await unknown(market, clock, shop, 5_000)
    [back] = order.refunds
    answer = await say(first, order, back, outcome)
    assert answer.status_code == 202, answer.text
    made = answer.json()
    assert (made["kind"], made["subject"]) == (f"refund_{outcome}", f"refund:{back.id}")
    assert (made["reason"], made["seller_ids"]) == (REASON["reason"], [str(shop.seller.id)])
    wish = made["wish"]
    assert (wish["amount_minor"], wish["currency"], wish["refund_reason"]) == (
        5_000, "EUR", "broken",
    )  # fmt: skip
    # Nothing is settled, and nobody says otherwise meanwhile.
    assert [one.status for one in (await read(market, order)).refunds] == ["unknown"]
    other = "failed" if outcome == "arrived" else "arrived"
    assert refused(await say(second, order, back, other)) == (409, "proposal_waits")
    assert refused(await first(f"/proposals/{made['id']}/approve")) == (403, "not_allowed")
    assert (await second(f"/proposals/{made['id']}/approve")).status_code == 200
    after = await read(market, order)
    assert [(one.status, one.settled_alone_minor) for one in after.refunds] == [(status, 0)]
    [said] = [one for one in after.events if one.kind == "refund_settled"]
    assert said.data["arrived"] is (outcome == "arrived")
    assert (await second(f"/proposals/{made['id']}/approve")).status_code == 200
    assert await read(market, order) == after
    # The sandbox's own journal says that it went back.
    wrong = [one.number for one in await wrong_with(connection, resources)]
    assert wrong == ([] if outcome == "arrived" else [7])


async def test_what_one_says_of_refunds_counts_with_what_one_gives(
    market: Resources, clock: ManualClock, first: Call, second: Call, shop: Shop
) -> None:
    order = await unknown(market, clock, shop, 3_000, 2_000)
    small, other = order.refunds
    # Who says that it failed may give as much again: it is one word about the same money.
    assert (await say(first, order, small, "failed")).json()["status"] == "failed"
    assert (await say(first, order, other, "failed")).status_code == 202
    body: dict[str, Any] = {"seller_order_id": str(order.parts[0].id), "reason": "again"}
    for amount_minor, status in ((1_999, 201), (1, 202)):
        body["amount"] = {"amount": amount_minor, "currency": "EUR"}
        given = await second(f"/orders/{order.id}/refunds", body, key=str(amount_minor))
        assert given.status_code == status


async def test_what_one_says_of_refunds_counts_with_what_one_decides(
    market: Resources,
    connection: Connection,
    clock: ManualClock,
    first: Call,
    second: Call,
    shop: Shop,
) -> None:
    buyer = await make_buyer(connection)
    order = await delivered(market, (shop, 3), buyer=buyer)
    await refund(market, order, shop, amount_minor=3_000)
    clock.advance(HOUR)
    [back] = (await read(market, order)).refunds
    case = await open_case(market, order, shop, viewer=buyer.viewer, units=1)
    body = {"amount": {"amount": 3_000, "currency": "EUR"}, "reason": "The picture shows it"}
    decided = await second(f"/disputes/{case.dispute.id}/decide", body, key="once")
    assert (decided.status_code, decided.json()["status"]) == (200, "decided")
    # 30.00 that one decided, and may yet be appealed, and 30.00 that one speaks of.
    assert (await say(first, order, back, "failed")).status_code == 202
    assert (await read(market, order)).refunds == (back,)


async def test_one_who_gave_a_small_refund_may_say_what_became_of_it(
    market: Resources, clock: ManualClock, first: Call, shop: Shop
) -> None:
    order = await buy(market, (shop, 1))
    body = {
        "seller_order_id": str(order.parts[0].id), "reason": "late",
        "amount": {"amount": 4_000, "currency": "EUR"},
    }  # fmt: skip
    given = await first(f"/orders/{order.id}/refunds", body, key="one")
    assert (given.status_code, given.json()["status"]) == (201, "unknown")
    clock.advance(HOUR)
    [back] = (await read(market, order)).refunds
    # 40.00 that one gave, and then speaks of, are 40.00 by one word.
    assert (await say(first, order, back, "failed")).status_code == 200
    [back] = (await read(market, order)).refunds
    assert (back.status, back.given_alone_minor, back.settled_alone_minor) == (
        "failed", 4_000, 4_000,
    )  # fmt: skip
    assert (await first(f"/orders/{order.id}/refunds", body, key="two")).status_code == 202


async def test_what_its_provider_says_by_then_stands(
    market: Resources, clock: ManualClock, first: Call, second: Call, shop: Shop, silent: Any
) -> None:
    order = await unknown(market, clock, shop, 5_000)
    [back] = order.refunds
    made = (await say(first, order, back, "failed")).json()
    silent._told = (5_000, "EUR")
    assert refused(await second(f"/proposals/{made['id']}/approve")) == (409, "refund_settled")
    assert [one.status for one in (await read(market, order)).refunds] == ["succeeded"]
    reason = {"reason": "It arrived"}
    assert (await second(f"/proposals/{made['id']}/reject", reason)).status_code == 200


async def test_who_bought_it_says_nothing_of_it(
    web: httpx2.AsyncClient,
    market: Resources,
    connection: Connection,
    clock: ManualClock,
    first: Call,
    shop: Shop,
) -> None:
    buyer = await make_operator(connection, now=NOW)
    order = await buy(market, (shop, 1), buyer=buyer)
    back = await refund(market, order, shop, units=1)
    clock.advance(HOUR)
    side = calls(web, market, buyer)
    assert refused(await say(side, order, back, "failed")) == (403, "not_allowed")
    made = (await say(first, order, back, "failed")).json()
    assert refused(await side(f"/proposals/{made['id']}/approve")) == (403, "not_allowed")
    assert [one.status for one in (await read(market, order)).refunds] == ["unknown"]
