"""A gateway takes another amount than it was asked for: nothing is paid by it, what it took goes
back by itself, and a person finds it in the queue of money questions."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.transact import ask
from gosellr.flows import payments, reconciliation, refunds
from gosellr.integrations.payments.sandbox import SandboxGateway
from gosellr.jobs import upkeep
from gosellr.resources import Resources
from gosellr.services import order_service
from gosellr.services.payment_captures import CaptureDeclined
from gosellr.utils.ids import order_number
from gosellr.utils.viewer import GUEST
from tests.api.test_captures import seen, shipped
from tests.api.test_cases_orders import filled_bag, order_bag
from tests.factories.accounts import bearer, make_operator, make_user
from tests.factories.applications import caller_of
from tests.factories.captures import at_shipment, sandbox_of
from tests.factories.catalogue import MadeProduct, make_product, make_shelf_seller
from tests.factories.orders import order_body, place
from tests.factories.payouts import wrong_with
from tests.factories.sales import (
    Shop,
    Tender,
    balances,
    buy,
    make_commission,
    make_shop,
    read,
    ship,
)
from tests.web.people import assert_sound, enter, open_page
from tests.web.visitor import Visitor

CASES = "/api/v1/reconciliation/payment-returns"
INBOX = "/operator/reconciliation"


@pytest.fixture
async def lamp(connection: Connection) -> MadeProduct:
    seller_id = await make_shelf_seller(connection)
    return await make_product(connection, seller=seller_id, price_minor=1350, stock=3)


def eur(minor: int) -> dict[str, Any]:
    return {"amount": minor, "currency": "EUR"}


async def hear_everything(client: httpx2.AsyncClient, resources: Resources, times: int) -> None:
    """The sandbox's reports, each told so often."""
    deliveries = await sandbox_of(resources).pending_webhooks()
    assert deliveries
    for delivery in deliveries * times:
        answer = await client.post(
            "/api/v1/payments/webhooks/sandbox", content=delivery.body, headers=delivery.headers
        )
        assert answer.status_code < 300, answer.text


@pytest.mark.case(27)
async def test_case_27_a_short_capture_is_told_as_it_is_and_is_one_case(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    lamp: MadeProduct,
) -> None:
    placed = await place(client, order_body((lamp.variant_id, 1), token="tok_captures_half"))
    assert (placed.status_code, placed.json()["code"]) == (402, "payment_declined")
    path = f"/api/v1/orders/{placed.json()['order_id']}"
    as_buyer = {"X-Order-Token": placed.json()["access_token"]}
    operator = await bearer(resources, await make_operator(connection, now=resources.clock.now()))

    waiting = (await client.get(path, headers=as_buyer)).json()
    [payment] = waiting["payments"]
    assert (waiting["status"], waiting["payment_status"]) == ("pending_payment", "unpaid")
    assert (payment["captured"], payment["refunded"]) == (eur(675), eur(0))
    [back] = payment["returns"]
    assert (back["asked"], back["amount"]) == (eur(1350), eur(675))
    assert (back["reason"], back["status"]) == ("short_payment", "pending")
    [case] = (await client.get(CASES, headers=operator)).json()["items"]
    assert case == {
        "id": case["id"], "order_id": waiting["id"], "order_number": waiting["number"],
        "payment_id": payment["id"], "capture_id": None, "gateway": "sandbox",
        "asked": eur(1350), "captured": eur(675), "returned": eur(0),
        "disputed": eur(0), "reason": "short_payment",
        "return_status": "pending", "status": "open", "note": None,
        "opened_at": case["opened_at"], "resolved_at": None,
    }  # fmt: skip
    resolve = f"{CASES}/{case['id']}/resolve"
    early = await client.post(resolve, json={"note": "Seen"}, headers=operator)
    assert (early.status_code, early.json()["code"]) == (409, "return_under_way")

    await hear_everything(client, resources, 2)
    assert await refunds.resume_returns(resources.refunds) == 1
    await hear_everything(client, resources, 2)
    [payment] = (await client.get(path, headers=as_buyer)).json()["payments"]
    assert (payment["captured"], payment["refunded"]) == (eur(675), eur(675))
    assert [one["status"] for one in payment["returns"]] == ["succeeded"]
    [case] = (await client.get(CASES, headers=operator)).json()["items"]
    assert (case["return_status"], case["returned"], case["status"]) == (
        "succeeded", eur(675), "open",
    )  # fmt: skip
    assert await balances(connection) == {}

    for body in ({}, {"note": ""}, {"note": "done", "more": 1}):
        assert (await client.post(resolve, json=body, headers=operator)).status_code == 422
    done = await client.post(resolve, json={"note": "Their own error"}, headers=operator)
    assert done.status_code == 200, done.text
    assert (done.json()["status"], done.json()["note"]) == ("resolved", "Their own error")
    again = await client.post(resolve, json={"note": "Once more"}, headers=operator)
    assert (again.status_code, again.json()["code"]) == (409, "return_case_closed")
    assert (await client.get(CASES, headers=operator)).json()["items"] == []

    paid = await client.post(
        f"{path}/payments",
        json={"payment_method": "sandbox", "payment_token": "tok_ok"},
        headers={"Idempotency-Key": "again", **as_buyer},
    )
    assert (paid.status_code, paid.json()["status"]) == (201, "paid")
    assert [one["captured"] for one in paid.json()["payments"]] == [eur(675), eur(1350)]
    assert await wrong_with(connection, resources) == []


