"""An order at PayPal that holds other money than it is about is no answer, whatever is asked."""

from collections.abc import Callable

import pytest

from gosellr.integrations.payments.paypal_gateway import PayPalGateway
from gosellr.integrations.payments.port import (
    CaptureRequest,
    ChargeRequest,
    Outcome,
    RefundRequest,
)
from tests.integrations.paypal_api.account import Document, money
from tests.integrations.paypal_api.server import FakePayPal

ASK = ChargeRequest(
    attempt_id="attempt-1", amount_minor=10_000, currency="EUR", token="", reference="order-1",
    capture=False,
)  # fmt: skip
TAKE = CaptureRequest(
    capture_id="attempt-1", attempt_id="attempt-1", amount_minor=10_000, currency="EUR"
)
BACK = RefundRequest(refund_id="r", attempt_id="attempt-1", amount_minor=1, currency="EUR")


def of(order: Document, kind: str) -> Document:
    rows: list[Document] = order["purchase_units"][0]["payments"][kind]
    return rows[-1]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda order: of(order, "authorizations").update(amount=money(10_000, "USD")),
        lambda order: of(order, "authorizations").update(amount=money(9_999, "EUR")),
        lambda order: of(order, "authorizations").update(amount=money(10_001, "EUR")),
    ],
)
async def test_of_what_is_set_aside(
    paypal_gateway: PayPalGateway,
    paypal_server: FakePayPal,
    spoil: Callable[[Document], None],
) -> None:
    await paypal_gateway.charge(ASK)
    [order] = paypal_server.account.orders.values()
    paypal_server.account.approve(order)
    assert (await paypal_gateway.lookup(attempt_id="attempt-1")).outcome is Outcome.ACCEPTED
    spoil(order)
    assert (await paypal_gateway.lookup(attempt_id="attempt-1")).outcome is Outcome.UNKNOWN
    assert (await paypal_gateway.capture(TAKE)).outcome is Outcome.UNKNOWN
    assert not paypal_server.account.captures()


@pytest.mark.parametrize("kind", ["captures", "refunds"])
async def test_of_what_was_taken_or_given_back(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal, kind: str
) -> None:
    await paypal_gateway.charge(ASK)
    [order] = paypal_server.account.orders.values()
    paypal_server.account.approve(order)
    assert (await paypal_gateway.capture(TAKE)).outcome is Outcome.ACCEPTED
    assert (await paypal_gateway.refund(BACK)).outcome is Outcome.ACCEPTED
    assert len(await paypal_gateway.given_back(attempt_id="attempt-1") or ()) == 1
    of(order, kind)["amount"] = money(1, "USD")
    assert (await paypal_gateway.lookup(attempt_id="attempt-1")).outcome is Outcome.UNKNOWN
    told = await paypal_gateway.lookup_refund(refund_id="r", attempt_id="attempt-1")
    assert told.outcome is Outcome.UNKNOWN
    assert await paypal_gateway.given_back(attempt_id="attempt-1") is None


async def test_what_went_back_of_another_capture_is_no_answer(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal
) -> None:
    await paypal_gateway.charge(ASK)
    [order] = paypal_server.account.orders.values()
    paypal_server.account.approve(order)
    await paypal_gateway.capture(TAKE)
    await paypal_gateway.refund(BACK)
    [above] = of(order, "refunds")["links"]
    above["href"] = "https://api.paypal.com/v2/payments/captures/OTHER"
    assert await paypal_gateway.given_back(attempt_id="attempt-1") is None
