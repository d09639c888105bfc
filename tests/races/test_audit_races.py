"""The audit looks while the market goes on: what only moves in between is no finding."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any, cast

from gosellr.core.clock import ManualClock
from gosellr.core.errors import DomainError
from gosellr.core.transact import transact
from gosellr.integrations.payments.journal_port import JournalCharge
from gosellr.integrations.payments.sandbox import SandboxGateway
from gosellr.jobs import upkeep
from gosellr.jobs.audit import audit_market
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.services import past_service
from gosellr.services.audit_service import Finding, Offence
from gosellr.services.checkout_service import Tender
from gosellr.utils.order_states import OrderStatus
from gosellr.utils.permissions import Role
from gosellr.utils.viewer import Viewer
from tests.factories.accounts import User
from tests.factories.disputes import accept, open_case
from tests.factories.payouts import pay, set_account, set_schedule
from tests.factories.sales import (
    Shop,
    buy,
    cancel,
    make_buyer,
    make_commission,
    make_shop,
    refund,
    ship,
    step,
)

LOOKS = 8
OPERATOR = Viewer(roles=frozenset({Role.OPERATOR}))


async def audited(live: Resources, **more: Any) -> list[Finding]:
    asked = {"gateways": live.gateways, "now": live.clock.now(), **more}
    return await audit_market(
        live.db, payout_providers=live.payout_providers, connections=2, **asked
    )


async def test_nothing_is_late_in_a_past_that_is_still_written(
    live: Resources, clock: ManualClock
) -> None:
    """By today's clock the hold ran out sixty days ago, and the next step gives it back."""
    shop = await transact(live.db, make_shop)
    await buy(live, (shop, 1), tenders=(Tender(method="sandbox", token="tok_requires_action"),))
    today = clock.now() + timedelta(days=60)

    async def broken(now: Any) -> set[int]:
        return {one.number for one in await audited(live, now=now)}

    assert await broken(today) == {15, 20}
    await transact(live.db, past_service.begin)
    assert await broken(today) == set()
    # What was left to the market's own jobs has an hour.
    await transact(live.db, past_service.end, now=today)
    assert await broken(today + timedelta(minutes=59)) == set()
    assert await broken(today + timedelta(minutes=61)) == {15, 20}


class MovingJournal:
    """The sandbox's journal; each reading of it is followed by what happens next."""

    def __init__(
        self,
        sandbox: SandboxGateway,
        acts: Sequence[Callable[[], Awaitable[None]]],
        *,
        lost: str = "",
    ) -> None:
        self._sandbox = sandbox
        self._acts = list(acts)
        self._lost = lost

    async def journal(
        self, *, after_reference: str = "", limit: int = 1000
    ) -> Sequence[JournalCharge]:
        """Without the charge that it lost."""
        page = await self._sandbox.journal(after_reference=after_reference, limit=limit)
        if not page and self._acts:
            await self._acts.pop(0)()
        return [
            JournalCharge(
                attempt_id=one.attempt_id,
                gateway_reference=one.gateway_reference,
                currency=one.currency,
                captured_minor=one.captured_minor,
                refunded_minor=one.refunded_minor,
                fee_minor=one.fee_minor,
            )
            for one in page
            if one.attempt_id != self._lost
        ]


async def test_what_moves_between_a_journal_and_its_snapshot(live: Resources) -> None:
    shop = await transact(live.db, make_shop, price_minor=1000)
    orders: list[Order] = []

    async def sell() -> None:
        orders.extend([await buy(live, (shop, 1)) for _ in range(25)])

    async def take_back() -> None:
        for order in orders:
            await refund(live, order, shop, units=1)

    sandbox = live.gateways["sandbox"]
    assert isinstance(sandbox, SandboxGateway)
    await buy(live, (shop, 1))
    # In one look these are captured and unknown there, in the next they are given back and aren't.
    moving = cast("Any", MovingJournal(sandbox, [sell, take_back]))
    assert await audited(live, gateways={"sandbox": moving}) == []
    assert len(orders) == 25