@pytest.mark.case(27)
async def test_case_27_at_shipment_nothing_leaves_and_it_is_one_case(
    connection: Connection, resources: Resources, clock: ManualClock
) -> None:
    market = at_shipment(resources)
    await make_commission(connection)
    shop: Shop = await make_shop(connection, price_minor=1350)
    token = Tender(method="sandbox", token="tok_captures_half")
    order = await buy(market, (shop, 1), tenders=(token,))
    operator = await bearer(market, await make_operator(connection, now=clock.now()))
    async with caller_of(market) as door:
        refused = await shipped(door, market, order, shop)
        assert (refused.status_code, refused.json()["code"]) == (409, "capture_declined")
        assert refused.json()["decline_code"] == "short_capture"
        await hear_everything(door, market, 2)
        assert await refunds.resume_returns(market.refunds) == 1
        await hear_everything(door, market, 2)
        again = await shipped(door, market, order, shop)
        assert (again.status_code, again.json()["code"]) == (409, "short_capture_open")
        assert "the part is cancelled by itself" in again.json()["detail"]
        told = await seen(door, market, order, shop)
        assert (told["status"], told["payment_status"]) == ("processing", "failed")

        part = (await seen(door, market, order, shop))["seller_orders"][0]
        assert (part["status"], part["captured_at"], part["shipments"]) == ("processing", None, [])
        told = (await door.get(f"/api/v1/orders/{order.id}", headers=operator)).json()
        [payment] = told["payments"]
        assert (payment["captured"], payment["refunded"]) == (eur(675), eur(675))
        assert [(one["asked"], one["amount"], one["status"]) for one in payment["returns"]] == [
            (eur(1350), eur(675), "succeeded")
        ]
        [case] = (await door.get(CASES, headers=operator)).json()["items"]
        assert (case["order_id"], case["asked"], case["captured"], case["returned"]) == (
            str(order.id), eur(1350), eur(675), eur(675),
        )  # fmt: skip
        assert case["capture_id"] is not None
    assert await balances(connection) == {}
    assert await wrong_with(connection, market) == []

    # The provider tells of both movements, and the books know both.
    [moved] = await reconciliation.pull(
        market.db, gateways=market.gateways, gateway="sandbox", viewer=GUEST, now=clock.now()
    )
    assert (moved.movements, moved.matched, moved.waiting) == (2, 2, 0)

    # Its gateway has closed the charge: what can't be paid for any more is cancelled by itself.
    await upkeep.watch_authorizations(market)
    # Nothing of it is left to be sent back, whoever looks again.
    ended = await payments.advance(
        db=market.db, gateways=market.gateways, clock=clock, policy=market.policy,
        order_id=order.id, reported=(order.payments[0].id,),
    )  # fmt: skip
    assert (ended.status, ended.payment_status) == ("cancelled", "failed")
    assert ended.parts[0].cancel_reason == "short_capture"
    assert (
        await connection.fetchval(
            "SELECT data->>'reason' FROM outbox_event WHERE type = 'order.cancelled'"
        )
        == "short_capture"
    )
    assert await connection.fetchval("SELECT sum(reserved) FROM stock_level") == 0
    assert await refunds.resume_returns(market.refunds) == 0
    assert await wrong_with(connection, market) == []


