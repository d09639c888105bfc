"""Chapters 2 to 4: one order from three sellers, a cancelled part, and a refund after a payout."""

from collections.abc import Iterable

from gosellr.flows import payouts
from gosellr.jobs import upkeep
from gosellr.jobs.story.acts import (
    BY_CARD,
    arrive,
    buy,
    cancel_part,
    confirm,
    left_on_gift_card,
    refund_units,
    ship,
)
from gosellr.jobs.story.opening import COUPON
from gosellr.jobs.story.pen import money
from gosellr.jobs.story.stage import CURRENCY, Stage
from gosellr.models.order_values import Order, OrderLine, SellerOrder
from gosellr.services.basket_service import Tender
from gosellr.utils.stored_value import GIFT_CARD

FIRST = "first"
SECOND = "second"


async def one_order(stage: Stage) -> None:
    """Ada buys from all three, with the coupon, by gift card and card."""
    stage.pen.chapter(2, "One order, three sellers, two ways to pay")
    a, b, c = (stage.shops[letter] for letter in "ABC")
    stage.wait(days=1, until=10)
    order = await buy(
        stage,
        FIRST,
        (a, 2),
        (b, 1),
        (c, 1),
        tenders=(Tender(method=GIFT_CARD, token=stage.gift_code), BY_CARD),
        coupons=(COUPON,),
    )
    _show_order(stage, await stage.order(FIRST))
    by_gift, by_card = (payment.captured_minor for payment in order.payments)
    await stage.follow(
        f"Ada pays {await stage.number(FIRST)} over {money(order.total_minor, CURRENCY)}:"
        f" {money(by_gift, CURRENCY)} off her gift card and {money(by_card, CURRENCY)} by card."
        " One payment for her, one sale for each of the three."
    )
    await stage.show_balances("What each seller has", [a, b, c])


def _show_order(stage: Stage, order: Order) -> None:
    sold = [(part, line) for part in order.parts for line in part.lines]
    rows = [
        *(
            (f"{line.quantity} × {line.title}, {part.seller_name}", *_told(_figures(part, line)))
            for part, line in sold
        ),
        ("all together", *_told(map(sum, zip(*(_figures(*one) for one in sold), strict=True)))),
    ]
    stage.pen.table(
        "What is ordered",
        ("", "goods", "coupon", "delivery", "Ada pays", "commission", "its VAT", "seller earns"),
        rows,
    )


def _figures(part: SellerOrder, line: OrderLine) -> tuple[int, ...]:
    """What a line and its delivery cost, and who gets what of it: a part has one line here."""
    return (
        line.gross_minor,
        -line.marketplace_discount_minor,
        part.shipping_total_minor,
        part.total_minor,
        part.commission_minor,
        part.commission_vat_minor,
        part.net_minor,
    )


def _told(figures: Iterable[int]) -> tuple[str, ...]:
    return tuple(money(one, CURRENCY).removesuffix(f" {CURRENCY}") for one in figures)


async def a_part_is_cancelled(stage: Stage) -> None:
    """C can't deliver: Ada's card, which paid last, is refunded first."""
    stage.pen.chapter(3, "Seller C cancels its part")
    c = stage.shops["C"]
    stage.wait(days=1, until=11)
    await cancel_part(stage, FIRST, c, reason="It broke while we packed it")
    order = await stage.order(FIRST)
    await stage.follow(
        f"The {c.goods} broke while it was packed, and {c.name} cancels."
        f" {money(order.refunded_minor, CURRENCY)} go back, the last to pay first:"
        f" {_went_back(order)}. The others' money isn't touched, the commission is given back,"
        " and the marketplace gets its share of the coupon back."
    )
    await stage.show_balances("What C has", [c])


def _went_back(order: Order) -> str:
    by_gift, by_card = (payment.refunded_minor for payment in order.payments)
    return (
        f"{money(by_card, order.currency)} so far to the card,"
        f" {money(by_gift, order.currency)} to the gift card"
    )


async def paid_out_and_refunded(stage: Stage) -> None:
    """A earns, is paid, owes after a refund, and the debt is kept back from its next sale."""
    stage.pen.chapter(4, "Seller A is paid out, and owes something afterwards")
    a = stage.shops["A"]
    stage.wait(until=14)
    await ship(stage, FIRST, a)
    stage.wait(days=2, until=11)
    await arrive(stage, FIRST, a)
    part = await stage.part(FIRST, a)
    if part.release_due_at is None:
        raise RuntimeError("what is delivered has a day of release")
    await stage.follow(
        f"The parcel of {a.name} has arrived. Nothing is booked: the money stays pending until"
        f" {part.release_due_at:%d %b}, in case something is wrong."
    )
    stage.clock.set(part.release_due_at)
    await upkeep.release_sales(stage.resources)
    await stage.follow("The hold is over.")
    requested = await payouts.request_payout(
        stage.resources.payouts,
        viewer=a.owner,
        seller_id=a.id,
        currency=CURRENCY,
        key=stage.key(),
    )
    payout = requested.payout
    if payout is None:
        raise RuntimeError("a new request has a payout")
    await stage.follow(
        f"{a.name} asks for its money: {money(payout.amount_minor, payout.currency)} are sent"
        f" to the account that ends in {payout.last_four}, and are {payout.status}."
    )
    await stage.show_balances("What A has", [a])
    await _owes(stage)
    await _recovered(stage)


async def _owes(stage: Stage) -> None:
    a = stage.shops["A"]
    before = (await stage.order(FIRST)).refunded_minor
    stage.wait(days=1, until=10)
    await refund_units(stage, FIRST, a, 1, reason="One of the two doesn't work")
    order = await stage.order(FIRST)
    owed = await stage.balance(a)
    await stage.follow(
        f"One of the two doesn't work: Ada gets {money(order.refunded_minor - before, CURRENCY)}"
        f" back. In all, {_went_back(order)}, which holds"
        f" {money(await left_on_gift_card(stage), CURRENCY)} now. The money of {a.name} has left"
        f" already, so it owes {money(owed.receivable_minor, CURRENCY)}."
    )
    await stage.show_balances("What A has", [a])


async def _recovered(stage: Stage) -> None:
    a, c = stage.shops["A"], stage.shops["C"]
    stage.wait(until=15)
    order = await buy(stage, SECOND, (a, 1), (c, 1))
    await stage.follow(
        f"Ada orders again, {await stage.number(SECOND)}: another {a.goods} and, this time whole,"
        f" a {c.goods}, for {money(order.total_minor, CURRENCY)} by card."
    )
    for shop in (a, c):
        await ship(stage, SECOND, shop)
    stage.wait(days=2, until=12)
    for shop in (a, c):
        await arrive(stage, SECOND, shop)
    stage.wait(until=18)
    for shop in (a, c):
        await confirm(stage, SECOND, shop)
    await stage.follow(
        "Both have arrived and Ada says that all is well, so nobody waits for the hold. What"
        f" {a.name} owed is kept back first, the rest of its sale can be paid out."
    )
    await stage.show_balances("What A and C have", [a, c])
