"""What the demo market has to see on the pages about money, once its history is told: payouts in
every state, cases that wait for each side, a chargeback, gift cards, a provider's movements.

Each of these may be done twice: what has a key is known again, and the rest looks first.
"""

from collections.abc import AsyncIterator, Awaitable
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from gosellr.core.errors import DomainError
from gosellr.core.transact import ask, transact
from gosellr.flows import chargebacks, disputes, payouts, reconciliation, stored_value
from gosellr.flows.chargebacks import DisputedPayment
from gosellr.integrations.payments.sandbox import SandboxGateway
from gosellr.integrations.payments.sandbox_disputes import NothingToDispute
from gosellr.jobs import audit
from gosellr.jobs.demo import identities
from gosellr.jobs.demo.accounts import set_account
from gosellr.jobs.demo.people import ADA_EMAIL, OLU_EMAIL, RUNA_EMAIL, RUNA_NAME
from gosellr.jobs.demo.state import Market
from gosellr.models.order_values import Order, SellerOrder
from gosellr.models.reconciliation_values import NewMovement
from gosellr.resources import Resources
from gosellr.services import (
    account_service,
    commission_proposals,
    commission_service,
    order_service,
    reconciliation_service,
    seller_member_service,
    value_requests,
)
from gosellr.services.dispute_service import NewDispute
from gosellr.services.idempotency_service import RequestKey
from gosellr.services.order_service import OrderFilters
from gosellr.utils.disputes import DisputeReason
from gosellr.utils.lazy_dataclasses import replace
from gosellr.utils.permissions import MemberRole, Role
from gosellr.utils.reconciliation import MovementKind
from gosellr.utils.viewer import Viewer

_CURRENCY: Final = "EUR"
_GOOD_ACCOUNT: Final = "DE89370400440532013000"
_CLOSED_ACCOUNT: Final = "DE93999999990000000001"
_SLOW_ACCOUNT: Final = "DE66999999990000000002"
# By shop; the last one's payout is above the market's limit and waits for Olu.
_ACCOUNTS: Final = {
    "nordlys": _GOOD_ACCOUNT,
    "verde": _CLOSED_ACCOUNT,
    "kettle": _SLOW_ACCOUNT,
}
_RECENT: Final = timedelta(days=25)
_COMPLAINTS: Final = (
    (DisputeReason.DAMAGED, "One corner was broken when I opened it."),
    (DisputeReason.NOT_AS_DESCRIBED, "The colour is another one than on the picture."),
    (DisputeReason.DAMAGED, "It rattles, and I didn't drop it."),
)

_log = structlog.get_logger("gosellr.demo")


async def arrange(resources: Resources, market: Market) -> None:
    """Bring all of it about; what the market refuses is left out."""
    olu = await _olu(resources)
    recent = [one async for one in _recent(resources, market)]
    for part in (
        _complaints(resources, market, recent[:3]),
        _chargeback(resources, recent[3:4]),
        _payouts(resources, market),
        _value(resources, olu, market),
        _commission(resources),
        _owner_of_another(resources, market),
        _provider(resources, olu),
    ):
        await _try(part)
    await audit.audit_aloud(resources, now=resources.clock.now())


async def _try(part: Awaitable[None]) -> None:
    try:
        await part
    except (DomainError, NothingToDispute) as refusal:
        _log.debug("left out of the demo", refusal=repr(refusal))


async def _olu(resources: Resources) -> Viewer:
    found = await ask(resources.db, account_service.find_credentials, email=OLU_EMAIL)
    if found is None:
        raise LookupError("nobody runs this market")
    return Viewer(user_id=found.user_id, roles=frozenset({Role.OPERATOR}))


def _buyer(user_id: UUID) -> Viewer:
    return Viewer(user_id=user_id, roles=frozenset({Role.BUYER}))


def _key(what: str) -> RequestKey:
    return RequestKey(scope="demo:affairs", key=what, request_hash=what.encode())


async def _recent(
    resources: Resources, market: Market
) -> AsyncIterator[tuple[Viewer, Order, SellerOrder]]:
    """Parcels that arrived of late and of which nothing was given back: one of each buyer, Ada's
    first."""
    since = resources.clock.now() - _RECENT
    for user_id in market.buyer_ids:
        buyer = _buyer(user_id)
        page = await ask(
            resources.db,
            order_service.list_orders,
            viewer=buyer,
            filters=OrderFilters(as_="buyer"),
            limit=10,
            cursor=None,
        )
        for listed in page.items:
            order = await ask(resources.db, order_service.load_order, order_id=listed.id)
            arrived = [
                part
                for part in order.parts
                if part.delivered_at is not None and part.delivered_at > since
            ]
            if arrived and not order.refunded_minor and order.captured_minor:
                yield buyer, order, arrived[0]
                break


async def _complaints(
    resources: Resources, market: Market, sold: list[tuple[Viewer, Order, SellerOrder]]
) -> None:
    """The first waits for an operator, the second for its buyer, the third for its shop."""
    handles = {seller_id: handle for handle, (seller_id, _) in market.sellers.items()}
    powers = resources.disputes
    for place, (buyer, order, part) in enumerate(sold):
        reason, message = _COMPLAINTS[place]
        opened = await disputes.open_dispute(
            powers,
            viewer=buyer,
            request=NewDispute(
                order_id=order.id,
                order_line_id=part.lines[0].id,
                quantity=1,
                reason=reason,
                message=message,
            ),
            key=_key(f"case {place}"),
        )
        dispute_id = opened.folder.dispute.id
        if place == len(_COMPLAINTS) - 1:
            continue
        await disputes.say(
            powers,
            viewer=market.owner_of(handles[part.seller_id]),
            dispute_id=dispute_id,
            body="We packed it with care. Would a part of the price put it right?",
            is_answer=True,
        )
        if place == 0:
            await disputes.escalate(
                powers, viewer=buyer, dispute_id=dispute_id, reason="I would rather have it whole."
            )


