"""What is set aside once and taken piece by piece, the same behind every gateway that can."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from gosellr.core.clock import ManualClock
from gosellr.integrations.payments.port import (
    CaptureRequest,
    ChargeRequest,
    Outcome,
    PaymentGateway,
    Reauthorizes,
    RefundRequest,
)
from gosellr.integrations.payments.sandbox import SandboxGateway
from tests.integrations.conftest import NOON
from tests.integrations.paypal_api.account import Account as PayPalAccount
from tests.integrations.paypal_api.server import LOST_ANSWER as PAYPAL_LOSES
from tests.integrations.paypal_api.server import FakePayPal
from tests.integrations.paypal_api.server import make_gateway as make_paypal
from tests.integrations.stripe_api.account import GOOD
from tests.integrations.stripe_api.account import Account as StripeAccount
from tests.integrations.stripe_api.server import LOST_ANSWER as STRIPE_LOSES
from tests.integrations.stripe_api.server import FakeStripe
from tests.integrations.stripe_api.server import make_gateway as make_stripe

TOTAL = 10_000


@dataclass
class Provider:
    """A gateway, how its buyer says yes, and how its next answer gets lost."""

    gateway: PaymentGateway
    clock: ManualClock
    token: str
    approve: Callable[[], None]
    lose_capture: Callable[[], None]

    async def set_aside(self) -> str:
        attempt_id = str(uuid4())
        await self.gateway.charge(
            ChargeRequest(
                attempt_id=attempt_id, amount_minor=TOTAL, currency="EUR", token=self.token,
                reference="order-1", capture=False,
            )
        )  # fmt: skip
        self.approve()
        return attempt_id


@pytest.fixture(params=["sandbox", "stripe", "paypal"])
def provider(request: pytest.FixtureRequest, tmp_path: Path) -> Provider:
    clock = ManualClock(NOON)
    if request.param == "sandbox":
        sandbox = SandboxGateway(tmp_path, production=False, fee_bps=200, clock=clock)
        return Provider(sandbox, clock, "tok_ok", lambda: None, lambda: None)
    if request.param == "stripe":
        stripe = FakeStripe(StripeAccount(clock, multicapture=True))
        gateway = make_stripe(stripe, clock)
        # The payment is found first, and then captured.
        lose = lambda: stripe.faults.extend([None, STRIPE_LOSES])  # noqa: E731
        return Provider(gateway, clock, GOOD, lambda: None, lose)
    paypal = FakePayPal(PayPalAccount(clock))
    lose = lambda: paypal.faults.extend([None, PAYPAL_LOSES])  # noqa: E731

    def approve() -> None:
        paypal.account.approve(list(paypal.account.orders.values())[-1])

    return Provider(make_paypal(paypal, clock), clock, "", approve, lose)


def a_piece(attempt_id: str, amount_minor: int, *, final: bool = False) -> CaptureRequest:
    return CaptureRequest(
        capture_id=str(uuid4()), attempt_id=attempt_id, amount_minor=amount_minor, currency="EUR",
        final=final,
    )  # fmt: skip


async def test_pieces_are_taken_once_each_and_the_rest_goes_back(provider: Provider) -> None:
    gateway = provider.gateway
    attempt_id = await provider.set_aside()
    held = await gateway.lookup(attempt_id=attempt_id)
    assert (held.state, held.captured_minor, held.captures_many) == ("authorized", 0, True)
    assert held.authorized_until == provider.clock.now() + timedelta(days=7)

    first = a_piece(attempt_id, 2_500)
    nothing = await gateway.lookup_capture(capture_id=first.capture_id, attempt_id=attempt_id)
    assert nothing.outcome is Outcome.NOT_FOUND
    taken = await gateway.capture(first)
    assert (taken.outcome, taken.state, taken.amount_minor) == ("accepted", "authorized", 2_500)
    # The same key is the same piece, whoever asks.
    assert (await gateway.capture(first)).amount_minor == 2_500
    found = await gateway.lookup_capture(capture_id=first.capture_id, attempt_id=attempt_id)
    assert (found.outcome, found.amount_minor, found.currency) == ("accepted", 2_500, "EUR")
    assert (await gateway.lookup(attempt_id=attempt_id)).captured_minor == 2_500

    too_much = await gateway.capture(a_piece(attempt_id, 7_501))
    assert (too_much.outcome, too_much.decline_code) == ("declined", "amount_exceeds_authorized")
    second = await gateway.capture(a_piece(attempt_id, 3_000))
    assert (second.outcome, second.amount_minor) == ("accepted", 3_000)
    released = await gateway.void(attempt_id=attempt_id)
    assert (released.outcome, released.amount_minor) == ("accepted", 4_500)
    over = await gateway.lookup(attempt_id=attempt_id)
    assert (over.state, over.captured_minor) == ("captured", 5_500)
    late = await gateway.capture(a_piece(attempt_id, 1))
    assert (late.outcome, late.decline_code) == ("declined", "not_authorized")

    # One refund may need the money of several pieces.
    back = await gateway.refund(
        RefundRequest(refund_id="r", attempt_id=attempt_id, amount_minor=4_000, currency="EUR")
    )
    assert (back.outcome, back.amount_minor) == ("accepted", 4_000)
    known = await gateway.lookup_refund(refund_id="r", attempt_id=attempt_id)
    assert (known.outcome, known.amount_minor) == ("accepted", 4_000)
    more = await gateway.refund(
        RefundRequest(refund_id="s", attempt_id=attempt_id, amount_minor=1_501, currency="EUR")
    )
    assert (more.outcome, more.decline_code) == ("declined", "amount_exceeds_captured")
    assert (await gateway.lookup(attempt_id=attempt_id)).refunded_minor == 4_000


async def test_a_final_piece_ends_it(provider: Provider) -> None:
    gateway = provider.gateway
    attempt_id = await provider.set_aside()
    await gateway.capture(a_piece(attempt_id, 1_000))
    last = await gateway.capture(a_piece(attempt_id, 2_000, final=True))
    assert (last.outcome, last.state, last.amount_minor) == ("accepted", "captured", 2_000)
    over = await gateway.lookup(attempt_id=attempt_id)
    assert (over.state, over.captured_minor) == ("captured", 3_000)


async def test_fees_of_pieces_sum_to_the_charge_s(provider: Provider) -> None:
    gateway = provider.gateway
    attempt_id = await provider.set_aside()
    booked = 0
    for amount_minor in (2_500, 3_000, 4_500):
        taken = await gateway.capture(a_piece(attempt_id, amount_minor))
        booked += (
            taken.fee_minor if taken.fee_total_minor is None else taken.fee_total_minor - booked
        )
    each = {"sandbox": 0, "stripe": 25, "paypal": 35}[gateway.name]
    assert booked == 200 + 3 * each
    assert (await gateway.lookup(attempt_id=attempt_id)).state == "captured"


async def test_a_lost_answer_is_found_by_its_key(provider: Provider) -> None:
    gateway = provider.gateway
    attempt_id = await provider.set_aside()
    await gateway.lookup(attempt_id=attempt_id)
    await gateway.capture(a_piece(attempt_id, 1_000))
    piece = a_piece(attempt_id, 2_500)
    provider.lose_capture()
    said = await gateway.capture(piece)
    if gateway.name != "sandbox":
        assert said.outcome is Outcome.UNKNOWN
    found = await gateway.lookup_capture(capture_id=piece.capture_id, attempt_id=attempt_id)
    assert (found.outcome, found.amount_minor) == ("accepted", 2_500)
    assert (await gateway.lookup(attempt_id=attempt_id)).captured_minor == 3_500


async def test_paypal_sets_the_rest_aside_for_longer() -> None:
    clock = ManualClock(NOON)
    server = FakePayPal(PayPalAccount(clock))
    gateway = make_paypal(server, clock)
    paypal = Provider(
        gateway, clock, "",
        lambda: server.account.approve(list(server.account.orders.values())[-1]), lambda: None,
    )  # fmt: skip
    assert isinstance(gateway, Reauthorizes)
    attempt_id = await paypal.set_aside()
    await gateway.lookup(attempt_id=attempt_id)
    await gateway.capture(a_piece(attempt_id, 4_000))
    soon = await gateway.reauthorize(attempt_id=attempt_id)
    assert soon.authorized_until == NOON + timedelta(days=7)
    clock.advance(timedelta(days=5))
    longer = await gateway.reauthorize(attempt_id=attempt_id)
    assert longer.authorized_until == clock.now() + timedelta(days=7)
    [body] = [sent for name, sent in server.sent if name.endswith("/reauthorize")][-1:]
    assert body == {"amount": {"currency_code": "EUR", "value": "60.00"}}
    taken = await gateway.capture(a_piece(attempt_id, 6_000, final=True))
    assert (taken.outcome, taken.state) == ("accepted", "captured")
    # PayPal keeps nothing aside for longer than its month.
    clock.advance(timedelta(days=20))
    assert (await gateway.reauthorize(attempt_id=attempt_id)).authorized_until is None


@pytest.mark.parametrize("value", ["59.99", "69.00"])
async def test_paypal_that_sets_another_amount_aside_keeps_nothing_longer(
    value: str,
) -> None:
    clock = ManualClock(NOON)
    server = FakePayPal(PayPalAccount(clock))
    gateway = make_paypal(server, clock)
    paypal = Provider(
        gateway, clock, "",
        lambda: server.account.approve(list(server.account.orders.values())[-1]), lambda: None,
    )  # fmt: skip
    attempt_id = await paypal.set_aside()
    await gateway.lookup(attempt_id=attempt_id)
    await gateway.capture(a_piece(attempt_id, 4_000))
    clock.advance(timedelta(days=5))
    server.account.reauthorized_as = value
    told = await gateway.reauthorize(attempt_id=attempt_id)
    assert (told.outcome, told.authorized_until) == (Outcome.UNKNOWN, None)