async def test_what_moves_hides_nothing_that_doesnt(live: Resources) -> None:
    shop = await transact(live.db, make_shop, price_minor=1000)
    orders = [await buy(live, (shop, 1)) for _ in range(30)]
    # Its payment is the last by id, behind all that move.
    lost = orders[-1].payments[0].id

    async def take_back() -> None:
        for order in orders[:25]:
            await refund(live, order, shop, units=1)

    sandbox = live.gateways["sandbox"]
    assert isinstance(sandbox, SandboxGateway)
    moving = cast("Any", MovingJournal(sandbox, [take_back], lost=str(lost)))
    [found] = await audited(live, gateways={"sandbox": moving})
    assert (found.number, found.rows) == (
        7,
        (Offence(f"payment {lost}", "is captured, and sandbox knows nothing of it"),),
    )


async def test_a_difference_is_told_also_where_a_journal_says_less(live: Resources) -> None:
    shop = await transact(live.db, make_shop, price_minor=1000)
    order = await buy(live, (shop, 1))

    async def take_a_cent() -> None:
        async with live.db.connection() as connection:
            await connection.execute("UPDATE payment SET captured_minor = 999")

    sandbox = live.gateways["sandbox"]
    assert isinstance(sandbox, SandboxGateway)
    moving = cast("Any", MovingJournal(sandbox, [take_a_cent]))
    found = {one.number: one.rows for one in await audited(live, gateways={"sandbox": moving})}
    assert found[7][0] == Offence(
        f"payment {order.payments[0].id}",
        "sandbox captured 1000, refunded 0 and kept 0 EUR; we wrote 999, 0, 0, EUR, 0",
    )


async def test_an_audit_in_the_middle_of_business_finds_nothing(live: Resources) -> None:
    """Orders, parcels, refunds, cases, releases, payouts and seals meanwhile, look after look."""
    await transact(live.db, make_commission)
    shops = [await transact(live.db, make_shop, price_minor=1000) for _ in range(2)]
    buyer = await transact(live.db, make_buyer)
    for shop in shops:
        await set_account(live, shop)
        await set_schedule(live, shop, "manual")
    over = asyncio.Event()

    async def trade(number: int) -> int:
        turns = 0
        while not over.is_set():
            await _one_deal(live, shops, buyer, number + turns)
            turns += 1
        return turns

    async def upkeep_meanwhile() -> int:
        rounds = 0
        while not over.is_set():
            await upkeep.release_sales(live)
            await upkeep.seal_ledger(live)
            await upkeep.roll_up_ledger(live)
            with contextlib.suppress(DomainError):
                await pay(live, shops[rounds % 2])
            rounds += 1
        return rounds

    busy = [asyncio.create_task(trade(number)) for number in range(4)]
    busy.append(asyncio.create_task(upkeep_meanwhile()))
    found = []
    for _ in range(LOOKS):
        found += await audited(live)
    over.set()
    assert min(await asyncio.gather(*busy)) > 0
    assert found == []
    assert await audited(live) == []


async def _one_deal(live: Resources, shops: Sequence[Shop], buyer: User, turn: int) -> None:
    """An order of both shops, and something else that becomes of it each time."""
    order = await buy(live, (shops[0], 2), (shops[1], 1), buyer=buyer)
    shop = shops[turn % 2]
    if turn % 4 == 0:
        await cancel(live, order, viewer=OPERATOR)
        return
    await ship(live, order, shop)
    if turn % 4 == 1:
        await refund(live, order, shop, units=1)
        return
    await step(live, order, OrderStatus.DELIVERED, viewer=shop.viewer, shop=shop)
    if turn % 4 == 2:
        case = await open_case(live, order, shop, viewer=buyer.viewer)
        await accept(live, case, viewer=shop.viewer)
        return
    await step(live, order, OrderStatus.COMPLETED, viewer=buyer.viewer, shop=shop)
