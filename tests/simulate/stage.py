"""A market on a stage: scenes that are cut off anywhere, and what must be true when it goes on."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

from gosellr.core.clock import ManualClock
from gosellr.core.transact import ask
from gosellr.flows import checkout
from gosellr.flows.checkout import PlacedOrder
from gosellr.jobs import upkeep
from gosellr.jobs.audit import audit_market
from gosellr.models.order_values import Order
from gosellr.providers import build_gateways, build_payout_providers
from gosellr.resources import Resources
from gosellr.services import order_service
from gosellr.services.checkout_service import CheckoutRequest, Tender
from gosellr.services.idempotency_service import KeptAnswer
from gosellr.services.terms_shelf import TermsShelf
from gosellr.utils.permissions import Role
from gosellr.utils.viewer import GUEST, Viewer
from tests.factories.orders import ADDRESS
from tests.factories.sales import Shop, a_key
from tests.simulate.crashing import Died, Fuse, numbered

OPERATOR = Viewer(roles=frozenset({Role.OPERATOR}))
PRICE = 5000
STEPS_MAX = 200

ORDER_MONEY = """
SELECT COALESCE(sum(CASE entry.direction WHEN 'debit' THEN entry.amount_minor
                    ELSE -entry.amount_minor END), 0)::bigint
