"""Out of which of the seller's pots a refund comes, a case's frozen money among them."""

from gosellr.core.db import Connection
from gosellr.models.dispute_values import Dispute
from gosellr.queries import disputes
from gosellr.services import dispute_freeze, ledger_service, refund_books
from gosellr.services.refund_plan import PlannedRefund
from gosellr.utils.postings import SellerSources, seller_sources


async def sources_of(
    connection: Connection, *, planned: PlannedRefund, case: Dispute | None
) -> SellerSources:
    """Out of which pots the seller's side comes; balances are locked only where needed.

    What is frozen under other cases is out of reach, and a case takes of no other reserve.
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
    if case is None and held[reserve]:
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


async def take_from_case(
    connection: Connection, *, case: Dispute | None, sources: SellerSources
) -> None:
    """What a refund takes of a case's frozen money is spent."""
    if (
        case is not None
        and sources.case_reserve_minor
        and not await disputes.spend(
            connection, dispute_id=case.id, amount_minor=sources.case_reserve_minor
        )
    ):
        raise RuntimeError(f"the money of case {case.id} moved under its order's lock")
