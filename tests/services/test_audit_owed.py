"""What sellers wait for at a provider that pays them is nobody's to settle."""

from datetime import timedelta

from gosellr.core.db import Connection
from gosellr.services.audit_service import audit
from gosellr.services.ledger_service import book
from gosellr.utils import ledger
from gosellr.utils.ledger import Direction, Entry, TransactionDraft
from tests.factories.ledger import BOOKED_AT, Sold


async def test_sellers_money_at_the_provider_that_pays_them_is_no_finding(
    connection: Connection,
) -> None:
    sold = Sold()
    draft = TransactionDraft(
        kind=ledger.TransactionKind.ADJUSTED,
        entries=(
            Entry(ledger.gateway_clearing("stripe"), Direction.DEBIT, 9_000, "EUR"),
            Entry(ledger.seller_available(sold.seller_id), Direction.CREDIT, 9_000, "EUR"),
        ),
    )
    await book(connection, bookings=[sold.booking(draft, key="sale")], now=BOOKED_AT)
    later = BOOKED_AT + timedelta(days=46)
    found = await audit(connection, now=later, gateway_journals={})
    assert [(one.number, one.rows) for one in found if one.number == 24] == []
