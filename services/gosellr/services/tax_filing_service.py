"""Tax returns: handed in once with figures that are frozen, and paid by the word of two people.

What is handed in is what the ledger has of a period that is over, which never changes any more.
Paying is an adjustment as any other: prepared by whoever pays, booked by whoever agrees. One that
is turned down leaves the return as it was, to be paid by another.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, NotAllowed, NotFound
from gosellr.core.identity import new_id
from gosellr.models.events import Fact, FactType
from gosellr.models.tax_return_values import FiledReturn
from gosellr.queries import outbox, tax_filings
from gosellr.services import (
    adjustment_entries,
    adjustment_service,
    idempotency_service,
    tax_return_service,
)
from gosellr.utils.balance_postings import tax_paid
from gosellr.utils.lazy_dataclasses import replace
from gosellr.utils.tax_periods import TaxPeriod
from gosellr.utils.viewer import Viewer

_ROUTE: Final = "pay_tax_return"


class TaxPeriodNotOver(Conflict):
    """Its figures still change, up to an hour after its end."""

    code = "tax_period_not_over"
    title = "This period isn't over"


class TaxReturnFiled(Conflict):
    """A month of it stands in a return already."""

    code = "tax_return_filed"
    title = "This was handed in already"


class TaxPaymentPrepared(Conflict):
    """It was paid, or waits for somebody else's word."""

    code = "tax_payment_prepared"
    title = "The payment is prepared already"


async def file(
    connection: Connection,
    *,
    viewer: Viewer,
    period: TaxPeriod,
    jurisdiction: str,
    currency: str,
    reference: str,
    vat_jurisdiction: str,
    now: datetime,
) -> FiledReturn:
    """Write down that a period was handed in to a jurisdiction, with the figures of the ledger.

    Raises:
        NotAllowed: the viewer runs no market.
        NotFound: nothing happened there in that currency.
        TaxPeriodNotOver, TaxReturnFiled.
    """
    user_id = _operator(viewer)
    if not period.is_over(now=now):
        raise TaxPeriodNotOver
    found = await tax_return_service.owed(
        connection, period=period, vat_jurisdiction=vat_jurisdiction
    )
    owed = next(
        (one for one in found if (one.jurisdiction, one.currency) == (jurisdiction, currency)), None
    )
    if owed is None:
        raise NotFound
    tax_return_id = new_id()
    taken = await tax_filings.add(
        connection,
        tax_return_id=tax_return_id,
        period=period.name,
        jurisdiction=jurisdiction,
        currency=currency,
        since=period.since,
        until=period.until,
        due_minor=owed.due_minor,
        figures=asdict(owed),
        reference=reference,
        user_id=user_id,
        now=now,
    )
    if taken != period.month_count:
        raise TaxReturnFiled
    about = {"period": period.name, "jurisdiction": jurisdiction, "by": str(user_id)}
    fact = Fact(FactType.TAX_RETURN_FILED, tax_return_id, about)
    await outbox.append(connection, [fact], now=now)
    return await find(connection, tax_return_id=tax_return_id)


async def pay(
    connection: Connection,
    *,
    viewer: Viewer,
    tax_return_id: UUID,
    kept_for: timedelta,
    now: datetime,
) -> FiledReturn:
    """Prepare the payment of a return out of the bank, or what comes back of a negative one; it is
    booked when somebody else approves the adjustment. Said again by the same person, it changes
    nothing.

    Raises:
        NotAllowed: the viewer runs no market.
        NotFound: there is no such return.
        TaxPaymentPrepared: somebody has prepared it, it is paid, or there is nothing to pay.
        TaxPaidByHand: an ordinary adjustment has paid it, or a part of it.
    """
    user_id = _operator(viewer)
    await tax_filings.lock(connection, tax_return_id=tax_return_id)
    filed = await find(connection, tax_return_id=tax_return_id)
    if filed.status not in {"filed", "paid_by_hand"}:
        if filed.adjustment_id is not None:
            held = await adjustment_service.find(connection, adjustment_id=filed.adjustment_id)
            if held.prepared_by == user_id and filed.status == "payment_prepared":
                return filed
        raise TaxPaymentPrepared
    await adjustment_entries.check_tax_unpaid(connection, tax_return_id=filed.id)
    draft = tax_paid(
        jurisdiction=filed.jurisdiction, amount_minor=filed.due_minor, currency=filed.currency
    )
    named = f"{filed.jurisdiction} {filed.period}"
    prepared = await adjustment_service.prepare(
        connection,
        viewer=viewer,
        entries=[adjustment_entries.plain_of(entry) for entry in draft.entries],
        reason=f"Tax return {named}" + (f", {filed.reference}" if filed.reference else ""),
        # Each payment that was turned down is followed by another one.
        key=idempotency_service.request_key(
            caller=str(user_id),
            route=_ROUTE,
            key=f"{filed.id}:{filed.adjustment_id}",
            body=named.encode(),
        ),
        kept_for=kept_for,
        now=now,
    )
    await tax_filings.pay_by(connection, tax_return_id=filed.id, adjustment_id=prepared.value.id)
    return await find(connection, tax_return_id=filed.id)


async def find(connection: Connection, *, tax_return_id: UUID) -> FiledReturn:
    """A return as it stands. For operators. Raises `NotFound`."""
    found = await tax_filings.find(connection, tax_return_id=tax_return_id)
    if found is None:
        raise NotFound
    [told] = await _told(connection, [found])
    return told


async def of_period(connection: Connection, *, period: TaxPeriod) -> Sequence[FiledReturn]:
    """All returns that touch a period. For operators."""
    found = await tax_filings.of_period(connection, since=period.since, until=period.until)
    return await _told(connection, found)


async def _told(connection: Connection, found: Sequence[FiledReturn]) -> list[FiledReturn]:
    """Returns, told whether those that nothing of ours pays were paid by hand."""
    unpaid = [one.id for one in found if one.status == "filed"]
    owed = await tax_filings.still_owed(connection, tax_return_ids=unpaid) if unpaid else {}
    by_hand = {which for which, one in owed.items() if one.is_paid_by_hand and not one.left_minor}
    return [replace(one, is_paid_by_hand=one.id in by_hand) for one in found]


def _operator(viewer: Viewer) -> UUID:
    if not viewer.is_operator or viewer.user_id is None:
        raise NotAllowed
    return viewer.user_id
