"""How the life of a market ends: what people do about all that waits for them."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from uuid import uuid4

from gosellr.core.transact import ask, transact
from gosellr.flows import bank_transfers
from gosellr.services import door_service, hand_refund_service
from gosellr.services.hand_refund_service import SentTransfer
from gosellr.utils.order_states import OrderStatus
from tests.factories.disputes import OPERATOR, cases_of, decide
from tests.factories.sales import (
    cancel,
    part_of,
    read,
    refund,
    seller_owes,
    ship,
    step,
)
from tests.factories.stored_value import give_credit, operator
from tests.factories.transfers import PAYER_IBAN
from tests.simulate.life_acts import bank_decides, close_cases
from tests.simulate.lives import Bought, Life

_IN_SUSPENSE = """
SELECT id FROM provider_movement
WHERE gateway = 'bank_transfer' AND resolution = 'suspense' AND cleared_at IS NULL
"""
Settling = Callable[[Life, Bought], Awaitable[None]]


def settling(one: Bought) -> Iterator[Settling]:
    """What people do about an order that nothing more is to happen to."""
    yield _decide_cases
    yield _hand_back
    yield _send_transfers
    yield from (_finish_parts, _give_rest, _give_credit) if one.shops else ()


async def _decide_cases(life: Life, one: Bought) -> None:
    for case in await cases_of(life.market, one.order):
        if case.dispute.status != "closed":
            share_bps = life.chance.choice((0, 5000, 10_000))
            await life.attempt("decide", decide(life.market, case, share_bps=share_bps))


async def _hand_back(life: Life, one: Bought) -> None:
    for given in (await read(life.market, one.order)).refunds:
        if given.status in ("pending", "unknown"):
            handing = transact(
                life.market.db,
                door_service.hand_back,
                viewer=OPERATOR,
                order_id=one.order.id,
                refund_id=given.id,
                policy=life.market.policy,
                now=life.clock.now(),
            )
            await life.attempt("hand back", handing)


async def _send_transfers(life: Life, _: Bought) -> None:
    powers, someone = life.market.transfers, await operator(life.market)
    waiting = await ask(life.market.db, hand_refund_service.list_open, cursor=None, limit=100)
    for back in waiting.items:
        known = back.account_encrypted is not None or back.payer_encrypted is not None
        account = bank_transfers.TypedAccount(iban=PAYER_IBAN, holder="Ada Lovelace")
        sending = bank_transfers.mark_sent(
            powers,
            viewer=someone,
            hand_refund_id=back.id,
            sent=SentTransfer(transaction_id=uuid4().hex, sent_at=life.clock.now()),
            account=None if known else account,
        )
        await life.attempt("send back", sending)
    for row in await life.connection.fetch(_IN_SUSPENSE):
        giving = bank_transfers.give_back(
            powers,
            viewer=someone,
            receipt_id=row["id"],
            sent=SentTransfer(transaction_id=uuid4().hex, sent_at=life.clock.now()),
        )
        await life.attempt("give back", giving)


async def _finish_parts(life: Life, one: Bought) -> None:
    order = await read(life.market, one.order)
    if order.status == "pending_payment":
        return
    for shop in one.shops:
        if part_of(order, shop).status in ("cancelled", "delivered", "completed"):
            continue
        if life.chance.random() < 0.4:
            doing = cancel(life.market, order, viewer=shop.viewer, shop=shop)
            await life.attempt("cancel", doing)
        await life.attempt("ship", ship(life.market, order, shop))
        arriving = step(life.market, order, OrderStatus.DELIVERED, viewer=shop.viewer, shop=shop)
        await life.attempt("deliver", arriving)


async def _give_rest(life: Life, one: Bought) -> None:
    """What a bank refused of a cancelled part goes back as store credit."""
    order = await read(life.market, one.order)
    for shop in one.shops:
        part = part_of(order, shop)
        left_minor = part.total_minor - part.refunded_minor
        if order.paid_at is not None and part.status == "cancelled" and left_minor:
            giving = refund(
                life.market,
                order,
                shop,
                amount_minor=left_minor,
                to_store_credit=True,
                viewer=OPERATOR,
            )
            await life.attempt("give rest", giving)


async def _give_credit(life: Life, one: Bought) -> None:
    """A shop is sorry at times, and gives of what it has."""
    for shop in one.shops:
        available = (await seller_owes(life.connection, shop)).get("available", 0)
        if available and life.chance.random() < 0.3:
            minor = life.chance.randint(1, available)
            giving = give_credit(life.market, one.order, shop, minor, currency=life.currency)
            await life.attempt("give credit", giving)


async def rest(life: Life) -> None:
    """Let banks decide, people do what waits for them, and time pass, until nothing moves."""
    while life.chargebacks:
        await life.attempt("bank decides", bank_decides(life))
    for _ in range(8):
        life.clock.advance(timedelta(days=4))
        await life.work()
        for one in life.bought:
            for doing in settling(one):
                await life.attempt("settle", doing(life, one))
    await close_cases(life)
    for _ in range(3):
        life.clock.advance(timedelta(days=4))
        await life.work()
