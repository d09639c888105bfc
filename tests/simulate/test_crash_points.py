"""Death at every step: whatever is cut off anywhere is brought to rest by the next process.

Each story runs again and again and dies at its first step, its second, and so on, before each
step and, where that can differ, after it. Then a fresh process over the same database and the
same gateway lets the clock move on and the sweepers run, and the same request is made again.
"""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from gosellr.core.identity import fingerprint
from gosellr.core.transact import ask, transact
from gosellr.flows import checkout, payments, refunds, webhooks
from gosellr.integrations.payments.port import (
    ChargeRequest,
    ChargeResult,
    Outcome,
    PaymentGateway,
    PaymentState,
)
from gosellr.integrations.payments.sandbox import SandboxGateway
from gosellr.integrations.payments.sandbox_store import Charge
from gosellr.jobs import upkeep
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.services import cart_change_service, cart_service, order_service
from gosellr.services.checkout_service import CheckoutRequest
from gosellr.services.idempotency_service import IdempotencyInProgress
from gosellr.services.order_steps import TransitionRefused
from gosellr.services.payment_service import NotPayable, PaymentInProgress
from gosellr.services.pricing_service import PricingContext
from gosellr.services.refund_plan import RefundRequest
from gosellr.utils.viewer import GUEST, Viewer
from tests.factories.orders import ADDRESS
from tests.factories.sales import a_key, buy, buyer_of, cancel
from tests.factories.terms import make_coupon
from tests.simulate.crashing import Died, Fuse, NumberedGateway, numbered
from tests.simulate.stage import (
    OPERATOR,
    PRICE,
    STEPS_MAX,
    Purchase,
    Scene,
    Stage,
    basket,
    card,
    check_at_rest,
    check_market,
    die_everywhere,
    orders_of,
    purchase_scene,
    sweep,
)


async def guest_with_cart(stage: Stage) -> Purchase:
    """A guest whose bag is ready to be ordered."""
    market = stage.market
    context = PricingContext(
        policy=market.policy, now=stage.clock.now(), terms_shelf=market.terms_shelf
    )
    view = await transact(
        market.db, cart_service.create_cart, viewer=GUEST, currency=None, context=context
    )
    assert view.token is not None
    guest = Viewer(cart_token_hash=fingerprint(view.token))
    await transact(
        market.db,
        cart_change_service.add_item,
        viewer=guest,
        cart_id=view.cart.id,
        variant_id=stage.shop.product.variant_id,
        quantity=2,
        context=context,
    )
    await transact(
        market.db,
        cart_change_service.set_addresses,
        viewer=guest,
        cart_id=view.cart.id,
        changes={"email": "ada@example.com", "shipping_address": ADDRESS},
        context=context,
    )
    return Purchase(CheckoutRequest(tenders=(card(),), cart_id=view.cart.id), viewer=guest)


@pytest.mark.case(18)
@pytest.mark.parametrize("way", ["one card", "two cards", "cart", "coupon"])
async def test_case_18_a_purchase_cut_off_anywhere(stage: Stage, way: str) -> None:
    async def scene() -> Scene:
        if way == "cart":
            return purchase_scene(stage, await guest_with_cart(stage), paid=True)
        if way == "two cards":
            tenders = (card(amount_minor=2000), card())
            return purchase_scene(stage, Purchase(basket(stage, *tenders)), paid=True)
        coupons: tuple[str, ...] = ()
        if way == "coupon":
            coupons = (await transact(stage.market.db, make_coupon, limit_total=1),)
        return purchase_scene(stage, Purchase(basket(stage, card(), coupons=coupons)), paid=True)

    points = {"one card": 6, "two cards": 33, "cart": 6, "coupon": 23}
    assert await die_everywhere(stage, scene) == points[way]


@pytest.mark.case(18)
@pytest.mark.case(21)
async def test_case_18_case_21_a_purchase_without_an_answer_cut_off_anywhere(stage: Stage) -> None:
    async def scene() -> Scene:
        purchase = Purchase(basket(stage, card("tok_timeout_then_ok")))
        return purchase_scene(stage, purchase, paid=True)

    assert await die_everywhere(stage, scene) >= 16