async def _chargeback(resources: Resources, sold: list[tuple[Viewer, Order, SellerOrder]]) -> None:
    gateway = resources.gateways.get(SandboxGateway.name)
    if not isinstance(gateway, SandboxGateway):
        return
    for _, order, _ in sold:
        payment = next(one for one in order.payments if one.captured_minor)
        await gateway.disputes.open(attempt_id=str(payment.id), fee_minor=1_500)
        await chargebacks.hear(
            resources.refunds,
            payment=DisputedPayment(
                payment_id=payment.id, method=payment.method, gateway_reference=None
            ),
        )


async def _payouts(resources: Resources, market: Market) -> None:
    for handle, account in _ACCOUNTS.items():
        await set_account(resources, market, handle, account)
        await _try(_pay(resources, market, handle, "first"))
    limits = replace(resources.policy, payout_approval_over={_CURRENCY: 1})
    await set_account(resources, market, "hifi", _GOOD_ACCOUNT)
    await identities.say(resources, market.sellers)
    careful = replace(resources.payouts, policy=limits)
    seller_id, _ = market.sellers["hifi"]
    await payouts.request_payout(
        careful,
        viewer=market.owner_of("hifi"),
        seller_id=seller_id,
        currency=_CURRENCY,
        key=_key("payout hifi"),
    )


async def _pay(resources: Resources, market: Market, handle: str, which: str) -> None:
    seller_id, _ = market.sellers[handle]
    await payouts.request_payout(
        resources.payouts,
        viewer=market.owner_of(handle),
        seller_id=seller_id,
        currency=_CURRENCY,
        key=_key(f"payout {handle} {which}"),
    )


async def _value(resources: Resources, olu: Viewer, market: Market) -> None:
    """Two gift cards, and credit for Ada."""
    for place, (amount_minor, note) in enumerate(((5_000, "Raffle"), (2_500, "A thank-you"))):
        await stored_value.issue_gift_card(
            resources.stored_value,
            viewer=olu,
            amount_minor=amount_minor,
            currency=_CURRENCY,
            expires_at=None,
            note=note,
            key=_key(f"card {place}"),
        )
    await transact(
        resources.db,
        value_requests.grant,
        viewer=olu,
        user_id=market.buyer_ids[0],
        amount_minor=1_500,
        currency=_CURRENCY,
        reason="A parcel came late",
        key=_key("credit"),
        policy=resources.policy,
        now=resources.clock.now(),
    )


async def _commission(resources: Resources) -> None:
    """The other operator wants more of what no other rule is about: Olu may agree or not."""
    now = resources.clock.now()
    runa = await _runa(resources)
    rules = await ask(
        resources.db,
        commission_service.list_rules,
        viewer=runa,
        cursor=None,
        limit=commission_service.RULES_MAX,
    )
    last = rules.items[-1]
    # Whoever proposes it a second time is refused: it waits already.
    await transact(
        resources.db,
        commission_proposals.change,
        viewer=runa,
        policy=replace(resources.policy, commission_approval=True),
        rule_id=last.rule.id,
        version=last.version,
        changes={"rate_bps": last.rule.rate_bps + 150},
        reason="Card fees went up in spring",
        now=now,
    )


async def _owner_of_another(resources: Resources, market: Market) -> None:
    """She wants Ada to own a shop beside its owner: that takes Olu's word, too."""
    seller_id, _ = market.sellers["loom"]
    await transact(
        resources.db,
        seller_member_service.add_member,
        viewer=await _runa(resources),
        seller_id=seller_id,
        email=ADA_EMAIL,
        role=MemberRole.OWNER,
        now=resources.clock.now(),
    )


async def _runa(resources: Resources) -> Viewer:
    """The other operator, who has no password: nobody can sign in as her."""
    found = await ask(resources.db, account_service.find_credentials, email=RUNA_EMAIL)
    if found is not None:
        return Viewer(user_id=found.user_id, roles=frozenset({Role.OPERATOR}))
    account, _ = await transact(
        resources.db,
        account_service.create_operator,
        email=RUNA_EMAIL,
        name=RUNA_NAME,
        password_hash="",
        now=resources.clock.now(),
    )
    return Viewer(user_id=account.id, roles=account.roles)


async def _provider(resources: Resources, olu: Viewer) -> None:
    """All that the sandbox moved, and two movements that nobody can place."""
    now = resources.clock.now()
    await reconciliation.pull(
        resources.db,
        gateways=resources.gateways,
        gateway=SandboxGateway.name,
        viewer=olu,
        now=now,
    )
    await transact(
        resources.db,
        reconciliation_service.import_movements,
        gateway=SandboxGateway.name,
        source="document",
        movements=[
            NewMovement(
                reference="monthly_fee", kind=MovementKind.FEE, currency=_CURRENCY,
                amount_minor=-1_230, occurred_at=now - timedelta(days=2),
            ),
            NewMovement(
                reference="unknown_credit", kind=MovementKind.OTHER, currency=_CURRENCY,
                amount_minor=4_500, occurred_at=now - timedelta(days=1),
            ),
        ],
        imported_by=olu.user_id,
        now=now,
    )  # fmt: skip