@pytest.mark.case(27)
async def test_case_27_the_operator_finds_it_and_closes_it(
    connection: Connection, resources: Resources, lamp: MadeProduct
) -> None:
    async with caller_of(resources) as caller:
        await place(caller, order_body((lamp.variant_id, 1), token="tok_captures_half"))
        number = order_number(await connection.fetchval("SELECT number FROM orders"))
        visitor = Visitor(caller)
        await enter(visitor, resources, await make_operator(connection, now=resources.clock.now()))
        assert "Captured, and paid for nothing" in await open_page(visitor, "/operator")
        text = await open_page(visitor, INBOX)
        assert_sound(text)
        assert "sandbox: €13.50 asked, €6.75 captured" in text
        assert number in text
        assert "goes back by itself" in text
        assert "/payment-returns/" not in text  # not before it is known what becomes of it

        await refunds.resume_returns(resources.refunds)
        assert "What was captured went back to the buyer." in await open_page(visitor, INBOX)
        shown = await open_page(visitor, f"/operator/orders/{number}")
        assert "Pays for nothing" in shown
        assert "Only €6.75 of €13.50 was taken, so it paid for nothing" in shown
        case_id = await connection.fetchval("SELECT id FROM payment_return")
        path = f"{INBOX}/payment-returns/{case_id}/resolve"
        await open_page(visitor, INBOX)
        await visitor.send(path, changes={"note": " "})
        assert visitor.page.status_code == 422
        await visitor.send(path, changes={"note": "Told to the provider"})
        assert "nothing was booked by that" in visitor.text
        assert "€6.75 captured" not in visitor.text


@pytest.mark.case(27)
async def test_case_27_the_buyer_reads_what_was_taken_and_where_it_is(
    connection: Connection, resources: Resources
) -> None:
    buyer = await make_user(connection, now=resources.clock.now())
    shop = await make_shop(connection, price_minor=1350)
    token = Tender(method="sandbox", token="tok_captures_half")
    order = await buy(resources, (shop, 1), buyer=buyer, tenders=(token,))
    async with caller_of(resources) as caller:
        visitor = await enter(Visitor(caller), resources, buyer)
        path = f"/orders/{order_number(order.number)}"
        text = await open_page(visitor, f"{path}/pay")
        assert_sound(text)
        assert "Only €6.75 of €13.50 was taken, so your order isn&#39;t paid." in text
        assert "It goes back to you by itself." in text
        assert "Nothing was charged" not in text
        await refunds.resume_returns(resources.refunds)
        assert "It was sent back to you." in await open_page(visitor, f"{path}/pay")
        shown = await open_page(visitor, path)
        assert "Only €6.75 of €13.50 was taken, so it paid for nothing" in shown
        assert "Sent back" in shown


@pytest.mark.case(27)
async def test_case_27_at_shipment_the_buyer_and_the_shop_read_what_happened(
    connection: Connection, resources: Resources
) -> None:
    market = at_shipment(resources)
    buyer = await make_user(connection, now=market.clock.now())
    shop = await make_shop(connection, price_minor=1350)
    token = Tender(method="sandbox", token="tok_captures_half")
    order = await buy(market, (shop, 1), buyer=buyer, tenders=(token,))
    with pytest.raises(CaptureDeclined):
        await ship(market, order, shop)
    number = order_number(order.number)
    async with caller_of(market) as caller:
        visitor = await enter(Visitor(caller), market, buyer)
        told = "The payment provider took another amount than was asked for"
        text = await open_page(visitor, f"/orders/{number}")
        assert_sound(text)
        assert told in text
        await upkeep.watch_authorizations(market)
        text = await open_page(visitor, f"/orders/{number}")
        assert "The payment provider took another amount than its price" in text
        assert "short_capture" not in text


@pytest.mark.case(27)
async def test_case_27_a_bag_ordered_before_isn_t_to_be_paid_again(
    connection: Connection, resources: Resources
) -> None:
    market = at_shipment(resources)
    shop = await make_shop(connection, price_minor=1350)
    async with caller_of(market) as door:
        bag = await filled_bag(door, shop)
        assert (await order_bag(bag, token="tok_captures_half")).status_code == 201
        order_id = await connection.fetchval("SELECT id FROM orders")
        order = await ask(market.db, order_service.load_order, order_id=order_id)
        assert (await shipped(door, market, order, shop)).status_code == 409
        again = await order_bag(bag, token="tok_ok")
    assert (again.status_code, again.json()["payment_status"]) == (200, "failed")


@pytest.mark.case(27)
async def test_case_27_a_shop_is_warned_of_what_isn_t_paid_by_it(
    connection: Connection, resources: Resources
) -> None:
    market = at_shipment(resources)
    shop = await make_shop(connection, price_minor=1350)
    token = Tender(method="sandbox", token="tok_captures_half")
    order = await buy(market, (shop, 1), tenders=(token,))
    path = f"/seller/{shop.seller.id}/orders/{order_number(order.number)}"
    told = "The payment provider took another amount for this than was asked for."
    async with caller_of(market) as caller:
        visitor = await enter(Visitor(caller), market, shop.seller.owner)
        assert told not in await open_page(visitor, path)
        with pytest.raises(CaptureDeclined):
            await ship(market, order, shop)
        text = await open_page(visitor, path)
        assert_sound(text)
        assert told in text
        assert "Not paid for yet" in text
        # What is called off needs no warning.
        await upkeep.watch_authorizations(market)
        text = await open_page(visitor, path)
        assert told not in text
        assert "Never paid for" in text


