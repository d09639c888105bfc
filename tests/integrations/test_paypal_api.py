"""Calls to PayPal: tokens, what goes out once more, and whom a failure keeps waiting."""

from datetime import timedelta

import pytest

from gosellr.core.clock import ManualClock
from gosellr.integrations.payments.paypal_api import (
    LIVE,
    Missing,
    NeverSent,
    PayPalApi,
    Refused,
    Unanswered,
)
from tests.integrations.paypal_api.server import (
    GIBBERISH,
    LOST_ANSWER,
    LOST_REQUEST,
    NO_CONNECTION,
    TOKEN_REVOKED,
    FakePayPal,
    make_api,
)

PATH = "/v2/checkout/orders/ORDER1"


@pytest.fixture
def api(paypal_server: FakePayPal, clock: ManualClock) -> PayPalApi:
    paypal_server.account.orders["ORDER1"] = {
        "id": "ORDER1", "status": "CREATED", "intent": "CAPTURE", "purchase_units": [
            {"amount": {"currency_code": "EUR", "value": "1.00"}, "custom_id": "x",
             "invoice_id": "x"}
        ],
    }  # fmt: skip
    return make_api(paypal_server, clock)


async def look(api: PayPalApi) -> None:
    assert (await api.call("order", "GET", PATH))["id"] == "ORDER1"


async def act(api: PayPalApi) -> None:
    await api.call("capture", "POST", f"{PATH}/capture", key="gosellr-capture-1")


async def test_a_token_is_kept_until_shortly_before_its_end(
    api: PayPalApi, paypal_server: FakePayPal, clock: ManualClock
) -> None:
    await look(api)
    clock.advance(timedelta(hours=8, minutes=58))
    await look(api)
    assert len(paypal_server.tokens) == 1
    clock.advance(timedelta(minutes=1, seconds=30))
    await look(api)
    assert len(paypal_server.tokens) == 2


async def test_a_token_that_isn_t_taken_is_renewed_once(
    api: PayPalApi, paypal_server: FakePayPal
) -> None:
    await look(api)
    paypal_server.faults.append(TOKEN_REVOKED)
    await look(api)
    assert len(paypal_server.tokens) == 2
    paypal_server.faults.extend([TOKEN_REVOKED, TOKEN_REVOKED])
    with pytest.raises(Unanswered):
        await look(api)
    assert len(paypal_server.tokens) == 3
    await look(api)


async def test_without_a_token_nothing_is_sent(api: PayPalApi, paypal_server: FakePayPal) -> None:
    paypal_server.tokens_refused = True
    with pytest.raises(NeverSent):
        await act(api)
    assert paypal_server.sent == []


@pytest.mark.parametrize("fault", [LOST_REQUEST, LOST_ANSWER, 500, 503, NO_CONNECTION])
async def test_a_question_is_put_once_more(
    api: PayPalApi, paypal_server: FakePayPal, fault: str | int
) -> None:
    paypal_server.faults.append(fault)
    await look(api)
    paypal_server.faults.extend([fault, fault])
    with pytest.raises(Unanswered):
        await look(api)
    assert not paypal_server.faults


@pytest.mark.parametrize("fault", [LOST_REQUEST, LOST_ANSWER, 500, 503, GIBBERISH, 429])
async def test_a_deed_is_sent_once(
    api: PayPalApi, paypal_server: FakePayPal, fault: str | int
) -> None:
    paypal_server.account.orders["ORDER1"]["status"] = "APPROVED"
    paypal_server.faults.append(fault)
    with pytest.raises(Unanswered) as caught:
        await act(api)
    assert caught.type is Unanswered
    assert len(paypal_server.sent) == 1


async def test_a_deed_that_never_left_is_sent_once_more(
    api: PayPalApi, paypal_server: FakePayPal
) -> None:
    paypal_server.faults.append(NO_CONNECTION)
    with pytest.raises(Refused):
        await act(api)
    assert len(paypal_server.sent) == 1
    paypal_server.faults.extend([NO_CONNECTION, NO_CONNECTION])
    with pytest.raises(NeverSent):
        await act(api)


async def test_whoever_asks_us_to_wait_is_left_alone_for_as_long(
    api: PayPalApi, paypal_server: FakePayPal, clock: ManualClock
) -> None:
    paypal_server.faults.append(429)
    paypal_server.retry_after = "30"
    with pytest.raises(Unanswered):
        await look(api)
    clock.advance(timedelta(seconds=29))
    with pytest.raises(NeverSent):
        await look(api)
    assert len(paypal_server.sent) == 1
    clock.advance(timedelta(seconds=1))
    await look(api)


@pytest.mark.parametrize("header", [None, "soon", "99999", "-1", "999999999999"])
async def test_nobody_keeps_us_waiting_for_longer_than_a_minute(
    api: PayPalApi, paypal_server: FakePayPal, clock: ManualClock, header: str | None
) -> None:
    paypal_server.faults.append(429)
    paypal_server.retry_after = header
    with pytest.raises(Unanswered):
        await look(api)
    clock.advance(timedelta(seconds=60))
    await look(api)


async def test_after_five_failures_in_a_row_requests_are_held_back(
    api: PayPalApi, paypal_server: FakePayPal, clock: ManualClock
) -> None:
    paypal_server.down = 503
    for _ in range(5):
        with pytest.raises(Unanswered):
            await look(api)
    paypal_server.down = None
    with pytest.raises(NeverSent):
        await look(api)
    clock.advance(timedelta(seconds=10))
    await look(api)


async def test_a_no_is_told_by_its_finest_word(api: PayPalApi) -> None:
    with pytest.raises(Refused, match="ORDER_NOT_APPROVED"):
        await act_on(api, "ORDER2")
    with pytest.raises(Missing):
        await api.call("order", "GET", "/v2/checkout/orders/NOBODY")


async def act_on(api: PayPalApi, name: str) -> None:
    unit = {"amount": {"currency_code": "EUR", "value": "1.00"}}
    body = {"intent": "CAPTURE", "purchase_units": [unit]}
    made = await api.call("new order", "POST", "/v2/checkout/orders", body=body, key=name)
    await api.call("capture", "POST", f"/v2/checkout/orders/{made['id']}/capture")


async def test_nothing_secret_is_logged(
    api: PayPalApi, paypal_server: FakePayPal, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="gosellr.paypal")
    for fault in (LOST_REQUEST, 403, 429):
        paypal_server.faults.append(fault)
        with pytest.raises(Unanswered):
            await act(api)
        api._held_back_until = None
    assert "hunter2" not in caplog.text
    assert "token-1" not in caplog.text
    assert "hunter2" not in repr(api)


def test_real_money_goes_to_paypal_s_own_host() -> None:
    assert LIVE == "https://api-m.paypal.com"