@pytest.mark.case(27)
async def test_case_27_a_short_capture_cut_off_anywhere_goes_back(stage: Stage) -> None:
    async def scene() -> Scene:
        purchase = Purchase(basket(stage, card("tok_captures_half")))
        scene = purchase_scene(stage, purchase, paid=False)

        async def play(market: Resources) -> None:
            await purchase.make(market)
            await upkeep.resume_returns(market)

        return replace(scene, play=play)

    assert await die_everywhere(stage, scene) >= 25


@pytest.mark.case(14)
async def test_case_14_an_expiry_cut_off_anywhere(stage: Stage) -> None:
    async def scene() -> Scene:
        order = await buy(stage.market, (stage.shop, 2), tenders=(card("tok_requires_action"),))
        stage.clock.advance(timedelta(minutes=16))

        async def check(market: Resources) -> None:
            await sweep(stage, market)
            after = await ask(market.db, order_service.load_order, order_id=order.id)
            assert after.status == "cancelled"
            await check_at_rest(market, after)

        return Scene(upkeep.expire_holds, check)

    assert await die_everywhere(stage, scene) >= 10


@pytest.mark.case(18)
@pytest.mark.parametrize("token", ["tok_ok", "tok_refund_timeout_then_ok"])
async def test_case_18_a_cancellation_cut_off_anywhere(stage: Stage, token: str) -> None:
    async def scene() -> Scene:
        order = await buy(stage.market, (stage.shop, 2), tenders=(card(token),))

        async def play(market: Resources) -> None:
            await cancel(market, order, viewer=OPERATOR)

        async def check(market: Resources) -> None:
            with suppress(TransitionRefused):
                await play(market)
            await sweep(stage, market)
            after = await ask(market.db, order_service.load_order, order_id=order.id)
            assert (after.status, after.payment_status) == ("cancelled", "refunded")
            assert len(after.refunds) == 1
            await check_at_rest(market, after)

        return Scene(play, check)

    assert await die_everywhere(stage, scene) >= 15


@pytest.mark.case(18)
async def test_case_18_a_refund_cut_off_anywhere(stage: Stage) -> None:
    async def scene() -> Scene:
        order = await buy(stage.market, (stage.shop, 2))
        [part] = order.parts
        key = a_key()

        async def play(market: Resources) -> None:
            requested = await refunds.request_refund(
                market.refunds,
                viewer=stage.shop.viewer,
                order_id=order.id,
                request=RefundRequest(
                    seller_order_id=part.id, reason="broken", items=((part.lines[0].id, 1),)
                ),
                key=key,
            )
            if requested.refund is not None:
                body = str(requested.refund.id).encode()
                await refunds.keep_answer(market.refunds, key=key, status=201, body=body)

        async def check(market: Resources) -> None:
            await play(market)
            await sweep(stage, market)
            after = await ask(market.db, order_service.load_order, order_id=order.id)
            assert [one.amount_minor for one in after.refunds] == [PRICE]
            await check_at_rest(market, after)

        return Scene(play, check)

    assert await die_everywhere(stage, scene) >= 15


async def late_success(stage: Stage, *, paid_otherwise: bool) -> tuple[Purchase, list[Any]]:
    """An order whose first request got stuck on the way and succeeds after it was given up,
    with the gateway's reports of that."""
    market = stage.market
    sandbox = market.gateways["sandbox"]
    assert isinstance(sandbox, SandboxGateway)
    purchase = Purchase(basket(stage, card("tok_timeout_before")))
    placed = await purchase.make(market)
    assert placed.order is not None
    # Sent once more, lost once more, and given up.
    for _ in range(2):
        stage.clock.advance(timedelta(seconds=30))
        await upkeep.resume_payments(market)
    [stuck] = placed.order.payments
    if paid_otherwise:
        again = await checkout.pay_again(
            market.checkout,
            viewer=buyer_of(market, placed.order),
            order_id=placed.order.id,
            tenders=(card(),),
            key=a_key(),
        )
        assert again.order is not None
        assert again.order.status == "paid"
    late = ChargeRequest(
        attempt_id=str(stuck.id),
        amount_minor=stuck.amount_minor,
        currency=stuck.currency,
        token="tok_ok",
        reference=str(placed.order.id),
    )
    assert (await sandbox.charge(late)).captured_minor == 2 * PRICE
    told = await sandbox.pending_webhooks(limit=1_000)
    return purchase, [one for one in told if str(stuck.id).encode() in one.body]


