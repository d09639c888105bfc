"""Cases and chargebacks, through the flows themselves."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from gosellr.core.clock import ManualClock
from gosellr.core.transact import ask, transact
from gosellr.flows import chargebacks, disputes
from gosellr.flows.chargebacks import DisputedPayment
from gosellr.flows.disputes import SentFile
from gosellr.integrations.payments.sandbox import SandboxGateway
from gosellr.jobs import upkeep
from gosellr.models.dispute_values import DisputeFolder, ReportedChargeback
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.services import chargeback_service, dispute_questions
from gosellr.services.dispute_argument import Award
from gosellr.services.dispute_questions import DisputeFilters
from gosellr.services.dispute_service import NewDispute
from gosellr.utils.disputes import DisputeReason
from gosellr.utils.order_states import OrderStatus
from gosellr.utils.permissions import Role
from gosellr.utils.viewer import Viewer
from tests.factories.accounts import User
from tests.factories.payouts import an_operator
from tests.factories.sales import Shop, a_key, buy, part_of, ship, step

OPERATOR = Viewer(roles=frozenset({Role.OPERATOR}))
PDF = b"%PDF-1.7 a receipt"


async def delivered(
    resources: Resources, *items: tuple[Shop, int], buyer: User, **more: Any
) -> Order:
    """Bought, sent and arrived."""
    order = await buy(resources, *items, buyer=buyer, **more)
    for shop, _ in items:
        await ship(resources, order, shop)
        await step(resources, order, OrderStatus.DELIVERED, viewer=shop.viewer, shop=shop)
    return order


async def open_case(
    resources: Resources,
    order: Order,
    shop: Shop,
    *,
    viewer: Viewer,
    units: int | None = None,
    reason: DisputeReason = DisputeReason.DAMAGED,
    key: str | None = None,
) -> DisputeFolder:
    """The buyer complains of the shop's only line."""
    opened = await disputes.open_dispute(
        resources.disputes,
        viewer=viewer,
        request=NewDispute(
            order_id=order.id,
            order_line_id=part_of(order, shop).lines[0].id,
            quantity=units,
            reason=reason,
            message="It arrived broken",
        ),
        key=a_key(key),
    )
    return opened.folder


async def say(
    resources: Resources, case: DisputeFolder, *, viewer: Viewer, answer: bool = False
) -> DisputeFolder:
    """Say something."""
    return await disputes.say(
        resources.disputes,
        viewer=viewer,
        dispute_id=case.dispute.id,
        body="It left us whole",
        is_answer=answer,
    )


async def accept(resources: Resources, case: DisputeFolder, *, viewer: Viewer) -> DisputeFolder:
    """Give in."""
    return await disputes.accept(resources.disputes, viewer=viewer, dispute_id=case.dispute.id)


async def escalate(resources: Resources, case: DisputeFolder, *, viewer: Viewer) -> DisputeFolder:
    """Ask an operator."""
    return await disputes.escalate(
        resources.disputes, viewer=viewer, dispute_id=case.dispute.id, reason="Please look"
    )


async def decide(
    resources: Resources,
    case: DisputeFolder,
    *,
    share_bps: int | None = None,
    amount_minor: int | None = None,
    viewer: Viewer | None = None,
) -> DisputeFolder:
    """An operator's word."""
    return await disputes.decide(
        resources.disputes,
        viewer=viewer or OPERATOR,
        dispute_id=case.dispute.id,
        award=Award(share_bps=share_bps, amount_minor=amount_minor, reason="both have a point"),
    )


async def hand_in(
    resources: Resources,
    case: DisputeFolder,
    *,
    viewer: Viewer,
    content: bytes = PDF,
    declared_type: str | None = "application/pdf",
    name: str = "receipt.pdf",
) -> UUID:
    """Hand a file in."""

    async def chunks() -> AsyncIterator[bytes]:
        yield content

    _, file_id = await disputes.add_evidence(
        resources.disputes,
        viewer=viewer,
        dispute_id=case.dispute.id,
        sent=SentFile(content=chunks(), declared_type=declared_type, name=name),
    )
    return file_id


