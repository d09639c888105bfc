"""Money that a provider holds and never settles is found; who never settles is named."""

from datetime import timedelta

import pytest

from gosellr.core.db import Connection
from gosellr.integrations.payments.by_hand import BankTransfer, CashOnDelivery
from gosellr.integrations.payments.paypal_gateway import PayPalGateway
from gosellr.integrations.payments.sandbox import SandboxGateway
from gosellr.integrations.payments.stripe_gateway import StripeGateway
from gosellr.services.audit_questions import USUAL_LIMITS
from gosellr.services.audit_service import Finding, audit
from gosellr.services.ledger_service import Booking, book
from gosellr.utils import ledger, postings
from gosellr.utils.ledger import Direction, Entry, TransactionDraft
from gosellr.utils.reconciliation import NEVER_SETTLED
from tests.factories.ledger import BOOKED_AT, Sold

LIMIT = USUAL_LIMITS.settlement


def moved(minor: int, *, gateway: str = "stripe", key: str = "sale") -> Booking:
    """So much came into what a gateway holds, or below zero left it, without a sale."""
    sign = Direction.DEBIT if minor > 0 else Direction.CREDIT
    other = Direction.CREDIT if minor > 0 else Direction.DEBIT
    entries = (
        Entry(ledger.gateway_clearing(gateway), sign, abs(minor), "EUR"),
        Entry(ledger.BANK, other, abs(minor), "EUR"),
    )
    draft = TransactionDraft(kind=ledger.TransactionKind.SETTLEMENT, entries=entries)
    return Sold().booking(draft, key=f"{gateway}:{key}")


async def stuck(connection: Connection, *, later: timedelta) -> list[tuple[str, str]]:
    found: list[Finding] = await audit(connection, now=BOOKED_AT + later, gateway_journals={})
    return [(row.row, row.problem) for one in found if one.number == 24 for row in one.rows]


async def test_what_a_provider_never_settles_is_found(connection: Connection) -> None:
    await book(connection, bookings=[moved(10_000)], now=BOOKED_AT)
    assert await stuck(connection, later=LIMIT) == []
    since = BOOKED_AT + timedelta(seconds=1)
    [(row, problem)] = await stuck(connection, later=LIMIT + timedelta(seconds=1))
    assert row == "gateway_clearing:stripe"
    assert problem.startswith("still holds 10000 EUR, of which 0 moved since ")
    # What came in lately may wait, and hides nothing that is older.
    await book(connection, bookings=[moved(4_000, key="later")], now=since)
    [(_, problem)] = await stuck(connection, later=LIMIT + timedelta(seconds=1))
    assert problem.startswith("still holds 14000 EUR, of which 4000 moved since ")
    settled = postings.settlement(gateway="stripe", amount_minor=10_000, currency="EUR")
    await book(connection, bookings=[Sold().booking(settled, key="settled")], now=since)
    assert await stuck(connection, later=LIMIT + timedelta(seconds=1)) == []


async def test_what_a_provider_gave_beyond_what_it_held_is_found(connection: Connection) -> None:
    await book(connection, bookings=[moved(-300)], now=BOOKED_AT)
    assert await stuck(connection, later=LIMIT) == []
    [(row, problem)] = await stuck(connection, later=LIMIT + timedelta(seconds=1))
    assert row == "gateway_clearing:stripe"
    assert problem.startswith("still holds -300 EUR, of which 0 moved since ")


@pytest.mark.parametrize("gateway", sorted(NEVER_SETTLED))
async def test_who_settles_nothing_is_excepted_by_name(
    connection: Connection, gateway: str
) -> None:
    await book(connection, bookings=[moved(10_000, gateway=gateway)], now=BOOKED_AT)
    assert await stuck(connection, later=LIMIT + timedelta(days=1)) == []


def test_every_gateway_settles_or_has_a_reason_not_to() -> None:
    settling = {StripeGateway.name, PayPalGateway.name}
    assert set(NEVER_SETTLED) == {SandboxGateway.name, BankTransfer.name, CashOnDelivery.name}
    assert not settling & set(NEVER_SETTLED)
    assert all(len(reason) > 20 for reason in NEVER_SETTLED.values())
