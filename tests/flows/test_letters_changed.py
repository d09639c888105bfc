"""Letters about orders that became smaller or nothing before any money was taken for them."""

from datetime import timedelta

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.transact import transact
from gosellr.flows import refunds
from gosellr.jobs import upkeep
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.services import cash_terms_service, stray_service
from gosellr.services.basket_service import Tender
from gosellr.services.payment_captures import CaptureDeclined
from gosellr.services.short_captures import ShortCaptureOpen
from tests.factories.accounts import make_operator
from tests.factories.captures import at_shipment
from tests.factories.letters import mails, open_room, send, text_of, to_whom, write
from tests.factories.payouts import wrong_with
from tests.factories.reductions import call_off
from tests.factories.sales import (
    Shop,
    buy,
    cancel,
    make_buyer,
    make_commission,
    make_shop,
    ship,
)
from tests.factories.transfers import BY_TRANSFER, offline

ADA = "ada@example.com"
IN_CASH = (Tender(method="cash_on_delivery"),)


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    await make_commission(connection)
    return await make_shop(connection)


async def said(resources: Resources, connection: Connection, kind: str) -> str:
    """The only letter of a kind, as it arrived."""
    await write(resources, connection)
    await send(resources)
    name = f".{kind.replace('_', '-')}."
    [mail] = [one for one in mails(resources) if name in str(one["Message-ID"])]
    return text_of(mail)


