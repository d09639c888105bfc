"""What a bank undid: taken into the inbox as it is told, and never as a payment.

A transfer that the bank took back may have paid for an order that has shipped since, and one of
ours that came back was a refund or a payout. What follows from either is for a person to say.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.reconciliation_values import NewMovement
from gosellr.queries import receipts
from gosellr.services import reconciliation_service
from gosellr.services.reconciliation_service import MovementContradicted
from gosellr.utils.bank_lines import BankLine
from gosellr.utils.creditor_reference import references_in
from gosellr.utils.offline import BANK_TRANSFER
from gosellr.utils.reconciliation import MovementKind


async def take_reversals(
    connection: Connection,
    *,
    lines: Sequence[BankLine],
    source: str,
    taken_by: UUID | None,
    now: datetime,
) -> None:
    """Take reversals once each, however often their bank tells of them.

    Raises:
        MovementContradicted: a name stands for another amount already; none is taken.
    """
    fresh = []
    for line in lines:
        known = await receipts.find_named(connection, reference=line.transaction_id)
        if known is None:
            fresh.append(_movement(line))
        elif (known.currency, known.amount_minor) != (line.currency, line.amount_minor):
            raise MovementContradicted(extras={"reference": known.reference})
    if fresh:
        await reconciliation_service.import_movements(
            connection,
            gateway=BANK_TRANSFER,
            source=source,
            movements=fresh,
            imported_by=taken_by,
            now=now,
        )


def _movement(line: BankLine) -> NewMovement:
    named = references_in(line.text)
    return NewMovement(
        reference=line.transaction_id,
        kind=MovementKind.OTHER,
        currency=line.currency,
        amount_minor=line.amount_minor,
        fee_minor=0,
        related=named[0] if len(named) == 1 else None,
        key=None,
        occurred_at=line.value_date,
    )
