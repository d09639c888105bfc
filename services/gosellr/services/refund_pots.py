"""Out of which of the seller's pots a refund comes, frozen and kept back money among them."""

from gosellr.core.db import Connection
from gosellr.models.dispute_values import Dispute
from gosellr.queries import disputes
from gosellr.services import dispute_freeze, ledger_service, refund_books, reserve_service
from gosellr.services.refund_plan import PlannedRefund
from gosellr.utils.postings import SellerSources, seller_sources


async def sources_of(
    connection: Connection, *, planned: PlannedRefund, case: Dispute | None
) -> SellerSources:
    """Out of which pots the seller's side comes; balances are locked only where needed.

    What is frozen under other cases is out of reach; what a rule keeps back is the last to give
    before the seller owes.
    """
    if planned.by_marketplace:
        return SellerSources()
    part = planned.part
    frozen_minor = 0 if case is None else case.frozen_minor
    if planned.seller_minor <= frozen_minor + part.pending_minor:
        return seller_sources(
            planned.seller_minor,
            case_reserve_minor=frozen_minor,
            pending_minor=part.pending_minor,
        )
    available, reserve = refund_books.pots_of(part)
    held = await ledger_service.locked_balances(
        connection, accounts=[available, reserve], currency=part.currency
    )
    own_minor = 0
    if held[reserve]:
        own_minor = await dispute_freeze.own_reserve(
            connection, part=part, reserve_minor=held[reserve]
        )
    return seller_sources(
        planned.seller_minor,
        case_reserve_minor=frozen_minor,
        pending_minor=part.pending_minor,
        available_minor=held[available],
        reserve_minor=own_minor,
    )


async def spend(
    connection: Connection, *, planned: PlannedRefund, case: Dispute | None, sources: SellerSources
) -> None:
    """What a booked refund takes of a case's frozen money, or of what is kept back by rule, is
    counted there."""
    if sources.reserve_minor:
        part = planned.part
        await reserve_service.take(
            connection,
            seller_id=part.seller_id,
            seller_order_id=part.id,
            currency=part.currency,
            amount_minor=sources.reserve_minor,
        )
    if (
        case is not None
        and sources.case_reserve_minor
        and not await disputes.spend(
            connection, dispute_id=case.id, amount_minor=sources.case_reserve_minor
        )
    ):
        raise RuntimeError(f"the money of case {case.id} moved under its order's lock")
