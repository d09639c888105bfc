"""Money that may be paid out, and payouts of it, through the flows and services themselves."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.identity import new_id
from gosellr.core.transact import ask, transact
from gosellr.flows import payouts
from gosellr.flows.payouts import account_place
from gosellr.integrations.payments.sandbox import SandboxGateway
from gosellr.integrations.payouts.port import TransferResult
from gosellr.integrations.payouts.sandbox import TEST_ACCOUNTS, Behaviour, SandboxPayouts
from gosellr.models.order_values import Order
from gosellr.models.payout_values import Payout, PayoutDestination
from gosellr.resources import Resources
from gosellr.services import payout_questions, payout_settings_service, release_service
from gosellr.services.audit_service import Finding, GatewayCharge, ProviderTransfer, audit
from gosellr.services.payout_settings_service import NewDestination
from gosellr.utils.order_states import OrderStatus
from gosellr.utils.permissions import Role
from gosellr.utils.viewer import Viewer
from tests.factories.accounts import TestSeller
from tests.factories.sales import Shop, a_key, buy, ship, step

ACCOUNTS = {behaviour: account for account, behaviour in TEST_ACCOUNTS.items()}
ACCOUNTS[Behaviour.PAY] = "DE89370400440532013000"
HOLD = timedelta(days=7)


def an_operator() -> Viewer:
    """Somebody who runs the market, and nobody else."""
    return Viewer(user_id=new_id(), roles=frozenset({Role.OPERATOR}))


async def earn(resources: Resources, shop: Shop, units: int = 1, **more: Any) -> Order:
    """Sell, deliver, and let the hold pass: the shop's share is available."""
    order = await buy(resources, (shop, units), **more)
    await ship(resources, order, shop)
    await step(resources, order, OrderStatus.DELIVERED, viewer=shop.viewer)
    assert isinstance(resources.clock, ManualClock)
    resources.clock.advance(HOLD)
    await transact(resources.db, release_service.release_due, now=resources.clock.now())
    return order


async def set_account(
    resources: Resources, paid: Shop | TestSeller, behaviour: Behaviour = Behaviour.PAY
) -> PayoutDestination:
    """Name the account that a shop is paid to."""
    account = ACCOUNTS[behaviour]
    return await name_account(resources, paid, "sandbox", last_four=account[-4:], iban=account)


async def name_account(
    resources: Resources, paid: Shop | TestSeller, method: str, *, last_four: str, **number: str
) -> PayoutDestination:
    """Name an account of any kind, its number under the name of its kind."""
    seller = paid.seller if isinstance(paid, Shop) else paid
    destination_id = new_id()
    plain = json.dumps({"holder": seller.name, **number}).encode()
    return await transact(
        resources.db,
        payout_settings_service.change_destination,
        viewer=seller.viewer,
        seller_id=seller.id,
        new=NewDestination(
            destination_id=destination_id,
            method=method,
            account_encrypted=resources.vault.encrypt(plain, place=account_place(destination_id)),
            last_four=last_four,
        ),
        policy=resources.policy,
        now=resources.clock.now(),
    )


async def set_schedule(resources: Resources, shop: Shop, kind: str, **more: int) -> None:
    """Choose when a shop is paid without asking."""
    await transact(
        resources.db,
        payout_settings_service.change_settings,
        viewer=shop.viewer,
        seller_id=shop.seller.id,
        changes={"schedule": kind, **more},
        minimums=None,
        expected_version=None,
        now=resources.clock.now(),
    )


async def pay(
    resources: Resources,
    paid: Shop | TestSeller,
    *,
    currency: str = "EUR",
    viewer: Viewer | None = None,
    key: str | None = None,
) -> Payout:
    """Pay a shop all that is available to it."""
    seller = paid.seller if isinstance(paid, Shop) else paid
    requested = await payouts.request_payout(
        resources.payouts,
        viewer=viewer or seller.viewer,
        seller_id=seller.id,
        currency=currency,
        key=a_key(key),
    )
    assert requested.payout is not None
    return requested.payout


async def reread(resources: Resources, payout: Payout) -> Payout:
    """The payout as it is now."""
    return await ask(
        resources.db, payout_questions.find_payout, viewer=an_operator(), payout_id=payout.id
    )


async def transfers(resources: Resources) -> list[TransferResult]:
    """What the provider has been told, ever."""
    provider = resources.payout_providers["sandbox"]
    assert isinstance(provider, SandboxPayouts)
    return await provider.journal()


async def wrong_with(connection: Connection, resources: Resources) -> list[Finding]:
    """What the audit finds, also inside of a test's transaction."""
    gateway = resources.gateways["sandbox"]
    assert isinstance(gateway, SandboxGateway)
    taken_back = await gateway.disputes.taken_back()
    charges = [
        GatewayCharge(
            charge.attempt_id,
            charge.currency,
            charge.captured_minor,
            charge.refunded_minor,
            charge.fee_minor,
            taken_back.get(charge.attempt_id, 0),
        )
        for charge in await gateway.journal()
    ]
    sent = [
        ProviderTransfer(
            UUID(one.transfer_id), one.amount_minor or 0, one.currency or "", one.outcome.value
        )
        for one in await transfers(resources)
    ]
    return await audit(
        connection,
        now=resources.clock.now(),
        gateway_journals={"sandbox": charges},
        provider_journals={"sandbox": sent},
    )
