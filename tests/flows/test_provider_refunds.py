"""What goes back at a provider without us: booked as a refund or a chargeback, or kept."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.errors import ServiceUnavailable
from gosellr.core.transact import ask, transact
from gosellr.flows import provider_refunds, webhooks
from gosellr.jobs import upkeep
from gosellr.resources import Resources
from gosellr.services import provider_refund_service
from gosellr.services.audit_service import audit
from gosellr.services.checkout_service import Tender
from tests.factories.disputes import OPERATOR, cases_of
from tests.factories.paypal import PayPalSale, give_back, sell
from tests.factories.sales import (
    balances,
    buy,
    make_buyer,
    make_shop,
    read,
    refund,
    seller_owes,
)
from tests.integrations.paypal_api.account import money
from tests.integrations.paypal_api.quarrels import decide, quarrel
from tests.integrations.paypal_api.server import NO_CONNECTION
from tests.integrations.stripe_api.account import GOOD, Account
from tests.integrations.stripe_api.server import FakeStripe, make_gateway


@pytest.fixture
async def sale(resources: Resources, connection: Connection, clock: ManualClock) -> PayPalSale:
    return await sell(resources, connection, clock)


async def is_sound(sale: PayPalSale) -> None:
    now = sale.market.clock.now()
    assert await audit(sale.connection, now=now, gateway_journals={}) == []


async def kept(sale: PayPalSale) -> list[tuple[Any, ...]]:
    rows = await sale.connection.fetch(
        "SELECT gateway_reference, amount_minor, is_reversal, status, reason FROM provider_refund"
        " ORDER BY told_at, gateway_reference"
    )
    return [tuple(row) for row in rows]


async def count(sale: PayPalSale) -> int:
    found: int = await sale.connection.fetchval("SELECT count(*) FROM ledger_transaction")
    return found


def again(sale: PayPalSale) -> None:
    """PayPal reports all that went back in another report each."""
    events = sale.server.account.events
    events += [
        one | {"id": f"{one['id']}-again"}
        for one in list(events)
        if one["event_type"] in {"PAYMENT.CAPTURE.REFUNDED", "PAYMENT.CAPTURE.REVERSED"}
    ]


@pytest.mark.parametrize("amount_minor", [10_000, 3_333])
async def test_a_refund_made_at_paypal_is_a_refund(sale: PayPalSale, amount_minor: int) -> None:
    before = await balances(sale.connection)
    name = give_back(sale, amount_minor)
    await sale.report_all()
    order = await read(sale.market, sale.order)
    whole = amount_minor == 10_000
    assert order.payment_status == ("refunded" if whole else "partially_refunded")
    assert (order.refunded_minor, order.payments[0].refunded_minor) == (amount_minor,) * 2
    [made] = order.refunds
    assert (made.status, made.amount_minor, made.reason) == (
        "succeeded", amount_minor, "Refunded at paypal",
    )  # fmt: skip
    assert sum((await seller_owes(sale.connection, sale.shop)).values()) == 10_000 - amount_minor
    after = await balances(sale.connection)
    assert after["gateway_clearing"] == before["gateway_clearing"] - amount_minor
    assert "refund_in_transit" not in after
    assert await kept(sale) == [(name, amount_minor, False, "booked", None)]
    await is_sound(sale)
    known = await count(sale)
    again(sale)
    await sale.report_all()
    assert await count(sale) == known
    # PayPal's movement of it bears the same name.
    await sale.tell((name, "T1107", -amount_minor, sale.capture["id"]))
    assert await sale.movements() == {name: ("matched", None, 0)}


async def test_a_fee_that_came_back_with_a_refund_is_booked_as_reported(sale: PayPalSale) -> None:
    name = give_back(sale, 2_000)
    await sale.report_all()
    before = await balances(sale.connection)
    for _ in range(2):
        await sale.tell((name, "T1107", -2_000, sale.capture["id"]), fee_change_minor=70)
    assert await sale.movements() == {name: ("matched", None, 0)}
    after = await balances(sale.connection)
    assert {kind: after[kind] - before[kind] for kind in after if after[kind] != before[kind]} == {
        "gateway_clearing": 70, "gateway_fee": -70,
    }  # fmt: skip
    assert sorted(await sale.booked("reconciled")) == [
        ("gateway_clearing", "debit", 70), ("gateway_fee", "credit", 70),
    ]  # fmt: skip
    await is_sound(sale)


async def test_a_fee_that_came_back_is_no_excuse_for_another_amount(sale: PayPalSale) -> None:
    name = give_back(sale, 2_000)
    await sale.report_all()
    await sale.tell((name, "T1107", -2_100, sale.capture["id"]), fee_change_minor=70)
    assert await sale.movements() == {name: ("unmatched", "amount_differs", -30)}
    assert await sale.booked("reconciled") == []


async def test_what_was_read_as_a_smaller_refund_before_is_the_same_movement(
    sale: PayPalSale,
) -> None:
    name = give_back(sale, 2_000)
    await sale.report_all()
    await sale.tell((name, "T1107", -1_930, sale.capture["id"]))
    assert await sale.movements() == {name: ("unmatched", "amount_differs", 70)}
    await sale.tell((name, "T1107", -2_000, sale.capture["id"]), fee_change_minor=70)
    assert await sale.movements() == {name: ("matched", None, 0)}
    await is_sound(sale)


async def test_ours_is_no_one_else_s(sale: PayPalSale) -> None:
    await refund(sale.market, sale.order, sale.shop, amount_minor=1_000)
    # PayPal doesn't show our name of it any more: it is known by PayPal's.
    del sale.server.account.refunds()[0]["custom_id"]
    give_back(sale, 500)
    await sale.report_all()
    order = await read(sale.market, sale.order)
    assert sorted((one.amount_minor, one.status) for one in order.refunds) == [
        (500, "succeeded"), (1_000, "succeeded"),
    ]  # fmt: skip
    await is_sound(sale)


async def test_what_paypal_took_back_is_a_lost_chargeback(sale: PayPalSale) -> None:
    before = await balances(sale.connection)
    name = give_back(sale, 4_000, kind="REVERSED")
    await sale.report_all()
    await sale.report_all()
    [case] = await cases_of(sale.market, sale.order)
    assert case.chargeback is not None
    assert (case.chargeback.gateway_reference, case.chargeback.status) == (name, "lost")
    assert (case.chargeback.reason, case.dispute.outcome) == ("reversed_by_provider", "for_buyer")
    assert sum((await seller_owes(sale.connection, sale.shop)).values()) == 6_000
    after = await balances(sale.connection)
    assert after["gateway_clearing"] == before["gateway_clearing"] - 4_000
    assert "dispute_receivable" not in after
    assert (await read(sale.market, sale.order)).payment_status == "partially_refunded"
    assert await kept(sale) == [(name, 4_000, True, "booked", None)]
    await is_sound(sale)
    await sale.tell(("GONE", "T1106", -4_000, name))
    assert await sale.movements() == {"GONE": ("matched", None, 0)}


@pytest.mark.parametrize("kind", ["REFUNDED", "REVERSED"])
@pytest.mark.parametrize("disputed_minor", [10_000, 2_500])
async def test_what_a_dispute_took_is_booked_as_that_alone(
    sale: PayPalSale, kind: str, disputed_minor: int
) -> None:
    amount = money(disputed_minor, "EUR")
    dispute = quarrel(sale.server.account, sale.capture, dispute_amount=amount)
    decide(sale.server.account, dispute, "ACCEPTED", refunded=amount)
    name = give_back(sale, disputed_minor, kind=kind)
    # The dispute's own reports are late.
    late, sale.server.account.events[:] = (
        sale.server.account.events[:-1],
        sale.server.account.events[-1:],
    )
    await sale.report_all()
    sale.server.account.events.extend(late)
    await sale.report_all()
    again(sale)
    await sale.report_all()
    assert await kept(sale) == [(name, disputed_minor, kind == "REVERSED", "explained", None)]
    assert sum((await seller_owes(sale.connection, sale.shop)).values()) == 10_000 - disputed_minor
    assert len(await cases_of(sale.market, sale.order)) == 1
    await is_sound(sale)


async def test_what_fits_no_recipe_waits_with_its_reason_and_is_tried_again(
    sale: PayPalSale,
) -> None:
    dispute = quarrel(sale.server.account, sale.capture)
    await sale.report_all()
    before = await balances(sale.connection)
    name = give_back(sale, 3_000)
    await sale.report_all()
    reason = (
        "More went back than is left of the payment: other refunds are on their way,"
        " or a bank has taken it back"
    )
    assert await kept(sale) == [(name, 3_000, False, "waiting", reason)]
    assert await balances(sale.connection) == before
    decide(sale.server.account, dispute, "RESOLVED_SELLER_FAVOUR")
    await sale.report_all()
    await upkeep.find_chargebacks(sale.market)
    assert await kept(sale) == [(name, 3_000, False, "booked", None)]
    assert (await read(sale.market, sale.order)).refunded_minor == 3_000
    await is_sound(sale)


async def test_what_paypal_reports_and_doesn_t_show_waits_for_a_person(sale: PayPalSale) -> None:
    before = await balances(sale.connection)
    name = give_back(sale, 3_000, kind="REVERSED")
    [order] = sale.server.account.orders.values()
    order["purchase_units"][0]["payments"]["refunds"].clear()
    await sale.report_all()
    await upkeep.find_chargebacks(sale.market)
    assert await kept(sale) == [(name, 3_000, True, "waiting", provider_refunds.UNSEEN)]
    assert await balances(sale.connection) == before
    [waits] = await ask(sale.market.db, provider_refund_service.waiting)
    done = await transact(
        sale.market.db, provider_refund_service.resolve, viewer=OPERATOR, told_id=waits.id,
        note="PayPal paid it back", now=sale.market.clock.now(),
    )  # fmt: skip
    assert (done.status, done.note) == ("resolved", "PayPal paid it back")
    with pytest.raises(provider_refund_service.NotWaiting):
        await transact(
            sale.market.db, provider_refund_service.resolve, viewer=OPERATOR, told_id=waits.id,
            note="again", now=sale.market.clock.now(),
        )  # fmt: skip


@pytest.mark.parametrize("is_named", [True, False])
async def test_silence_loses_nothing(sale: PayPalSale, is_named: bool) -> None:
    give_back(sale, 3_000)
    [*_, event] = sale.server.account.events
    if is_named:
        event["resource"]["custom_id"] = f"gosellr.{sale.order.payments[0].id}"
    sale.server.account.events[:] = [event]
    sale.server.down = NO_CONNECTION
    if is_named:
        await sale.report_all()
    else:
        # Nobody knows yet whose it is: PayPal reports it once more.
        with pytest.raises(ServiceUnavailable):
            await sale.report_all()
    assert await kept(sale) == []
    sale.server.down = None
    if is_named:
        await webhooks.apply_parked(
            db=sale.market.db, gateways=sale.market.gateways, clock=sale.market.clock,
            policy=sale.market.policy,
        )  # fmt: skip
    else:
        await sale.report_all()
    assert [row[3] for row in await kept(sale)] == ["booked"]


async def test_a_refund_in_stripe_s_dashboard_is_shared_by_the_sellers(
    resources: Resources, connection: Connection, clock: ManualClock
) -> None:
    server = FakeStripe(Account(clock))
    gateway = make_gateway(server, clock)
    market = replace(resources, gateways={"stripe": gateway})
    shops = [await make_shop(connection, price_minor=minor) for minor in (6_000, 3_000)]
    order = await buy(
        market, *((shop, 1) for shop in shops), buyer=await make_buyer(connection),
        tenders=[Tender(method="stripe", token=GOOD)],
    )  # fmt: skip
    before = await balances(connection)
    [intent] = server.account.intents.values()
    made = server.account.refund({"payment_intent": intent["id"], "amount": 3_001})
    sale = PayPalSale(market, connection, server, shops[0], order)  # type: ignore[arg-type]
    for _ in range(2):
        for _, headers, body in server.deliveries():
            await webhooks.receive(
                db=market.db, gateways=market.gateways, clock=clock, policy=market.policy,
                payout_powers=market.payouts, gateway="stripe", headers=headers, body=body,
            )  # fmt: skip
    assert await kept(sale) == [(made["id"], 3_001, False, "booked", None)]
    after = await read(market, order)
    assert sorted(one.amount_minor for one in after.refunds) == [1_000, 2_001]
    assert after.payments[0].refunded_minor == 3_001
    moved = (await balances(connection))["gateway_clearing"] - before["gateway_clearing"]
    assert moved == -3_001
    assert [sum((await seller_owes(connection, shop)).values()) for shop in shops] == [
        3_999, 2_000,
    ]  # fmt: skip
    await is_sound(sale)
    await upkeep.read_movements(market)
    clock.advance(timedelta(hours=1))
    await upkeep.read_movements(market)
    rows = await connection.fetch("SELECT kind, status FROM provider_movement ORDER BY kind")
    assert [tuple(row) for row in rows] == [("charge", "matched"), ("refund", "matched")]
    await gateway.aclose()
