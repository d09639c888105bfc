"""A sale settled by one statement: the same as the long way, or nothing at all."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gosellr.core.db import Connection
from gosellr.core.identity import new_id
from gosellr.core.transact import ask, transact, write_together
from gosellr.models.order_values import Order
from gosellr.queries.payments import MARK_PAID
from gosellr.queries.settlements import SETTLE
from gosellr.resources import Resources
from gosellr.services import (
    audit_service,
    checkout_service,
    idempotency_service,
    order_service,
    payment_service,
    settlement_service,
)
from gosellr.services.basket_service import CheckoutRequest, Tender
from gosellr.services.idempotency_service import KeptAnswer, RequestKey
from gosellr.services.opened_order import OpenedOrder
from gosellr.services.payment_answers import GatewayAnswer
from gosellr.services.pricing_service import PricingContext
from gosellr.services.settlement_service import Settled
from gosellr.utils.states import PaymentStatus
from gosellr.utils.viewer import GUEST
from tests.factories.orders import ADDRESS
from tests.factories.sales import Shop, a_key, make_commission, make_shop
from tests.factories.terms import make_coupon, make_delivery, make_tax

# What settling writes, without what is new each time.
WRITTEN = (
    """
    SELECT status, payment_status, captured_minor, paid_at, expires_at, event_count
    FROM orders WHERE id = $1
    """,
    """
    SELECT status, pending_minor, ship_by, version
    FROM seller_order WHERE order_id = $1 ORDER BY index
    """,
    """
    SELECT status, captured_minor, fee_minor, check_at, check_count, sent_count, updated_at,
           gateway_reference
    FROM payment WHERE order_id = $1
    """,
    """
    SELECT sequence, kind, from_status, to_status, actor, data, at
    FROM order_event WHERE order_id = $1 ORDER BY sequence
    """,
    "SELECT expires_at, quantity FROM stock_reservation WHERE order_id = $1",
    "SELECT type, occurred_at FROM outbox_event WHERE aggregate_id = $1 ORDER BY sequence",
    """
    SELECT kind, actor, effective_at, booked_at, entry.position, direction, amount_minor,
           split_part(account, ':', 1), entry.currency
    FROM ledger_transaction AS booked
    JOIN ledger_entry AS entry ON entry.transaction_id = booked.id
    WHERE order_id = $1 ORDER BY kind, entry.position
    """,
)

CARD = (Tender(method="sandbox", token="tok_ok"),)


@pytest.fixture
async def shops(connection: Connection) -> list[Shop]:
    await make_tax(connection, rate_bps=1900)
    await make_delivery(connection)
    await make_commission(connection, fixed_minor=30, on_shipping=True, currency="EUR")
    return [await make_shop(connection, price_minor=1999), await make_shop(connection)]


async def opened(
    resources: Resources,
    shops: Sequence[Shop],
    *,
    tenders: tuple[Tender, ...] = CARD,
    key: RequestKey | None = None,
    **more: Any,
) -> Order:
    """An order as it was just written."""
    found = await transact(
        resources.db,
        checkout_service.open_order,
        order_id=new_id(),
        viewer=GUEST,
        request=CheckoutRequest(
            tenders=tenders,
            items=tuple((shop.product.variant_id, 2) for shop in shops),
            email="Ada@example.com",
            shipping_address=ADDRESS,
            reference="PO 7",
            **more,
        ),
        key=key or a_key(),
        token_hash=b"\x01\x02",
        context=PricingContext(
            policy=resources.policy,
            now=resources.clock.now(),
            terms_shelf=resources.terms_shelf,
        ),
    )
    assert isinstance(found, OpenedOrder)
    assert found.order is not None
    return found.order


async def settle_at_once(resources: Resources, *, order: Order, **said: Any) -> Settled | None:
    draft = settlement_service.draft(order, **said)
    if draft is None:
        return None
    return await write_together(resources.db, settlement_service.settle_drafted, draft)


def captured(order: Order, *, fee_minor: int = 0) -> dict[str, Any]:
    """What gateways say that took all of it."""
    return {
        "answers": [
            GatewayAnswer(
                payment_id=payment.id,
                status=PaymentStatus.CAPTURED,
                sent=True,
                captured_minor=payment.amount_minor,
                fee_minor=fee_minor,
                gateway_reference=f"ref-{payment.part}",
            )
            for payment in order.payments
        ]
    }


async def stored(resources: Resources, order: Order) -> Order:
    return await ask(resources.db, order_service.load_order, order_id=order.id)


TWO_CARDS = (Tender(method="sandbox", token="tok_ok", amount_minor=1500), *CARD)


@pytest.mark.parametrize("tenders", [CARD, TWO_CARDS])
async def test_what_was_written_and_settled_is_what_is_read(
    resources: Resources, connection: Connection, shops: list[Shop], tenders: tuple[Tender, ...]
) -> None:
    order = await opened(resources, shops, tenders=tenders)
    assert order == await stored(resources, order)
    paid = await settle_at_once(
        resources,
        order=order,
        policy=resources.policy,
        now=resources.clock.now() + timedelta(seconds=2),
        **captured(order, fee_minor=33),
    )
    assert paid is not None
    assert paid.order == await stored(resources, order)
    assert (paid.order.status, paid.order.captured_minor) == ("paid", order.total_minor)


async def test_the_answer_is_kept_with_it_or_not_at_all(
    resources: Resources, connection: Connection, shops: list[Shop]
) -> None:
    said = {"policy": resources.policy, "now": resources.clock.now()}
    for moved in (False, True):
        key = a_key()
        order = await opened(resources, shops, key=key)
        seen = replace(order, version=order.version + moved)
        done = await settle_at_once(
            resources,
            order=seen,
            tell=lambda paid, key=key: KeptAnswer(
                request=key, status=201, body=paid.status.encode()
            ),
            **said,
            **captured(order),
        )
        earlier = await ask(resources.db, idempotency_service.find, request=key)
        assert earlier is not None
        assert (done is None) == moved
        assert (earlier.status, earlier.body) == ((None, None) if moved else (201, b"paid"))


async def test_the_order_is_found_by_its_key(connection: Connection) -> None:
    """And not by the index of all that wait, every one of which it would walk over."""
    await connection.execute("SET LOCAL enable_seqscan = off")
    await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
    for statement, count in ((SETTLE, 19), (MARK_PAID, 10)):
        await connection.execute(f"PREPARE looked_at AS {statement}")
        nothing = ", ".join(["NULL"] * count)
        rows = await connection.fetch(f"EXPLAIN EXECUTE looked_at({nothing})")
        await connection.execute("DEALLOCATE looked_at")
        lines = [row[0].strip() for row in rows]
        [scan] = [line for line in lines if " on orders" in line and "Scan" in line]
        assert "Index Scan using pk_orders on orders" in scan


async def test_it_writes_what_the_long_way_writes(
    resources: Resources, connection: Connection, shops: list[Shop]
) -> None:
    said = {"policy": resources.policy, "now": resources.clock.now()}
    at_once, by_steps = [await opened(resources, shops) for _ in range(2)]
    assert await settle_at_once(
        resources,
        order=at_once,
        **said,
        **captured(at_once, fee_minor=33),
    )
    await transact(
        resources.db,
        payment_service.record,
        order_id=by_steps.id,
        **said,
        **captured(by_steps, fee_minor=33),
    )

    async def rows(order: Order) -> list[list[tuple[Any, ...]]]:
        return [
            [tuple(row) for row in await connection.fetch(statement, order.id)]
            for statement in WRITTEN
        ]

    assert await rows(at_once) == await rows(by_steps)
    assert all(await rows(at_once))
    async with connection.transaction():
        broken = await audit_service.audit(
            connection, now=resources.clock.now(), gateway_journals={}
        )
    assert broken == []


async def test_whoever_came_in_between_is_not_overwritten(
    resources: Resources, connection: Connection, shops: list[Shop]
) -> None:
    """An answer that left it open raises the version: the statement finds another order."""
    said = {"policy": resources.policy, "now": resources.clock.now()}
    order = await opened(resources, shops)
    unknown = [GatewayAnswer(payment_id=order.payments[0].id, status=None, sent=True)]
    await transact(resources.db, payment_service.record, order_id=order.id, answers=unknown, **said)
    before = await stored(resources, order)
    assert before.version > order.version
    assert await settle_at_once(resources, order=order, **said, **captured(order)) is None
    assert await stored(resources, order) == before
    assert await connection.fetchval("SELECT count(*) FROM ledger_transaction") == 0


async def test_what_does_not_pay_it_all_takes_the_long_way(
    resources: Resources, connection: Connection, shops: list[Shop]
) -> None:
    said = {"policy": resources.policy, "now": resources.clock.now()}
    half = await opened(resources, shops, tenders=TWO_CARDS)
    answers = captured(half)["answers"][:1]
    bought = await opened(resources, shops, coupons=(await make_coupon(connection),))
    for order, given in ((half, answers), (bought, captured(bought)["answers"])):
        assert await settle_at_once(resources, order=order, answers=given, **said) is None
        assert await stored(resources, order) == order