async def test_what_is_called_off_is_told_to_the_buyer_and_to_whoever_would_send_it(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    market = at_shipment(resources)
    order = await buy(market, (shop, 3))
    await open_room(market, connection)
    await call_off(market, order, shop, 2)
    await write(market, connection)
    assert sorted(await to_whom(connection)) == [
        ("order_reduced", ADA),
        ("sale_reduced", shop.seller.owner.email),
    ]
    to_buyer = await said(market, connection, "order_reduced")
    assert "  2 × Lamp\n\n  You pay less: €100.00 EUR\n  Reason: one is enough\n" in to_buyer
    to_shop = await said(market, connection, "sale_reduced")
    assert "  2 × Lamp\n\n  The buyer pays less: €100.00 EUR\n  Reason: one is enough\n" in to_shop


async def test_a_shop_that_knows_of_no_order_yet_isn_t_told_to_send_less(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    market = offline(resources)
    buyer = await make_buyer(connection)
    order = await buy(market, (shop, 2), tenders=BY_TRANSFER, buyer=buyer)
    await open_room(market, connection)
    await call_off(market, order, shop, viewer=buyer.viewer)
    await write(market, connection)
    assert [kind for kind, _ in await to_whom(connection)] == ["order_reduced"]


@pytest.mark.parametrize("way", ["cash", "set aside", "taken"])
async def test_a_cancelled_part_says_what_becomes_of_its_money(
    resources: Resources, connection: Connection, shop: Shop, way: str
) -> None:
    market, tenders = {
        "cash": (offline(resources), {"tenders": IN_CASH}),
        "set aside": (at_shipment(resources), {}),
        "taken": (resources, {}),
    }[way]
    await transact(
        market.db,
        cash_terms_service.change_terms,
        viewer=shop.viewer,
        seller_id=shop.seller.id,
        limits_minor={"EUR": 40_000},
        now=market.clock.now(),
    )
    buyer = await make_buyer(connection)
    order: Order = await buy(market, (shop, 1), buyer=buyer, **tenders)
    await open_room(market, connection)
    await cancel(market, order, viewer=buyer.viewer, shop=shop)
    text = await said(market, connection, "part_cancelled")
    goes_back = "What you paid for it goes back the way it came" in text
    assert (goes_back, "no money was taken" in text) == (way == "taken", way != "taken")
    has_refund = "refund_made" in dict(await to_whom(connection))
    assert has_refund == (way == "taken")


async def test_what_was_cancelled_before_its_letter_was_written_is_confirmed_to_nobody(
    resources: Resources, connection: Connection, clock: ManualClock, shop: Shop
) -> None:
    """A worker that was away finds both facts at once."""
    other = await make_shop(connection)
    buyer = await make_buyer(connection)
    await open_room(resources, connection)
    order = await buy(resources, (shop, 2), (other, 1), buyer=buyer)
    await cancel(resources, order, viewer=buyer.viewer, shop=other)
    clock.advance(timedelta(minutes=1))
    alone = await buy(resources, (other, 1), buyer=buyer)
    await cancel(resources, alone, viewer=buyer.viewer, shop=other)
    await write(resources, connection)
    kinds = [kind for kind, _ in await to_whom(connection)]
    assert (kinds.count("order_confirmed"), kinds.count("order_to_ship")) == (1, 1)
    assert (kinds.count("part_cancelled"), kinds.count("sale_cancelled")) == (2, 2)
    text = await said(resources, connection, "order_confirmed")
    assert text.count("From ") == 1
    assert "  Total: €100.00 EUR\n" in text


@pytest.mark.case(27)
async def test_case_27_a_capture_that_comes_short_is_told_to_the_buyer_and_who_keeps_the_goods(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    market = at_shipment(resources)
    other = await make_shop(connection)
    short = (Tender(method="sandbox", token="tok_captures_half"),)
    order = await buy(market, (shop, 1), (other, 1), tenders=short)
    await open_room(market, connection)
    for refusal in (CaptureDeclined, ShortCaptureOpen):
        with pytest.raises(refusal):
            await ship(market, order, shop)
        await write(market, connection)
    assert sorted(await to_whom(connection)) == [
        ("captured_short", ADA),
        ("sale_captured_short", shop.seller.owner.email),
    ]
    to_buyer = await said(market, connection, "captured_short")
    assert "  Taken: €25.00 EUR\n  Asked for: €50.00 EUR\n" in to_buyer
    assert "What it was for hasn't been sent." in to_buyer
    to_shop = await said(market, connection, "sale_captured_short")
    assert "Please keep the goods:\n\n  1 × Lamp: €50.00\n\n  Total: €50.00 EUR\n" in to_shop
    assert await wrong_with(connection, market) == []


@pytest.mark.case(27)
async def test_case_27_a_part_that_ends_by_a_short_capture_is_not_told_that_nothing_was_taken(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    market = at_shipment(resources)
    short = (Tender(method="sandbox", token="tok_captures_half"),)
    order = await buy(market, (shop, 1), tenders=short)
    with pytest.raises(CaptureDeclined):
        await ship(market, order, shop)
    await open_room(market, connection)
    await upkeep.watch_authorizations(market)
    to_buyer = await said(market, connection, "part_cancelled")
    assert "  Reason: The payment provider took another amount than its price\n" in to_buyer
    assert "what the payment provider took in vain goes back to you by itself." in to_buyer
    assert "no money was taken" not in to_buyer


@pytest.mark.case(27)
async def test_case_27_what_comes_short_as_an_order_is_paid_is_told_to_its_buyer_alone(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    await open_room(resources, connection)
    await buy(resources, (shop, 1), tenders=(Tender(method="sandbox", token="tok_captures_half"),))
    await write(resources, connection)
    assert await to_whom(connection) == [("captured_short", ADA)]
    to_buyer = await said(resources, connection, "captured_short")
    assert "  Taken: €25.00 EUR\n  Asked for: €50.00 EUR\n" in to_buyer
    assert "you can pay it again on its page" in to_buyer
    assert await wrong_with(connection, resources) == []


@pytest.mark.case(27)
@pytest.mark.parametrize("way_back", ["pending", "unknown", "succeeded", "failed"])
async def test_case_27_who_cancels_what_came_short_reads_what_was_taken_and_where_it_is(
    resources: Resources, connection: Connection, shop: Shop, way_back: str
) -> None:
    market = at_shipment(resources)
    other = await make_shop(connection)
    short = (Tender(method="sandbox", token="tok_captures_half"),)
    buyer = await make_buyer(connection)
    order = await buy(market, (shop, 1), (other, 1), tenders=short, buyer=buyer)
    with pytest.raises(CaptureDeclined):
        await ship(market, order, shop)
    if way_back == "succeeded":
        assert await refunds.resume_returns(market.refunds) == 1
    else:
        await connection.execute("UPDATE payment_return SET status = $1", way_back)
    await open_room(market, connection)
    await cancel(market, order, viewer=buyer.viewer, shop=shop)
    to_buyer = await said(market, connection, "part_cancelled")
    assert "no money was taken" not in to_buyer
    assert "  Taken in vain: €25.00 EUR\n" in to_buyer
    assert {
        "pending": "what the payment provider took in vain goes back to you by itself.",
        "unknown": "what the payment provider took in vain goes back to you by itself.",
        "succeeded": "what the payment provider took in vain was sent back to you.",
        "failed": "couldn't be sent back by itself. We see to it that you get it.",
    }[way_back] in " ".join(to_buyer.split())
    # Nothing was ever taken for its sibling.
    await cancel(market, order, viewer=buyer.viewer, shop=other)
    await write(market, connection)
    told = "SELECT context->>'money' FROM letter WHERE kind = 'part_cancelled' ORDER BY created_at"
    assert [row[0] for row in await connection.fetch(told)] == [
        {"succeeded": "back", "failed": "stuck"}.get(way_back, "astray"), "not taken",
    ]  # fmt: skip


@pytest.mark.case(27)
@pytest.mark.parametrize(("closed", "told"), [(True, False), (True, True), (False, False)])
async def test_case_27_what_could_be_shipped_again_and_wasn_t_ends_for_its_time(
    resources: Resources,
    connection: Connection,
    clock: ManualClock,
    shop: Shop,
    closed: bool,
    told: bool,
) -> None:
    """55.00 of 100.00 are still set aside for 50.00, once a person has looked at what came short:
    from then on it is its shop that doesn't ship."""
    market = at_shipment(resources)
    other = await make_shop(connection)
    short = (Tender(method="sandbox", token="tok_captures_half"),)
    order = await buy(market, (shop, 1), (other, 1), tenders=short)
    with pytest.raises(CaptureDeclined):
        await ship(market, order, shop)
    assert await refunds.resume_returns(market.refunds) == 1
    if closed:
        await transact(
            market.db,
            stray_service.close_case,
            viewer=(await make_operator(connection, now=clock.now())).viewer,
            return_id=await connection.fetchval("SELECT id FROM payment_return"),
            note="Their own error",
            now=clock.now(),
        )
    await open_room(market, connection)
    if told:
        # Its gateway says so before anybody has looked.
        await connection.execute("UPDATE payment SET status = 'expired'")
    clock.advance(timedelta(days=7))
    await upkeep.watch_authorizations(market)
    reasons = "SELECT cancel_reason FROM seller_order WHERE order_id = $1 ORDER BY index"
    why = "authorization_expired" if closed else "short_capture"
    assert [row[0] for row in await connection.fetch(reasons, order.id)] == [
        why, "authorization_expired",
    ]  # fmt: skip
    await write(market, connection)
    letters = """
        SELECT context->>'reason', context->>'money' FROM letter
        WHERE kind = 'part_cancelled' ORDER BY context->>'money'
    """
    late = "It wasn't sent while its money was set aside"
    fault = "The payment provider took another amount than its price"
    assert [tuple(row) for row in await connection.fetch(letters)] == [
        (late if closed else fault, "back"), (late, "not taken"),
    ]  # fmt: skip
    assert await wrong_with(connection, market) == []
