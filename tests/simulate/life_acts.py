"""What may happen in the life of a market, and how often."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Final

from gosellr.core.transact import ask, transact
from gosellr.integrations.payouts.sandbox import Behaviour
from gosellr.models.order_values import Order
from gosellr.services import door_service, stray_service
from gosellr.services.basket_service import Tender
from gosellr.services.refund_ways import NamedPayment, Override
from gosellr.utils.order_states import OrderStatus
from tests.factories import balances as desk
from tests.factories import gift_sales
from tests.factories.disputes import OPERATOR, accept, cases_of, decide, escalate, open_case, say
from tests.factories.payouts import pay, set_account
from tests.factories.reductions import call_off
from tests.factories.sales import (
    buy,
    cancel,
    part_of,
    read,
    refund,
    seller_owes,
    ship,
    step,
)
from tests.factories.stored_value import (
    by_bank,
    by_card,
    by_credit,
    give_credit,
    grant_credit,
    make_card,
    operator,
    pay_again,
)
from tests.factories.transfers import arrive
from tests.simulate.lives import WORK, Bought, Life, NothingThere

_PAUSES: Final = (
    timedelta(seconds=30),
    timedelta(minutes=16),
    timedelta(hours=5),
    timedelta(days=1),
    timedelta(days=3),
    timedelta(days=8),
)


async def buys(life: Life) -> None:
    chance = life.chance
    tenders: list[Tender] = []
    if life.codes and chance.random() < 0.4:
        tenders.append(by_card(chance.choice(life.codes)))
    elif chance.random() < 0.3:
        _, code = await make_card(life.market, chance.randint(50, 12_000), currency=life.currency)
        life.codes.append(code)
        tenders.append(by_card(code))
    if chance.random() < 0.25:
        await grant_credit(
            life.market, life.buyer, chance.randint(50, 3000), currency=life.currency
        )
        tenders.append(by_credit())
    last = (
        by_bank(life.token()),
        Tender(method="bank_transfer"),
        Tender(method="cash_on_delivery"),
    )
    tenders += chance.choices(last, (70, 15, 15))
    shops = chance.sample(life.shops, chance.randint(1, 3))
    order = await buy(
        life.market,
        *((shop, chance.randint(1, 4)) for shop in shops),
        buyer=life.buyer,
        tenders=tenders,
        coupons=tuple(code for code in life.coupons if chance.random() < 0.25),
        currency=life.currency,
    )
    life.bought.append(Bought(order, shops))


async def buys_card(life: Life) -> None:
    amount = life.chance.choice((2500, 5000, 1234))
    tender = by_bank(life.token())
    order = await gift_sales.buy_card(
        life.market, amount, buyer=life.buyer, tender=tender, currency=life.currency
    )
    life.bought.append(Bought(order, ()))


def _card_order(life: Life) -> Order:
    found = [one.order for one in life.bought if not one.shops]
    if not found:
        raise NothingThere
    return life.chance.choice(found)


async def reads_code(life: Life) -> None:
    code = await gift_sales.code_of(life.market, _card_order(life), viewer=life.buyer.viewer)
    life.codes.append(code)


async def takes_card_back(life: Life) -> None:
    await gift_sales.take_back(life.market, _card_order(life))


async def pays_again(life: Life) -> None:
    order, _ = life.part()
    await pay_again(life.market, order, by_bank(life.token()), viewer=life.buyer.viewer)


async def answers_bank(life: Life) -> None:
    order, _ = life.part()
    asked = [one for one in (await read(life.market, order)).payments if one.method == "sandbox"]
    for one in asked:
        await life.gateway.complete_action(
            attempt_id=str(one.id), approve=life.chance.random() < 0.7
        )


async def transfers(life: Life) -> None:
    order, _ = life.part()
    asked = [one for one in order.payments if one.method == "bank_transfer"]
    if not asked:
        raise NothingThere
    off = life.chance.choice((0, 0, 0, -100, 50))
    text = f"order {order.reference or order.number}"
    minor = max(1, asked[0].amount_minor + off)
    await arrive(life.market, minor, text=text, currency=life.currency)


async def ships(life: Life) -> None:
    order, shop = life.part()
    await ship(life.market, order, shop, units=life.chance.choice((None, None, 1)))


async def delivers(life: Life) -> None:
    order, shop = life.part()
    await step(life.market, order, OrderStatus.DELIVERED, viewer=shop.viewer, shop=shop)


async def cancels(life: Life) -> None:
    order, shop = life.part()
    whole = life.chance.random() < 0.25
    viewer = life.buyer.viewer if whole else life.someone(shop).viewer
    await cancel(life.market, order, viewer=viewer, shop=None if whole else shop)


async def calls_off(life: Life) -> None:
    order, shop = life.part()
    units = life.chance.randint(1, 2)
    await call_off(life.market, order, shop, units, viewer=life.someone(shop).viewer)


async def refuses_at_door(life: Life) -> None:
    order, shop = life.part()
    await transact(
        life.market.db,
        door_service.refuse,
        viewer=shop.viewer,
        order_id=order.id,
        seller_order_id=part_of(order, shop).id,
        reason="changed my mind",
        policy=life.market.policy,
        now=life.clock.now(),
    )


async def refunds(life: Life) -> None:
    order, shop = life.part()
    chance = life.chance
    units = chance.randint(1, 3)
    match chance.choice(("units", "units", "amount", "shipping", "credit", "goodwill", "ways")):
        case "units":
            await refund(life.market, order, shop, units=units)
        case "amount":
            await refund(life.market, order, shop, amount_minor=chance.randint(1, 3000))
        case "shipping":
            await refund(life.market, order, shop, shipping=True)
        case "credit":
            await refund(life.market, order, shop, units=units, to_store_credit=True)
        case "ways":
            paid = [one for one in (await read(life.market, order)).payments if one.captured_minor]
            ways = [NamedPayment(payment_id=one.id) for one in paid]
            override = Override(named=tuple(chance.sample(ways, len(ways))))
            await refund(
                life.market, order, shop, units=units, viewer=await operator(life.market),
                override=override,
            )  # fmt: skip
        case _:
            minor = chance.randint(1, 2000)
            await refund(
                life.market, order, shop, viewer=OPERATOR, amount_minor=minor, by_marketplace=True
            )


async def gives_credit(life: Life) -> None:
    """A shop that has something, mostly, and at times more than it has."""
    for _ in range(4):
        order, shop = life.part()
        available = (await seller_owes(life.connection, shop)).get("available", 0)
        if available:
            break
    minor = life.chance.randint(1, max(1, available + available // 4))
    await give_credit(life.market, order, shop, minor, currency=life.currency)


async def complains(life: Life) -> None:
    order, shop = life.part()
    units = life.chance.choice((None, 1))
    await open_case(life.market, order, shop, viewer=life.buyer.viewer, units=units)


async def argues(life: Life) -> None:
    order, shop = life.part()
    cases = [one for one in await cases_of(life.market, order) if one.dispute.status != "closed"]
    if not cases:
        raise NothingThere
    case, viewer = life.chance.choice(cases), life.someone(shop).viewer
    match life.chance.choice(("accept", "decide", "decide", "escalate", "say")):
        case "accept":
            await accept(life.market, case, viewer=viewer)
        case "decide":
            share_bps = life.chance.choice((0, 3333, 5000, 10_000))
            await decide(life.market, case, share_bps=share_bps)
        case "escalate":
            await escalate(life.market, case, viewer=viewer)
        case _:
            answer = life.chance.random() < 0.5
            await say(life.market, case, viewer=viewer, answer=answer)


async def charges_back(life: Life) -> None:
    if not life.bought:
        raise NothingThere
    bought = life.chance.choice(life.bought)
    order = await read(life.market, bought.order)
    charges = [one for one in order.payments if one.method == "sandbox"]
    if not charges:
        raise NothingThere
    reference = await life.gateway.disputes.open(
        attempt_id=str(life.chance.choice(charges).id),
        amount_minor=life.chance.choice((None, life.chance.randint(1, 3000))),
        fee_minor=life.chance.choice((0, 1500)),
    )
    life.chargebacks.append(reference)
    if bought.shops:
        # The price of a gift card that comes back is a case for people.
        life.may_come_back.append(reference)


async def bank_decides(life: Life) -> None:
    if not life.chargebacks:
        raise NothingThere
    reference = life.chargebacks.pop(life.chance.randrange(len(life.chargebacks)))
    await life.gateway.disputes.decide(reference=reference, won=life.chance.random() < 0.5)


async def bank_gives_back(life: Life) -> None:
    if not life.may_come_back:
        raise NothingThere
    await life.gateway.disputes.reinstate(reference=life.chance.choice(life.may_come_back))


async def asks_for_payout(life: Life) -> None:
    await pay(life.market, life.chance.choice(life.shops), currency=life.currency)


async def moves_account(life: Life) -> None:
    behaviour = life.chance.choice(list(Behaviour))
    await set_account(life.market, life.chance.choice(life.shops), behaviour)


async def close_cases(life: Life) -> None:
    for one in await ask(life.market.db, stray_service.open_cases):
        await transact(
            life.market.db,
            stray_service.close_case,
            viewer=OPERATOR,
            return_id=one.id,
            note="looked at",
            now=life.clock.now(),
        )


async def debt_is_given_up(life: Life) -> None:
    shop = life.chance.choice(life.shops)
    owed = (await seller_owes(life.connection, shop)).get("receivable", 0)
    if owed <= 0:
        raise NothingThere
    written = await desk.write_off(
        life.market, shop, life.chance.randint(1, owed), currency=life.currency
    )
    await desk.approve(life.market, written.id)


async def debt_is_planned(life: Life) -> None:
    share_bps = life.chance.choice((2500, 10_000))
    shop = life.chance.choice(life.shops)
    await desk.agree(life.market, shop, share_bps=share_bps, currency=life.currency)


async def time_passes(life: Life) -> None:
    life.clock.advance(life.chance.choice(_PAUSES))


async def some_work_is_done(life: Life) -> None:
    for job in life.chance.sample(WORK, life.chance.randint(3, len(WORK))):
        await job(life.market)
    if life.chance.random() < 0.7:
        await life.react()


ACTS: Final[Sequence[tuple[Callable[[Life], Awaitable[None]], int]]] = (
    (buys, 10),
    (buys_card, 1),
    (reads_code, 1),
    (takes_card_back, 1),
    (pays_again, 2),
    (answers_bank, 2),
    (transfers, 4),
    (ships, 12),
    (delivers, 12),
    (cancels, 4),
    (calls_off, 3),
    (refuses_at_door, 2),
    (refunds, 10),
    (gives_credit, 3),
    (complains, 5),
    (argues, 6),
    (charges_back, 4),
    (bank_decides, 4),
    (bank_gives_back, 2),
    (asks_for_payout, 4),
    (moves_account, 1),
    (close_cases, 2),
    (debt_is_given_up, 1),
    (debt_is_planned, 1),
    (time_passes, 8),
    (some_work_is_done, 10),
)


async def live(life: Life, steps: int) -> None:
    """Let so many things happen; what is refused changes nothing, and is noted."""
    acts, weights = zip(*ACTS, strict=True)
    for act in life.chance.choices(acts, weights, k=steps):
        await life.attempt(act.__name__, act(life))
