"""Gateways in folders of their own, with a clock that stands where the test puts it."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gosellr.core.clock import ManualClock
from gosellr.integrations.payments.paypal_gateway import PayPalGateway
from gosellr.integrations.payments.sandbox import SandboxGateway
from gosellr.integrations.payments.stripe_gateway import StripeGateway
from tests.integrations.paypal_api import account as paypal_account
from tests.integrations.paypal_api import server as paypal
from tests.integrations.stripe_api.account import Account
from tests.integrations.stripe_api.server import FakeStripe, make_gateway

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[SandboxGateway]:
    """A sandbox gateway without a fee, at noon."""
    gateway = SandboxGateway(tmp_path, production=False, clock=ManualClock(NOON))
    yield gateway
    gateway.close()


@pytest.fixture
def clock() -> ManualClock:
    """Noon, until told otherwise."""
    return ManualClock(NOON)


@pytest.fixture
def stripe_server(clock: ManualClock) -> FakeStripe:
    """Stripe with an empty account."""
    return FakeStripe(Account(clock))


@pytest.fixture
async def stripe_gateway(
    stripe_server: FakeStripe, clock: ManualClock
) -> AsyncIterator[StripeGateway]:
    """A gateway before that account."""
    gateway = make_gateway(stripe_server, clock)
    yield gateway
    await gateway.aclose()


@pytest.fixture
def paypal_server(clock: ManualClock) -> paypal.FakePayPal:
    """PayPal with an empty account."""
    return paypal.FakePayPal(paypal_account.Account(clock))


@pytest.fixture
async def paypal_gateway(
    paypal_server: paypal.FakePayPal, clock: ManualClock
) -> AsyncIterator[PayPalGateway]:
    """A gateway before that account."""
    gateway = paypal.make_gateway(paypal_server, clock)
    yield gateway
    await gateway.aclose()