FROM ledger_transaction AS head JOIN ledger_entry AS entry ON entry.transaction_id = head.id
WHERE head.order_id = $1 AND entry.account = 'gateway_clearing:sandbox'
"""
LIVE_HOLDS = """
SELECT COALESCE(sum(quantity - shipped_quantity - released_quantity), 0)::bigint
FROM stock_reservation WHERE $1::uuid IS NULL OR order_id = $1
"""


@dataclass(slots=True)
class Stage:
    """A market with something to buy, and its clock."""

    market: Resources
    clock: ManualClock
    shop: Shop

    def restarted(self) -> Resources:
        """What the next process holds: nothing that the dead one had in memory."""
        settings, clock = self.market.settings, self.market.clock
        return replace(
            self.market,
            gateways=build_gateways(settings, clock),
            payout_providers=build_payout_providers(settings, clock),
            terms_shelf=TermsShelf(),
        )


@dataclass(slots=True)
class Purchase:
    """One request to buy, which may be made again under its key."""

    request: CheckoutRequest
    viewer: Viewer = GUEST
    key: str = ""

    def __post_init__(self) -> None:
        self.key = uuid4().hex
        self.request = replace(self.request, reference=self.key)

    async def make(self, market: Resources) -> PlacedOrder:
        """Make the request as its door does, the answer kept."""
        key = a_key(self.key)

        def tell(placed: PlacedOrder) -> KeptAnswer:
            assert placed.order is not None
            return KeptAnswer(request=key, status=201, body=str(placed.order.id).encode())

        placed = await checkout.place_order(
            market.checkout, viewer=self.viewer, request=self.request, key=key, tell=tell
        )
        if placed.order is not None and placed.kept is None:
            await checkout.keep_answer(market.checkout, answer=tell(placed))
        return placed


def basket(stage: Stage, *tenders: Tender, **more: Any) -> CheckoutRequest:
    """Two units, as a guest buys them."""
    return CheckoutRequest(
        tenders=tenders,
        items=((stage.shop.product.variant_id, 2),),
        email="ada@example.com",
        shipping_address=ADDRESS,
        **more,
    )


def card(token: str = "tok_ok", amount_minor: int | None = None) -> Tender:
    """A tender at the sandbox."""
    return Tender(method="sandbox", token=token, amount_minor=amount_minor)


async def sweep(stage: Stage, market: Resources) -> None:
    """What the clock starts, until everything that was cut off had its turn."""
    for pause in (timedelta(seconds=30), timedelta(minutes=16), timedelta(minutes=16)):
        stage.clock.advance(pause)
        await upkeep.resume_payments(market)
        await upkeep.expire_holds(market)
        await upkeep.resume_refunds(market)
        await upkeep.resume_returns(market)
        await upkeep.pay_scheduled(market)
        await upkeep.resume_payouts(market)


async def orders_of(market: Resources, reference: str) -> list[Order]:
    async with market.db.connection() as connection:
        rows = await connection.fetch("SELECT id FROM orders WHERE reference = $1", reference)
    return [await ask(market.db, order_service.load_order, order_id=row["id"]) for row in rows]


async def check_at_rest(market: Resources, order: Order) -> None:
    """Paid with its stock, or over with nothing held and nothing kept."""
    assert order.status in ("paid", "cancelled"), order.status
    refunded = sum(one.amount_minor for one in order.refunds if one.status == "succeeded")
    assert all(one.status == "succeeded" for one in order.refunds)
    kept = order.total_minor - refunded if order.paid_at is not None else 0
    assert order.status == "paid" or kept == 0
    # Gift cards and credit gave their part, and no gateway has it.
    kept -= sum(one.captured_minor - one.refunded_minor for one in order.payments if one.account)
    sandbox = market.gateways["sandbox"]
    charges = [await sandbox.lookup(attempt_id=str(one.id)) for one in order.payments]
    at_gateway = sum(one.captured_minor - one.refunded_minor for one in charges)
    async with market.db.connection() as connection:
        in_books = await connection.fetchval(ORDER_MONEY, order.id)
        held = await connection.fetchval(LIVE_HOLDS, order.id)
    owed = sum(
        line.quantity - line.withdrawn_quantity for part in order.parts for line in part.lines
    )
    assert (at_gateway, in_books) == (kept, kept)
    assert held == (owed if order.status == "paid" else 0)


async def check_market(stage: Stage, market: Resources) -> None:
    """Stock and holds agree, and the audit finds nothing."""
    async with market.db.connection() as connection:
        reserved = await connection.fetchval("SELECT sum(reserved) FROM stock_level")
        assert reserved == await connection.fetchval(LIVE_HOLDS, None)
    found = await audit_market(
        market.db,
        gateways=market.gateways,
        payout_providers=market.payout_providers,
        now=stage.clock.now(),
    )
    assert found == [], found


def differs_after(step: str) -> bool:
    """Only what has left the process makes it matter whether one dies before or after it."""
    return step == "COMMIT" or step.startswith(("GATEWAY", "PROVIDER", "POST"))


@dataclass(slots=True)
class Scene:
    """One run of a story: what dies, and what is checked after the restart."""

    play: Callable[[Resources], Awaitable[object]]
    check: Callable[[Resources], Awaitable[None]]


async def die_everywhere(stage: Stage, make_scene: Callable[[], Awaitable[Scene]]) -> int:
    """Play a scene once for every point at which it can die; gives how many there were."""
    points = 0
    for number in range(1, STEPS_MAX):
        step = await die_at(stage, await make_scene(), Fuse(at=number))
        if step is None:
            await check_market(stage, stage.restarted())
            return points
        points += 1
        if differs_after(step):
            await die_at(stage, await make_scene(), Fuse(at=number, after=True))
            points += 1
    raise AssertionError("the story never ends")


async def die_at(stage: Stage, scene: Scene, fuse: Fuse) -> str | None:
    """Play it up to one point and let the next process tidy up; gives the step it died at."""
    try:
        await scene.play(numbered(stage.restarted(), fuse))
    except Died:
        market = stage.restarted()
        stage.clock.advance(timedelta(seconds=30))
        # Every other time whoever asks again is quicker than the sweeper.
        if fuse.at % 2:
            await upkeep.resume_payments(market)
    else:
        market = stage.restarted()
    await scene.check(market)
    return fuse.blew_at


def purchase_scene(stage: Stage, purchase: Purchase, *, paid: bool | None = None) -> Scene:
    """Buying; afterwards the same request gives the same order, and only one."""

    async def check(market: Resources) -> None:
        before = await orders_of(market, purchase.key)
        again = await purchase.make(market)
        [order] = await orders_of(market, purchase.key)
        assert before in ([], [order]) or [one.id for one in before] == [order.id]
        if again.answered is not None:
            assert again.answered.body == str(order.id).encode()
        else:
            assert again.order is not None
            assert again.order.id == order.id
        await sweep(stage, market)
        [order] = await orders_of(market, purchase.key)
        await check_at_rest(market, order)
        if paid is not None:
            assert (order.status == "paid") is paid

    return Scene(purchase.make, check)