@pytest.mark.case(14)
@pytest.mark.case(15)
@pytest.mark.parametrize("paid_otherwise", [False, True])
async def test_case_14_case_15_a_late_success_cut_off_anywhere(
    stage: Stage, paid_otherwise: bool
) -> None:
    async def scene() -> Scene:
        purchase, reports = await late_success(stage, paid_otherwise=paid_otherwise)
        assert len(reports) == 1

        async def play(market: Resources) -> None:
            await webhooks.receive(
                db=market.db,
                gateways=market.gateways,
                clock=market.clock,
                policy=market.policy,
                payout_powers=market.payouts,
                gateway="sandbox",
                headers=reports[0].headers,
                body=reports[0].body,
            )

        async def check(market: Resources) -> None:
            # The gateway sends it again, signed with the time of sending, or it is found parked.
            await upkeep.apply_parked_reports(market)
            await upkeep.deliver_sandbox_reports(market)
            await sweep(stage, market)
            [order] = await orders_of(market, purchase.key)
            assert order.status == "paid"
            assert [one.returned for one in order.payments].count(True) == int(paid_otherwise)
            await check_at_rest(market, order)

        return Scene(play, check)

    assert await die_everywhere(stage, scene) >= 15


class SlowGateway(NumberedGateway):
    """A gateway that the first request reaches long after whoever sent it has died."""

    def __init__(self, inner: PaymentGateway) -> None:
        super().__init__(inner, Fuse(at=0))
        self.on_its_way: ChargeRequest | None = None

    async def charge(self, request: ChargeRequest) -> ChargeResult:
        """The request leaves, and its sender is gone."""
        self.on_its_way = request
        raise Died

    async def arrive(self) -> ChargeResult:
        """The request is there after all."""
        assert self.on_its_way is not None
        return await self._inner.charge(self.on_its_way)


@pytest.mark.case(18)
@pytest.mark.case(21)
@pytest.mark.parametrize("arrives", ["never", "before the next", "after the next", "too late"])
async def test_case_18_case_21_what_never_reached_its_gateway_is_sent_once_more(
    stage: Stage, arrives: str
) -> None:
    purchase = Purchase(basket(stage, card()))
    slow = SlowGateway(stage.market.gateways["sandbox"])
    with pytest.raises(Died):
        await purchase.make(replace(stage.market, gateways={"sandbox": slow}))
    market = stage.restarted()
    if arrives == "before the next":
        await slow.arrive()
    stage.clock.advance(timedelta(minutes=16 if arrives == "too late" else 1))
    again = await purchase.make(market)
    assert again.order is not None
    held = arrives != "too late"
    assert (again.order.status == "paid") is held
    [attempt] = again.order.payments
    assert attempt.status == ("captured" if held else "expired")
    await upkeep.expire_holds(market)
    if arrives in ("after the next", "too late"):
        await slow.arrive()
    await upkeep.deliver_sandbox_reports(market)
    await sweep(stage, market)
    [order] = await orders_of(market, purchase.key)
    assert order.status == ("paid" if held else "cancelled")
    assert len(order.payments) == 1
    [charge] = await sandbox_charges(market, order)
    assert charge.captured_minor == 2 * PRICE
    assert charge.refunded_minor == (0 if held else 2 * PRICE)
    await check_at_rest(market, order)
    await check_market(stage, market)


async def sandbox_charges(market: Resources, order: Order) -> list[Charge]:
    """What the gateway itself has written down for an order."""
    sandbox = market.gateways["sandbox"]
    assert isinstance(sandbox, SandboxGateway)
    return [one for one in await sandbox.journal() if one.reference == str(order.id)]


class SilentGateway(NumberedGateway):
    """A gateway that doesn't answer."""

    async def lookup(self, **named: Any) -> ChargeResult:
        """No answer."""
        known = await super().lookup(**named)
        return replace(known, outcome=Outcome.UNKNOWN, state=PaymentState.UNKNOWN, captured_minor=0)