@pytest.mark.case(27)
async def test_case_27_what_can_t_be_sent_back_is_a_case_though_all_was_taken(
    client: httpx2.AsyncClient, connection: Connection, resources: Resources, lamp: MadeProduct
) -> None:
    first = {"method": "sandbox", "amount": eur(500), "token": "tok_refund_declined"}
    second = {"method": "sandbox", "amount": eur(850), "token": "tok_captures_half"}
    body = order_body((lamp.variant_id, 1)) | {
        "payment_method": [first, second],
        "payment_token": None,
    }
    assert (await place(client, body)).status_code == 402
    operator = await bearer(resources, await make_operator(connection, now=resources.clock.now()))
    [short] = (await client.get(CASES, headers=operator)).json()["items"]
    assert (short["asked"], short["captured"]) == (eur(850), eur(425))
    assert await refunds.resume_returns(resources.refunds) == 2
    found = (await client.get(CASES, headers=operator)).json()["items"]
    assert {(one["captured"]["amount"], one["return_status"]) for one in found} == {
        (425, "succeeded"), (500, "failed"),
    }  # fmt: skip


@pytest.mark.case(27)
@pytest.mark.parametrize("later", [False, True])
async def test_case_27_what_the_provider_keeps_of_it_is_the_market_s_cost(
    connection: Connection, resources: Resources, clock: ManualClock, *, later: bool
) -> None:
    """The fee of a capture isn't given back with it."""
    dear = SandboxGateway(
        resources.settings.home, production=False, fee_bps=200, fee_fixed_minor=30, clock=clock
    )
    market = replace(resources, gateways={**resources.gateways, "sandbox": dear})
    market = at_shipment(market) if later else market
    shop = await make_shop(connection, price_minor=1350)
    token = Tender(method="sandbox", token="tok_captures_half")
    order = await buy(market, (shop, 1), tenders=(token,))
    if later:
        with pytest.raises(CaptureDeclined):
            await ship(market, order, shop)
    assert await refunds.resume_returns(market.refunds) == 1
    # 2 % of 6.75 and 0.30.
    assert await balances(connection) == {"gateway_clearing": -44, "gateway_fee": 44}
    assert await wrong_with(connection, market) == []
    dear.close()


@pytest.mark.case(27)
async def test_case_27_the_bank_isn_t_asked_again_until_a_person_has_looked(
    connection: Connection, resources: Resources, clock: ManualClock
) -> None:
    """Each try that comes short uses up of what is set aside, and is a case of its own; no more is
    asked for than is still set aside."""
    market = at_shipment(resources)
    shop = await make_shop(connection, price_minor=5000)
    other = await make_shop(connection, price_minor=3000)
    token = Tender(method="sandbox", token="tok_captures_half")
    order = await buy(market, (shop, 1), (other, 1), tenders=(token,))
    operator = await bearer(market, await make_operator(connection, now=clock.now()))
    async with caller_of(market) as door:

        async def refused() -> tuple[int, str, str | None]:
            answer = await shipped(door, market, order, shop)
            problem = answer.json()
            said = problem.get("decline_code") or problem.get("return_status")
            return answer.status_code, problem["code"], said

        async def resolve() -> None:
            [case] = (await door.get(CASES, headers=operator)).json()["items"]
            body = {"note": "Seen"}
            path = f"{CASES}/{case['id']}/resolve"
            assert (await door.post(path, json=body, headers=operator)).status_code == 200

        for taken_minor in (2500, 5000):
            assert await refused() == (409, "capture_declined", "short_capture")
            [payment] = (await read(market, order)).payments
            assert payment.taken_minor == taken_minor
            assert await refused() == (409, "short_capture_open", "pending")
            assert await refunds.resume_returns(market.refunds) == 1
            assert await refused() == (409, "short_capture_open", "succeeded")
            assert (await read(market, order)).payment_status == "authorized"
            await resolve()
        assert await refused() == (409, "capture_declined", "not_enough_set_aside")
    [payment] = (await read(market, order)).payments
    assert (payment.captured_minor, payment.taken_minor, payment.given_back_minor) == (
        0, 5000, 5000,
    )  # fmt: skip
    assert await connection.fetchval("SELECT count(*) FROM payment_return") == 2
    assert await balances(connection) == {}
    assert await wrong_with(connection, market) == []

    # What can't be paid for any more is called off for that, the other one for its time.
    clock.advance(timedelta(days=7))
    await upkeep.watch_authorizations(market)
    after = await read(market, order)
    assert [one.cancel_reason for one in after.parts] == ["short_capture", "authorization_expired"]
    assert await wrong_with(connection, market) == []