async def reread(
    resources: Resources, case: DisputeFolder, *, viewer: Viewer | None = None
) -> DisputeFolder:
    """The case as it is now."""
    return await disputes.find(
        resources.disputes, viewer=viewer or an_operator(), dispute_id=case.dispute.id
    )


async def pass_deadline(resources: Resources, case: DisputeFolder) -> DisputeFolder:
    """Let the deadline of a case pass, and the clock's work be done."""
    now = await reread(resources, case)
    assert now.dispute.due_at is not None
    assert isinstance(resources.clock, ManualClock)
    resources.clock.advance(now.dispute.due_at - resources.clock.now() + timedelta(seconds=1))
    await upkeep.work_off_disputes(resources)
    return await reread(resources, case)


async def cases_of(resources: Resources, order: Order) -> list[DisputeFolder]:
    """All cases of an order, the oldest first."""
    page = await ask(
        resources.db,
        dispute_questions.list_cases,
        viewer=an_operator(),
        filters=DisputeFilters(order_id=order.id),
        cursor=None,
        limit=100,
    )
    return [
        await disputes.find(resources.disputes, viewer=an_operator(), dispute_id=one.dispute.id)
        for one in reversed(page.items)
    ]


def network(resources: Resources) -> SandboxGateway:
    """The sandbox gateway, whose disputes are told how to go."""
    gateway = resources.gateways["sandbox"]
    assert isinstance(gateway, SandboxGateway)
    return gateway


async def take_back(
    resources: Resources,
    order: Order,
    *,
    amount_minor: int | None = None,
    fee_minor: int = 0,
    payment: int = 0,
    heard: bool = True,
) -> str:
    """The buyer's bank takes money back, and we hear of it; gives the network's reference."""
    reference = await network(resources).disputes.open(
        attempt_id=str(order.payments[payment].id), amount_minor=amount_minor, fee_minor=fee_minor
    )
    if heard:
        await hear(resources, order, payment=payment)
    return reference


async def bank_decides(
    resources: Resources, order: Order, reference: str, *, won: bool, heard: bool = True
) -> None:
    """The buyer's bank decides, and we hear of it."""
    await network(resources).disputes.decide(reference=reference, won=won)
    if heard:
        await hear(resources, order)


async def hear(resources: Resources, order: Order, *, payment: int = 0) -> int:
    """Act on a report about a payment's chargebacks; gives for how many that was news."""
    return await chargebacks.hear(
        resources.refunds,
        payment=DisputedPayment(
            payment_id=order.payments[payment].id, method="sandbox", gateway_reference=None
        ),
    )


async def told_as(
    resources: Resources,
    order: Order,
    reference: str,
    status: str,
    *,
    amount_minor: int = 12_000,
    kept_minor: int = 0,
) -> bool:
    """The provider says how a chargeback stands, of all of the order where nothing else is said."""
    told = ReportedChargeback(
        payment_id=order.payments[0].id, gateway="sandbox", gateway_reference=reference,
        amount_minor=amount_minor, currency="EUR", fee_minor=0, reason="fraudulent",
        status=status, evidence_due_at=None, opened_at=resources.clock.now(),
        kept_minor=kept_minor,
    )  # fmt: skip
    return await transact(
        resources.db, chargeback_service.record, reported=told, policy=resources.policy,
        now=resources.clock.now(),
    )  # fmt: skip


def asked_in(cases: list[DisputeFolder], reference: str) -> dict[object, tuple[int, int, int]]:
    """By seller, what the cases of a chargeback are about, what of that came back, and what is
    frozen."""
    return {
        one.dispute.seller_id: (
            one.dispute.amount_minor, one.dispute.came_back_minor, one.dispute.frozen_minor
        )
        for one in cases
        if one.chargeback is not None and one.chargeback.gateway_reference == reference
    }  # fmt: skip