@pytest.mark.case(14)
async def test_case_14_an_order_doesn_t_expire_while_its_gateway_is_silent(stage: Stage) -> None:
    order = await buy(stage.market, (stage.shop, 2), tenders=(card("tok_timeout_then_ok"),))
    silent = SilentGateway(stage.market.gateways["sandbox"], Fuse(at=0))
    for _ in range(3):
        stage.clock.advance(timedelta(minutes=16))
        await upkeep.expire_holds(replace(stage.market, gateways={"sandbox": silent}))
        waiting = await ask(stage.market.db, order_service.load_order, order_id=order.id)
        assert waiting.status == "pending_payment"
    stage.clock.advance(timedelta(minutes=16))
    await upkeep.expire_holds(stage.market)
    after = await ask(stage.market.db, order_service.load_order, order_id=order.id)
    assert after.status == "paid"
    await check_at_rest(stage.market, after)


@pytest.mark.case(8)
@pytest.mark.parametrize("way", ["one card", "two cards"])
async def test_case_8_a_deadlock_at_any_statement_charges_once(stage: Stage, way: str) -> None:
    tenders = (card(),) if way == "one card" else (card(amount_minor=2000), card())
    for number in range(1, STEPS_MAX):
        purchase = Purchase(basket(stage, *tenders))
        fuse = Fuse(
            at=number,
            # Only what takes locks can be the victim: what writes, or runs in a transaction.
            counts=lambda step: step.startswith(("SQL", "COMMIT")),
            error=lambda: asyncpg.DeadlockDetectedError("deadlock detected"),
        )
        placed = await purchase.make(numbered(stage.restarted(), fuse))
        [order] = await orders_of(stage.market, purchase.key)
        assert placed.order is not None
        assert (placed.order.id, order.status) == (order.id, "paid")
        assert [one.status for one in order.payments] == ["captured"] * len(tenders)
        await check_at_rest(stage.restarted(), order)
        if fuse.blew_at is None:
            # One statement to place it, one to settle it: each was a victim.
            assert number > 2
            break
    await check_market(stage, stage.market)


@pytest.mark.case(19)
async def test_case_19_an_answer_lost_after_the_charge_is_never_an_invitation_to_pay_again(
    stage: Stage,
) -> None:
    purchase = Purchase(basket(stage, card()))
    fuse = Fuse(at=1, after=True, counts=lambda step: step == "GATEWAY charge")
    with pytest.raises(Died):
        await purchase.make(numbered(stage.restarted(), fuse))
    market = stage.restarted()
    [order] = await orders_of(market, purchase.key)
    assert [one.status for one in order.payments] == ["created"]
    charge = await market.gateways["sandbox"].lookup(attempt_id=str(order.payments[0].id))
    assert charge.captured_minor == order.total_minor
    with pytest.raises(IdempotencyInProgress):
        await purchase.make(market)
    with pytest.raises(PaymentInProgress):
        await checkout.pay_again(
            market.checkout,
            viewer=buyer_of(market, order),
            order_id=order.id,
            tenders=(card(),),
            key=a_key(),
        )
    stage.clock.advance(timedelta(seconds=16))
    again = await purchase.make(market)
    assert again.order is not None
    assert (again.order.id, again.order.status) == (order.id, "paid")
    assert len(again.order.payments) == 1
    await check_at_rest(market, again.order)


@pytest.mark.case(20)
async def test_case_20_completing_a_captured_payment_again_asks_no_gateway(stage: Stage) -> None:
    purchase = Purchase(basket(stage, card()))
    # The answer to the first request was never kept, so nothing but the order remembers it.
    first = await checkout.place_order(
        stage.market.checkout, viewer=GUEST, request=purchase.request, key=a_key(purchase.key)
    )
    assert first.order is not None
    fuse = Fuse(at=0, counts=lambda step: step.startswith("GATEWAY"))
    market = numbered(stage.restarted(), fuse)
    for _ in range(3):
        again = await purchase.make(market)
    assert again.answered is not None
    powers = {"db": market.db, "gateways": market.gateways, "clock": market.clock}
    after = await payments.advance(
        **powers, policy=market.policy, order_id=first.order.id, curious=True
    )
    assert after.status == "paid"
    with pytest.raises(NotPayable):
        await checkout.pay_again(
            market.checkout,
            viewer=buyer_of(market, after),
            order_id=after.id,
            tenders=(card(),),
            key=a_key(),
        )
    await sweep(stage, market)
    assert fuse.count == 0
